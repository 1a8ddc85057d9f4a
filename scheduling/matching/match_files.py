"""Files in, files out: the whole of ``manage.py match_files``, which needs no database."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .errors import MarketError
from .market import Market
from .plan import plan
from .read_files import read_market
from .result import REASON_CODES, REASONS, Plan

RULE = (
    "shadow price of pool i at hour t = max(0, cell_prices[cell_of_pool[i]][t] - (price + "
    "carbon_price x kg)); upper bound = sum free units x shadow price + sum over jobs of max(0, "
    "best value - cost - units x shadow prices over its hours)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The same options for manage.py and ``python -m scheduling.matching``."""
    parser.add_argument("--pools", type=Path, required=True)
    parser.add_argument("--jobs", type=Path, required=True)
    parser.add_argument("--carbon", type=Path)
    parser.add_argument("--hourly", type=Path)
    parser.add_argument("--carbon-price", type=float, default=0.0, metavar="FEN_PER_KG")
    parser.add_argument("--hours", type=int, default=168)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--effort", default="auto")
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read, plan, write; returns the report. Raises MarketError with the line of the file."""
    began = time.perf_counter()
    from .admit import admit_horizon

    admit_horizon(options.hours, options.carbon_price, 1)
    market = read_market(options.pools, options.jobs, options.carbon, options.hourly, options.hours)
    read = time.perf_counter() - began
    try:
        result = plan(
            market,
            carbon_price_fen_per_kg=options.carbon_price,
            hours=options.hours,
            seed=options.seed,
            effort=options.effort,
            partitions=options.partitions,
        )
    except MarketError as error:  # rows of a sequence -> lines of the file (header is line 1)
        if error.table in ("pools", "jobs") and error.row is not None:
            column = "available_to" if error.field == "available" else error.field
            raise MarketError(
                error.code, text_en=error.text_en, text_zh=error.text_zh, table=error.table,
                row=error.row + 2, field=column,
            ) from error  # fmt: skip
        raise
    planned = time.perf_counter() - began - read
    write_placements(options.out, result)
    certificate = result.certificate.to_json() | {
        "format": "suanquan-matching-certificate/1",
        "rule": RULE,
        "hours": result.hours,
        "carbon_price_fen_per_kg": result.carbon_price_fen_per_kg,
        "seed": result.seed,
    }
    options.certificate.write_text(json.dumps(certificate, separators=(",", ":")) + "\n")
    summary = report(market, result)
    options.report.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    written = time.perf_counter() - began - read - planned
    return summary | {"seconds": {"read": read, "plan": planned, "write": written}}


def write_placements(path: Path, result: Plan) -> None:
    """job_id,pool_id,segments,price_fen,voucher_fen,kwh,kgco2, jobs in the order given."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["job_id", "pool_id", "segments", "price_fen", "voucher_fen", "kwh", "kgco2"]
        )
        for p in result.placements:
            spans = "|".join(f"{a}-{b}" for a, b in p.segments)
            kg = "" if p.kgco2 is None else f"{p.kgco2:.6f}"
            writer.writerow(
                [p.job_id, p.pool_id, spans, p.price_fen, p.voucher_fen, f"{p.kwh:.6f}", kg]
            )


def report(market: Market, result: Plan) -> dict[str, Any]:
    """Totals, served share, reasons of those left out (all texts in both languages). No clock
    times, so that the same input gives the same file."""
    columns, certificate = result.columns, result.certificate
    left = columns.reason[columns.pool_of < 0]
    reasons = {
        REASON_CODES[code]: {
            "jobs": int((left == code).sum()),
            "text_en": REASONS[REASON_CODES[code]][0],
            "text_zh": REASONS[REASON_CODES[code]][1],
        }
        for code in np.unique(left).tolist()
    }
    kg = float(np.nansum(columns.kgco2))
    return {
        "counts": certificate.counts,
        "objective_fen": certificate.objective_fen,
        "bound_fen": certificate.bound_fen,
        "gap": certificate.gap,
        "method": certificate.method,
        "price_fen": int(columns.price_fen.sum()),
        "voucher_fen": int(columns.voucher_fen.sum()),
        "kwh": round(float(columns.kwh.sum()), 6),
        "kgco2": None if market.carbon is None else round(kg, 6),
        "unplaced": reasons,
        "unplaced_jobs": {u.job_id: u.reason for u in result.unplaced[:10_000]},
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scheduling.matching", description=__doc__)
    add_arguments(parser)
    try:
        summary = run(parser.parse_args(arguments))
    except MarketError as error:
        sys.stderr.write(refusal_text(error) + "\n")
        return 2
    sys.stdout.write(one_line(summary) + "\n")
    return 0


def refusal_text(error: MarketError) -> str:
    """``jobs line 7 column units: ... / ...``"""
    line = "" if error.row is None else f" line {error.row}"
    column = "" if error.field is None else f" column {error.field}"
    return f"{error.table}{line}{column}: {error.text_en} / {error.text_zh} [{error.code}]"


def one_line(summary: dict[str, Any]) -> str:
    counts = summary["counts"]
    return (
        f"{counts['placed']} of {counts['jobs']} jobs placed, at most {summary['gap']:.3%} below "
        f"the best possible ({summary['method']}), {summary['seconds']['plan']:.1f} s"
    )
