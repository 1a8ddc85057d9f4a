"""Run a benchmark and append its figures to docs/benchmarks.md: `make bench-report BENCH=money`.

Every figure is a JSON line on the benchmark's stdout; it is shown as it comes, and at the end all
of them become one dated table with the machine, its load, the latency of fsync and foreign CPU.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.plan import ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
LAST_SECTION = "## Not measured yet"
ASKED = ("must_reach", "must_stay_below")


def main(words: list[str]) -> int:
    """Run the benchmark `words` name; its exit code. Nothing is written when it fails."""
    before = os.getloadavg()[0]
    command = [sys.executable, "-m", "deploy.local.bench", *words]
    figures: list[dict[str, Any]] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            figures += figures_of(line)
    if process.returncode == 0 and figures:
        title = f"{words[0].capitalize()}: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_commit()}"
        load = f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after"
        text = section(title, f"{machine()}; {load}{conditions(figures)}.", figures)
        REPORT.write_text(placed(REPORT.read_text(encoding="utf-8"), text), encoding="utf-8")
        print(f"appended to {REPORT.relative_to(ROOT)}", file=sys.stderr)
    return process.returncode


def figures_of(line: str) -> list[dict[str, Any]]:
    """The figure a line of output tells, if it does."""
    try:
        found = json.loads(line)
    except ValueError:
        return []
    return [found] if isinstance(found, dict) and {"figure", "value", "unit"} <= set(found) else []


def section(title: str, conditions: str, figures: Sequence[Mapping[str, Any]]) -> str:
    """A heading, the conditions, and a row for each figure."""
    rows = ["| figure | value | asked | the naive way beside it |", "|---|---|---|---|"]
    for each in figures:
        detail = each.get("detail") or {}
        asked = next((f"{_sign(key)} {detail[key]:,}" for key in ASKED if detail.get(key)), "")
        unit = "" if each["unit"] == "ratio" else f" {each['unit']}"
        cells = (each["figure"], f"{each['value']:,}{unit}", asked, _naive(detail))
        rows.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join([f"## {title}", "", conditions, "", *rows, ""])


def conditions(figures: Sequence[Mapping[str, Any]]) -> str:
    """Latency of fsync and the most foreign CPU seen beside any figure."""
    details = [each.get("detail") or {} for each in figures]
    synced = [detail["fsync_ms"] for detail in details if "fsync_ms" in detail]
    foreign = [
        seconds for detail in details for seconds in _flat(detail.get("foreign_cpu_seconds"))
    ]
    said = f"; fsync {min(synced)} to {max(synced)} ms" if synced else ""
    return said + (f"; at most {max(foreign)} s of foreign CPU in a run" if foreign else "")


def machine() -> str:
    """Cores, memory and system, without the machine's name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def placed(report: str, text: str) -> str:
    """`report` with `text` before its last section."""
    head, mark, tail = report.partition(LAST_SECTION)
    return f"{head.rstrip()}\n\n{text}\n{mark}{tail}" if mark else f"{report.rstrip()}\n\n{text}"


def _sign(key: str) -> str:
    return "≥" if key == "must_reach" else "≤"


def _naive(detail: Mapping[str, Any]) -> str:
    told = {key.removeprefix("naive_"): detail[key] for key in detail if key.startswith("naive_")}
    return ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in told.items())


def _flat(found: Any) -> Iterator[float]:
    if isinstance(found, list):
        yield from found
    elif found is not None:
        yield found


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, cwd=Path(ROOT), capture_output=True, text=True, check=False)
    return found.stdout.strip() or "no commit"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
