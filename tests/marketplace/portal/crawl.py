"""Follow links from page to page, as a person with a mouse does."""

import re
from collections.abc import Callable, Iterable
from html import unescape
from urllib.parse import urljoin, urlsplit

LINK = re.compile(r"<a\b[^>]*\bhref=\"([^\"]+)\"")
LEFT_OUT = ("/admin/", "/logout")


def crawl(
    starts: Iterable[str], read: Callable[[str], tuple[int, str]], *, each: int = 1
) -> dict[str, int]:
    """The status of every address reached from `starts`; `read(address) -> (status, html)`.

    Of addresses that differ in numbers only, `each` are read: one row's page is like the next's.
    """
    todo, answers = list(starts), dict[str, int]()
    shapes: dict[str, int] = {}
    while todo:
        address = todo.pop(0)
        shape = re.sub(r"\d+", "0", address)
        if address in answers or shapes.get(shape, 0) >= each:
            continue
        shapes[shape] = shapes.get(shape, 0) + 1
        answers[address], page = read(address)
        for found in LINK.findall(page):
            path = urljoin(address, unescape(found)).partition("#")[0]
            if not urlsplit(path).netloc and not path.startswith(LEFT_OUT):
                todo.append(path)
    return answers
