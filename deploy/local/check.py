"""`make check`: everything a machine can say about the code without running its tests.

All steps run even when one fails; the exit code is 1 when any did. `--write-schema` and
`--write-messages` make the files that two of the steps compare.
"""

import difflib
import gettext
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.plan import ROOT

OPENAPI = ROOT / "docs" / "openapi.yaml"
PYTHON = sys.executable
MANAGE = [PYTHON, "-W", "ignore::RuntimeWarning", "manage.py"]
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
SHIPPED = [room for room in ROOMS if room != "tests"]
# No step asks the database anything; the settings only want to hear of one.
ENVIRONMENT = {
    "DATABASE_URL": "postgresql:///none?host=%2Fnonexistent",
    "SECRET_KEY": "only-for-checks",
    "DEMO": "1",
    "CELERY_BROKER_URL": "memory://",
    "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    **os.environ,
    "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ.get('PATH', '')}",
}


def run(*command: str) -> str:
    """Run a command from the project's root: its output when it failed, else ""."""
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or "failed"


def write_schema(target: Path) -> str:
    words = ["spectacular", "--file", str(target), "--validate", "--fail-on-warn"]
    return run(*MANAGE, *words)


def openapi_is_up_to_date() -> str:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "openapi.yaml"
        if said := write_schema(fresh):
            return said
        committed = OPENAPI.read_text() if OPENAPI.exists() else ""
        if committed == fresh.read_text():
            return ""
        lines = difflib.unified_diff(
            committed.splitlines(), fresh.read_text().splitlines(), "committed", "code", lineterm=""
        )
        return "docs/openapi.yaml is stale: run `make schema`\n" + "\n".join(list(lines)[:40])


def compiled(catalog: Path) -> bytes:
    """The .mo bytes of a .po file; fuzzy entries stay out, as in msgfmt."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    made = io.BytesIO()
    with catalog.open("rb") as source:
        write_mo(made, read_po(source))
    return made.getvalue()


def catalogs() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("LC_MESSAGES/*.po"))


def messages_are_compiled() -> str:
    def entries(data: bytes) -> dict[object, object]:
        found = dict(vars(gettext.GNUTranslations(io.BytesIO(data)))["_catalog"])
        found.pop("", None)  # the header holds dates
        return found

    stale = []
    for catalog in catalogs():
        binary = catalog.with_suffix(".mo")
        if not binary.exists() or entries(binary.read_bytes()) != entries(compiled(catalog)):
            stale.append(str(binary.relative_to(ROOT)))
    return f"stale, run `make messages`: {', '.join(stale)}" if stale else ""


STEPS: dict[str, Callable[[], str]] = {
    "format": lambda: run(PYTHON, "-m", "ruff", "format", "--check", "--quiet", "--diff", "."),
    "lint": lambda: run(PYTHON, "-m", "ruff", "check", "."),
    # Tests are read by people and run by pytest; types are asked of what ships.
    "types": lambda: run(PYTHON, "-m", "mypy", *SHIPPED, "demo.py", "manage.py"),
    "import contracts": lambda: run("lint-imports"),
    "migrations": lambda: run(*MANAGE, "makemigrations", "--check", "--dry-run"),
    "django": lambda: run(*MANAGE, "check"),
    "OpenAPI": openapi_is_up_to_date,
    "translations": messages_are_compiled,
}


def main(words: list[str]) -> int:
    """Run all steps, or those named; see the module's text for the `--write-…` words."""
    if words == ["--write-schema"]:
        said = write_schema(OPENAPI)
        print(said or f"wrote {OPENAPI.relative_to(ROOT)}")
        return 1 if said else 0
    if words == ["--write-messages"]:
        for catalog in catalogs():
            catalog.with_suffix(".mo").write_bytes(compiled(catalog))
        print(f"compiled {len(catalogs())} catalogs")
        return 0
    failed = []
    for name, step in STEPS.items():
        if words and name not in words:
            continue
        began = time.monotonic()
        said = step()
        print(f"{'✗' if said else '✓'} {name} ({time.monotonic() - began:.1f} s)", flush=True)
        if said:
            failed.append(name)
            print("\n".join("    " + line for line in said.splitlines()[-60:]), flush=True)
    print(f"check failed: {', '.join(failed)}" if failed else "check passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
