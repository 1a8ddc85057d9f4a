"""How `pai2020_jobs.csv` was made from the job table of the GAIA authors.

    python -m marketplace.sample.extract_trace alibaba_pai2020_jobs100k.csv.gz

The table (arrival_h, length_h, cpus; one year of Alibaba PAI batch jobs) carries no GPUs. Card
count and required card kind are drawn from the GPU task requests of Alibaba's
cluster-trace-gpu-v2023: only the counts below were taken from it, the trace itself is not shipped.
A request for a share of one card becomes one card. 1,500 jobs are kept: those with the smallest
hash of seed and row number.
"""

import csv
import gzip
import sys
from pathlib import Path

from .chance import choose_weighted, draw

HERE = Path(__file__).parent
JOBS_FILE = HERE / "pai2020_jobs.csv"
KEPT = 1500
TRACE_SEED = 2020
COLUMNS = ("job_id", "arrival_h", "length_h", "cpus", "cards", "card_names")

# GPU task requests of cluster-trace-gpu-v2023 (7,064 of 8,152 tasks ask for a GPU), default set.
CARD_COUNTS = ((1, 6989), (2, 16), (4, 15), (8, 44))
# Required kinds of the same tasks in the set where 33 % of the GPU tasks name one; "" = any.
CARD_NAMES = (
    ("", 4676),
    ("T4", 1291),
    ("G2", 331),
    ("P100", 279),
    ("V100M16|V100M32", 163),
    ("P100|V100M16|V100M32", 103),
    ("G3", 86),
    ("G2|P100|T4|V100M16|V100M32", 39),
    ("P100|T4|V100M16|V100M32", 33),
    ("A10|G2|T4|V100M16|V100M32", 24),
    ("V100M32", 20),
    ("A10|T4", 6),
    ("P100|V100M16", 4),
    ("A10|G2|P100|T4|V100M16|V100M32", 3),
    ("T4|V100M16|V100M32", 3),
    ("V100M16", 3),
)


def extract(source: Path) -> list[tuple[str, ...]]:
    """The rows of the extract, in order of arrival."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = sorted(range(len(rows)), key=lambda row: draw(TRACE_SEED, "keep", row))[:KEPT]
    return [
        (
            f"pai-{row:06d}",
            rows[row]["arrival_h"],
            rows[row]["length_h"],
            rows[row]["cpus"],
            str(choose_weighted(CARD_COUNTS, TRACE_SEED, "cards", row)),
            choose_weighted(CARD_NAMES, TRACE_SEED, "names", row),
        )
        for row in sorted(kept)
    ]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write((__doc__ or "") + "\n")
        return 2
    with JOBS_FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(extract(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
