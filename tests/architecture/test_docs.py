"""What the documents say exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from treasury.models import Appropriation

ROOT = Path(__file__).resolve().parents[2]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = [
    *READMES,
    ROOT / "CHANGELOG.md",
    ROOT / "deploy" / "runbook.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
ROOMS = (
    "audit",
    "identity",
    "ledger",
    "treasury",
    "providers",
    "vouchers",
    "scheduling",
    "marketplace",
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MAKE_WORD = re.compile(r"(?:^|`)make ([a-z][a-z-]*)", re.MULTILINE)
DEMO_WORD = re.compile(r"demo\.py ([a-z][a-z-]*)")
MANAGE_WORD = re.compile(r"manage\.py ([a-z][a-z_]*)")
# `/api/v1/x/{id}`, `$API/x/1?y=z`, and the body of a `post /x/1/verb '{…}'`
API_PATH = re.compile(r"/api/v1(/[\w{}/-]+)|\$API(/[\w/-]+)|^post (/[\w/-]+)", re.MULTILINE)
PAGE_PATH = re.compile(r"`(/(?:enterprise|provider|officer|auditor|api|admin|health)[\w/<>-]*)`")
# `room.Model` or `room.Model.field`; `room.*` and modules (lower case) are not tables
TABLE = re.compile(rf"`((?:{'|'.join(ROOMS)})\.[A-Z]\w*)(?:\.(\w+))?`")
FILE_NAMED = re.compile(rf"`((?:{'|'.join(ROOMS)}|docs|deploy|tests)/[\w./-]+)`")


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def api_paths(text: str) -> Iterator[str]:
    """Addresses below /api/v1 that `text` names, with a number wherever it leaves one open."""
    for found in API_PATH.finditer(text):
        path = next(group for group in found.groups() if group)
        yield "/api/v1" + re.sub(r"\{\w+\}", "1", path).rstrip("/")


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = [link.split("#")[0] for link in LINK.findall(page.read_text())]
    missing = [
        target
        for target in targets
        if target and "://" not in target and not (page.parent / target).exists()
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_file_named_exists(page: Path) -> None:
    missing = [name for name in FILE_NAMED.findall(page.read_text()) if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE_WORD.findall(page.read_text())) <= targets


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_word_given_to_demo_py_is_one_it_knows(page: Path) -> None:
    import demo

    known = set(re.findall(r"^        \"([a-z-]+)\": \w+,$", Path(demo.__file__).read_text(), re.M))
    assert "demo" in known
    assert set(DEMO_WORD.findall(page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_management_command_named_exists(page: Path) -> None:
    assert set(MANAGE_WORD.findall(page.read_text())) <= set(get_commands())


@pytest.mark.parametrize("page", [*READMES, *GUIDES], ids=short)
def test_every_address_named_is_served(page: Path) -> None:
    text = page.read_text()
    pages = [re.sub(r"<\w+>", "1", path) for path in PAGE_PATH.findall(text)]
    lost = []
    for path in [*api_paths(text), *(path for path in pages if not path.startswith("/api/v1"))]:
        try:
            resolve(path)
        except Resolver404:
            lost.append(path)
    assert not lost


@pytest.mark.parametrize("page", GUIDES, ids=short)
def test_every_address_posted_to_accepts_a_post(page: Path) -> None:
    deaf = []
    for path in re.findall(r"^post (/[\w/-]+)", page.read_text(), re.MULTILINE):
        view: Any = resolve(f"/api/v1{path}").func
        verbs = getattr(view, "actions", None) or dir(view.view_class)  # a viewset, or a view
        if "post" not in verbs:
            deaf.append(path)
    assert not deaf


def test_the_guides_name_addresses_at_all() -> None:
    named = {path for guide in GUIDES for path in api_paths(guide.read_text())}
    assert "/api/v1/payout-batches/1/freeze" in named
    assert "/api/v1/platforms/1/callbacks" in named
    assert len(named) > 40


def test_every_table_of_the_glossary_exists() -> None:
    named = TABLE.findall((ROOT / "docs" / "glossary.md").read_text())
    assert len(named) > 30
    for label, field in named:
        model = apps.get_model(label)  # raises LookupError
        if field:
            model._meta.get_field(field)  # raises FieldDoesNotExist


def test_the_page_about_transfers_names_exactly_the_kinds_that_are_posted() -> None:
    page = (ROOT / "docs" / "guides" / "how-a-fen-travels.md").read_text()
    table = page.split("## Movements")[1].split("##")[0]
    posted = set(Appropriation.Kind.values)  # approve_appropriation posts its own kind
    for room in ("ledger", "treasury", "vouchers", "marketplace"):
        for path in (ROOT / room / "actions").glob("*.py"):
            text = path.read_text()
            posted |= set(re.findall(r"_post\(\w+, \"(\w+)\"", text))
            for call in re.findall(r"post_transfer\((.*?)moves=", text, re.DOTALL):
                posted |= set(re.findall(r"\bkind=\"(\w+)\"", call))
                posted |= set(re.findall(r": \"(\w+)\"[,}]", call))
    for path in (ROOT / "vouchers" / "migrations" / "sql").glob("*.sql"):
        posted |= set(
            re.findall(
                r"vouchers_(?:move_window_money|post_of_window)\(\s*v_window, '(\w+)'",
                path.read_text(),
            )
        )
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == posted


def test_both_readmes_lead_to_the_same_places() -> None:
    english, chinese = (set(LINK.findall(readme.read_text())) for readme in READMES)
    assert english - {"README.zh-CN.md"} == chinese - {"README.md"}


def test_the_index_lists_every_decision() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    assert {path.name for path in folder.glob("0*.md")} <= listed
