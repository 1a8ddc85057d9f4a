"""A real browser, driven. `SHOTS=folder` keeps the pictures."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    driving = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright keeps a loop of its own
    with driving.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
        context.set_default_timeout(60_000)
        yield context.new_page()
        browser.close()


@pytest.fixture
def shoot(page: Any, tmp_path: Path) -> Callable[[str], None]:
    """Keep a picture of the whole page, which must not be wider than its window."""
    folder = Path(os.environ.get("SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{name} is wider than its window"

    return keep


@pytest.fixture
def shoot_wide_and_narrow(page: Any, shoot: Callable[[str], None]) -> Callable[[str], None]:
    """On a desk and on a telephone."""

    def keep(name: str) -> None:
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            shoot(f"{name}-{width}")

    return keep
