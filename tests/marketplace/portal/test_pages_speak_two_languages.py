"""Every page in Chinese and in English, marked up so that machines can read it too."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from marketplace.templatetags.portal import quantity, text_of
from tests.marketplace.portal.conftest import auditor, browser
from tests.scheduling.builders import make_placement, make_pool, make_workload

pytestmark = pytest.mark.django_db
PAGES = (
    *("public", "login", "enterprise", "carbon", "provider", "imports", "meters"),
    *("officer", "officer-cases", "regions", "auditor", "auditor-cases"),
)
CATALOG = Path(settings.BASE_DIR) / "marketplace/locale/zh_Hans/LC_MESSAGES/django.po"
VOID = {"meta", "link", "input", "br", "line", "circle", "rect", "img", "hr"}


class Outline(HTMLParser):
    """What a screen reader would rely on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _attrs in self.tags)


@pytest.fixture
def addresses(spent) -> list[str]:
    make_placement(make_pool(), make_workload())
    return [*(reverse(page) for page in PAGES), reverse("trace", args=[spent.redemption.pk])]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_is_well_formed_and_labelled(addresses, language):
    client = browser(auditor(), language=language)
    for address in addresses:
        page = Outline()
        page.feed(client.get(address).content.decode())
        assert not page.faults, (address, page.faults)
        assert not page.open, (address, page.open)
        assert page.count("h1") == page.count("main") == page.count("header") - _inner(page) == 1
        assert dict(page.tags)["html"]["lang"] == ("en" if language == "en" else "zh-Hans")
        for tag, attrs in page.tags:
            assert tag != "th" or attrs.get("scope"), address
            assert tag != "script", address
            assert not str(attrs.get("src") or attrs.get("href") or "").startswith("http"), address
        ids = [attrs["id"] for _tag, attrs in page.tags if attrs.get("id")]
        assert len(ids) == len(set(ids)), address


def _inner(page: Outline) -> int:
    """Headers of cards and steps, which are not the page's."""
    return sum(
        tag == "header" and "top" not in (attrs.get("class") or "") for tag, attrs in page.tags
    )


def test_a_visitor_switches_the_language(addresses):
    client = browser(auditor())
    assert "Voucher wallet" in client.get("/enterprise").content.decode()
    answer = client.post(reverse("set_language"), {"language": "zh-hans", "next": "/enterprise"})
    assert answer.url == "/enterprise"
    assert "券包" in client.get("/enterprise").content.decode()


def test_no_english_is_left_on_a_chinese_page(addresses):
    """Words of the pages themselves: headings, table headers and labels."""
    client = browser(auditor(), language="zh-hans")
    for address in addresses:
        body = client.get(address).content.decode()
        for text in re.findall(r"<(?:h1|h2|dt|summary|th scope=\"col\"[^>]*)>([^<]+)<", body):
            assert re.search(r"[一-鿿]", text) or text.strip() in {
                "PUE",
                "SCI",
                "kWh",
                "kgCO₂",
                "",
            }, (address, text)


def test_every_string_of_the_pages_has_its_chinese():
    entries = re.split(r"\n\n", CATALOG.read_text(encoding="utf-8"))[1:]
    assert len(entries) > 300
    for entry in entries:
        assert not re.search(r'^msgstr(\[0\])? ""\s*$(?!\n")', entry, re.M), entry
        assert "fuzzy" not in entry


@pytest.mark.parametrize(
    ("language", "shown"),
    [("zh-hans", "算力类型：智能算力"), ("en", "kind of compute: intelligent")],
)
def test_a_reason_about_a_fact_says_its_code_in_words(language, shown):
    reason = {
        "text_zh": "算力类型：intelligent",
        "text_en": "kind of compute: intelligent",
        "fact": "compute_kind",
    }
    with override(language):
        assert text_of(reason) == shown


def test_what_rounds_to_zero_has_no_sign():
    assert [quantity(each) for each in ("-0.001", -0.004, "-0.01", "1234.5")] == [
        *("0.00", "0.00", "-0.01", "1,234.50")
    ]
