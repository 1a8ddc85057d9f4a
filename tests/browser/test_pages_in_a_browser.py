"""The pages in a real browser: drawn with their style, and nothing comes from elsewhere."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from audit.decisions import SYSTEM
from tests.factories import NOW
from vouchers.actions.load_presets import load_presets

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def look(address: str, profile: Path, *words: str) -> str:
    command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={profile}", *words, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("path", ["/", "/login"])
def test_a_page_stands_on_its_own(live_server, tmp_path, path):
    load_presets(actor=SYSTEM, at=NOW)
    dom = look(f"{live_server.url}{path}", tmp_path, "--dump-dom")
    assert "</html>" in dom
    elsewhere = re.findall(r"(?:src|href)=\"(https?://[^\"]+)\"", dom)
    assert not elsewhere
    assert "<script" not in dom


def test_a_page_is_drawn_with_its_style(live_server, tmp_path):
    picture = tmp_path / "page.png"
    look(f"{live_server.url}/", tmp_path / "profile", f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
