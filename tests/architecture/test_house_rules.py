"""The house's rules, held by the build: arrows, doors, clocks, migrations, no machine of ours."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
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
ACTION_FILES = sorted(path for room in ROOMS for path in ROOT.glob(f"{room}/actions/*.py"))


def test_every_import_goes_the_way_of_the_arrows():
    ran = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as m; m()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert re.search(r"[1-9]\d* kept, 0 broken", ran.stdout), ran.stdout[-500:]


@pytest.mark.django_db
def test_every_migration_is_written_down():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def deciding_functions() -> list[tuple[str, ast.FunctionDef]]:
    """Public functions in `actions/` that run in a transaction or record an event: the verbs."""
    found = []
    for path in ACTION_FILES:
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            calls = {
                each.func.id
                for each in ast.walk(node)
                if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
            }
            if "record" in calls:
                found.append((f"{path.relative_to(ROOT)}:{node.name}", node))
    return found


VERBS = deciding_functions()
# What a machine outside says is recorded as the system's own act: nobody of ours acted.
TOLD_BY_MACHINES = {"receive_callback", "receive_gateway_event"}


def test_there_are_verbs_to_look_at():
    assert len(VERBS) > 40


@pytest.mark.parametrize(("where", "verb"), VERBS, ids=[where for where, _verb in VERBS])
def test_a_verb_that_records_takes_who_and_when_by_name(where, verb):
    named = [each.arg for each in verb.args.kwonlyargs]
    assert not verb.args.args, f"{where} takes arguments by position"
    assert "at" in named
    if verb.name not in TOLD_BY_MACHINES:
        assert "actor" in named


@pytest.mark.parametrize("path", ACTION_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_action_reads_a_clock(path):
    assert not re.search(
        r"\b(timezone|datetime)\.(now|utcnow|today)\(|date\.today\(", path.read_text()
    )


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine():
    """A clean clone must install from whatever index its own machine is set up for."""
    hosts = (
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "registry.npm" + "js",
        "proxy.golang" + ".org",
    )
    folders = ("/work" + "/", "/home" + "/user")
    wrong = []
    for path in tracked():
        if path.suffix in {".mo", ".png", ".jpg", ".ico", ".gz", ".woff2"} or not path.is_file():
            continue
        text = path.read_text(errors="ignore")
        wrong += [f"{path.relative_to(ROOT)}: {each}" for each in hosts + folders if each in text]
    assert wrong == []


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_pinned_package_has_its_hashes_and_no_index(name):
    text = (ROOT / "requirements" / name).read_text()
    assert not re.search(r"^--?(index|extra|find|i)\b", text, re.MULTILINE)
    pins = re.split(r"\n(?=\S)", text.strip())
    unpinned = [pin for pin in pins if pin[0] != "#" and ("==" not in pin or "--hash=" not in pin)]
    assert unpinned == []
