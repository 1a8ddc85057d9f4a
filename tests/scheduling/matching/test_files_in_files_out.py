"""match_files: what it writes can be verified by a stranger; wrong files are refused by line."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scheduling.matching.errors import MarketError
from scheduling.matching.match_files import main, run
from scheduling.matching.read_files import read_market

from .random_markets import HOURS, random_market

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "verify_plan.py"
POOLS = (
    "pool_id,kind,region,units,price_fen_per_unit_hour,kw_per_unit,pue,green_tier,green_share,"
    "available_from,available_to"
)
JOBS = (
    "job_id,kinds,units,duration_hours,earliest_hour,deadline_hour,regions,min_green_tier,"
    "max_price_fen_per_unit_hour,voucher_rate,voucher_regions,interruptible,group"
)


def write(folder: Path, seed: int) -> list[str]:
    """A random market as files; returns the options."""
    market = random_market(seed, pots=False)
    pools, hourly, jobs, carbon = [POOLS.split(",")], [], [JOBS.split(",")], []
    for p in market.pools:
        flat = isinstance(p.price_fen_per_unit_hour, int)
        window = p.available[0] if p.available else ("", "")
        pools.append([
            p.pool_id, p.kind, p.region, p.units,
            p.price_fen_per_unit_hour if flat else p.price_fen_per_unit_hour[0],
            p.kw_per_unit, p.pue, p.green_tier or "", 0.1, *window,
        ])  # fmt: skip
        if not flat:
            hourly += [
                [p.pool_id, t, p.price_fen_per_unit_hour[t], "" if t % 2 else 0.25]
                for t in range(HOURS)
            ]
    for j in market.jobs:
        jobs.append([
            j.job_id, "|".join(sorted(j.kinds)), j.units, j.duration_hours, j.earliest_hour,
            j.deadline_hour, "|".join(sorted(j.regions)), j.min_green_tier or "",
            j.max_price_fen_per_unit_hour, j.voucher_rate, "|".join(sorted(j.voucher_regions)),
            int(j.interruptible), j.group,
        ])  # fmt: skip
    for region, kg in market.carbon.kg_per_kwh.items():
        series = [kg] * HOURS if isinstance(kg, float) else kg
        carbon += [[region, t, series[t]] for t in range(HOURS)]
    tables = {
        "pools": pools, "jobs": jobs,
        "hourly": [["pool_id", "hour", "price_fen_per_unit_hour", "green_share"], *hourly],
        "carbon": [["region", "hour", "kg_per_kwh"], *carbon],
    }  # fmt: skip
    options = []
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
        options += [f"--{name}", str(folder / f"{name}.csv")]
    return [
        *options, "--carbon-price", "7.5", "--hours", str(HOURS),
        "--out", str(folder / "placements.csv"), "--certificate", str(folder / "cert.json"),
        "--report", str(folder / "report.json"),
    ]  # fmt: skip


def stranger(folder: Path) -> tuple[int, str]:
    files = {
        "pools": "pools.csv", "jobs": "jobs.csv", "carbon": "carbon.csv", "hourly": "hourly.csv",
        "placements": "placements.csv", "certificate": "cert.json",
    }  # fmt: skip
    arguments = [x for name, file in files.items() for x in (f"--{name}", str(folder / file))]
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(12))
def test_a_stranger_can_verify_plan_objective_and_bound_from_the_files(
    tmp_path: Path, seed: int
) -> None:
    assert main(write(tmp_path, seed)) == 0
    code, said = stranger(tmp_path)
    assert code == 0, said
    certificate = json.loads((tmp_path / "cert.json").read_text())
    found = json.loads(said.splitlines()[-1])
    assert found["bound_fen"] <= certificate["price_bound_fen"] * (1 + 1e-6) + 1e-3
    assert found["objective_fen"] == pytest.approx(certificate["objective_fen"])


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    options = write(tmp_path, 5)
    main(options)
    names = ("placements.csv", "cert.json", "report.json")
    first = [(tmp_path / name).read_bytes() for name in names]
    main(options)
    assert [(tmp_path / name).read_bytes() for name in names] == first


@pytest.mark.parametrize("what", ["oversold", "objective", "bound", "price", "window", "twice"])
def test_a_stranger_sees_a_plan_that_was_tampered_with(tmp_path: Path, what: str) -> None:
    main(write(tmp_path, 2))
    path, cert = tmp_path / "placements.csv", tmp_path / "cert.json"
    rows = list(csv.reader(path.open()))
    assert len(rows) > 3
    document = json.loads(cert.read_text())
    if what == "oversold":
        pools = (tmp_path / "pools.csv").read_text().splitlines()
        thin = [line.split(",") for line in pools]
        for line in thin[1:]:
            line[3] = "1"
        (tmp_path / "pools.csv").write_text("\n".join(",".join(x) for x in thin) + "\n")
    elif what == "objective":
        document["objective_fen"] *= 1.001
    elif what == "bound":
        document["price_bound_fen"] *= 0.9
    elif what == "price":
        rows[1][3] = str(int(rows[1][3]) + 1)
    elif what == "window":
        rows[1][2] = "0-1"
    else:
        rows.append(rows[1])
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    cert.write_text(json.dumps(document))
    code, said = stranger(tmp_path)
    assert code == 1, said


BAD = [
    ("pools.csv", 2, "units", "0", "out_of_range"),
    ("pools.csv", 2, "units", "-3", "out_of_range"),
    ("pools.csv", 2, "units", "2.5", "not_a_number"),
    ("pools.csv", 3, "pue", "0.9", "out_of_range"),
    ("pools.csv", 3, "pue", "nan", "not_a_number"),
    ("pools.csv", 3, "pue", "20", "out_of_range"),
    ("pools.csv", 2, "price_fen_per_unit_hour", "-1", "out_of_range"),
    ("pools.csv", 2, "price_fen_per_unit_hour", "100000001", "out_of_range"),
    ("pools.csv", 2, "kw_per_unit", "nan", "not_a_number"),
    ("pools.csv", 2, "green_share", "1.2", "out_of_range"),
    ("pools.csv", 2, "green_tier", "0", "out_of_range"),
    ("pools.csv", 2, "region", "", "bad_token"),
    ("pools.csv", 2, "region", "999999", "no_carbon_data"),
    ("pools.csv", 3, "pool_id", "p0", "duplicate_id"),
    ("pools.csv", 2, "available_to", "0", "empty_window"),
    ("jobs.csv", 4, "units", "0", "out_of_range"),
    ("jobs.csv", 4, "units", "-2", "out_of_range"),
    ("jobs.csv", 4, "units", "nan", "not_a_number"),
    ("jobs.csv", 4, "max_price_fen_per_unit_hour", "-1", "out_of_range"),
    ("jobs.csv", 4, "duration_hours", "0", "out_of_range"),
    ("jobs.csv", 4, "deadline_hour", "0", "deadline_too_early"),
    ("jobs.csv", 4, "earliest_hour", "-1", "out_of_range"),
    ("jobs.csv", 4, "max_price_fen_per_unit_hour", "1e3", "not_a_number"),
    ("jobs.csv", 4, "voucher_rate", "1", "rate_out_of_range"),
    ("jobs.csv", 4, "voucher_rate", "inf", "not_a_number"),
    ("jobs.csv", 4, "interruptible", "maybe", "not_a_flag"),
    ("jobs.csv", 4, "job_id", "j0", "duplicate_id"),
    ("jobs.csv", 4, "units", "99999999999999999999999", "not_a_number"),
    ("carbon.csv", 5, "kg_per_kwh", "NaN", "not_a_number"),
    ("carbon.csv", 5, "kg_per_kwh", "-0.1", "out_of_range"),
    ("carbon.csv", 5, "hour", "2", "duplicate_id"),
    ("hourly.csv", 2, "pool_id", "ghost", "unknown_pool"),
    ("hourly.csv", 2, "price_fen_per_unit_hour", "x", "not_a_number"),
]


@pytest.mark.parametrize(("file", "line", "column", "text", "code"), BAD)
def test_a_wrong_cell_is_refused_with_its_line_and_column(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    line: int,
    column: str,
    text: str,
    code: str,
) -> None:
    options = write(tmp_path, 2)
    rows = list(csv.reader((tmp_path / file).open()))
    rows[line - 1][rows[0].index(column)] = text
    with (tmp_path / file).open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert main(options) == 2
    said = capsys.readouterr().err
    assert f"[{code}]" in said, said
    assert f"{file[:-4]} line {line} column {column}:" in said, said
    assert not (tmp_path / "placements.csv").exists()


@pytest.mark.parametrize(
    ("column", "text", "reason"), [("kinds", "abacus", "kind"), ("regions", "999999", "region")]
)
def test_a_kind_or_region_nobody_offers_leaves_the_job_out_and_says_so(
    tmp_path: Path, column: str, text: str, reason: str
) -> None:
    options = write(tmp_path, 2)
    rows = list(csv.reader((tmp_path / "jobs.csv").open()))
    rows[3][rows[0].index(column)] = text
    with (tmp_path / "jobs.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert main(options) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["unplaced_jobs"][rows[3][0]] == reason


def test_a_missing_an_unknown_and_a_ragged_column_are_refused(tmp_path: Path) -> None:
    write(tmp_path, 2)
    for old, new, code in (
        ("units,", "", "missing_column"),
        ("group", "group,colour", "unknown_column"),
        ("j3,", "j3,,", "ragged_line"),
    ):
        text = (tmp_path / "jobs.csv").read_text()
        (tmp_path / "bad.csv").write_text(text.replace(old, new, 1))
        with pytest.raises(MarketError) as caught:
            read_market(tmp_path / "pools.csv", tmp_path / "bad.csv", None, None, HOURS)
        assert caught.value.code == code


def test_a_market_with_no_pool_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    options = write(tmp_path, 2)
    (tmp_path / "pools.csv").write_text(POOLS + "\n")
    (tmp_path / "hourly.csv").write_text("pool_id,hour,price_fen_per_unit_hour,green_share\n")
    assert main(options) == 2
    assert main(["--pools", str(tmp_path / "none.csv"), *options[2:]]) == 2


def test_without_carbon_the_carbon_column_stays_empty(tmp_path: Path) -> None:
    options = write(tmp_path, 2)
    at = options.index("--carbon")
    del options[at : at + 2]
    assert main(options) == 2  # a carbon price without carbon data
    options[options.index("--carbon-price") + 1] = "0"
    assert main(options) == 0
    rows = list(csv.DictReader((tmp_path / "placements.csv").open()))
    assert rows
    assert all(row["kgco2"] == "" for row in rows)
    assert json.loads((tmp_path / "report.json").read_text())["kgco2"] is None


def test_every_job_is_placed_or_has_a_reason(tmp_path: Path) -> None:
    import argparse

    from scheduling.matching.match_files import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    summary = run(parser.parse_args(write(tmp_path, 8)))
    assert summary["counts"]["jobs"] == summary["counts"]["placed"] + len(summary["unplaced_jobs"])


@pytest.mark.slow
def test_the_command_runs_where_no_database_answers(tmp_path: Path) -> None:
    root = SCRIPT.parents[1]
    nowhere = {
        "SECRET_KEY": "only for this test", "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "manage.py", "match_files", *write(tmp_path, 2)],
        cwd=root, env=nowhere, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "jobs placed" in done.stdout
