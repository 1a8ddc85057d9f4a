"""The extract is what its script makes of the trace, small and attributed."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from marketplace.sample import load_jobs, sample_workloads
from marketplace.sample.extract_trace import CARD_COUNTS, CARD_NAMES, JOBS_FILE, KEPT, extract
from providers.facts import load_accelerators

TRACES = Path(__file__).parents[3].parent / "shared" / "data" / "traces"
START = datetime(2026, 11, 23, 8, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_the_extract_is_small_and_complete():
    jobs = load_jobs()
    assert len(jobs) == KEPT == 1500
    assert JOBS_FILE.stat().st_size < 100_000
    assert len({job.job_id for job in jobs}) == KEPT
    assert all(0 <= job.arrival_h <= 8760 and job.length_h > 0 for job in jobs)
    assert all(job.cards in {1, 2, 4, 8} for job in jobs)


def test_the_extract_ships_with_its_attribution():
    text = (JOBS_FILE.parent / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for word in ("CC BY 4.0", "cluster-trace-gpu-v2020", "Copyright (c) 2024 UMass LASS", "MIT"):
        assert word in text


def test_the_script_makes_the_shipped_extract_of_the_trace():
    source = TRACES / "alibaba_pai2020_jobs100k.csv.gz"
    if not source.exists():
        pytest.skip("the research traces are not beside this checkout")
    lines = JOBS_FILE.read_text(encoding="utf-8").splitlines()
    assert [",".join(row) for row in extract(source)] == lines[1:]


def test_the_drawn_distributions_are_those_of_the_gpu_requests():
    source = TRACES / "alibaba_gpu2023_pods_gpuspec33.csv.gz"
    if not source.exists():
        pytest.skip("the research traces are not beside this checkout")
    import csv
    import gzip

    with gzip.open(source, "rt") as file:
        rows = [row for row in csv.DictReader(file) if int(row["num_gpu"]) > 0]
    counts = Counter(int(row["num_gpu"]) for row in rows)
    names = Counter("|".join(sorted(set(filter(None, row["gpu_spec"].split("|"))))) for row in rows)
    assert dict(CARD_COUNTS) == dict(counts)
    assert dict(CARD_NAMES) == dict(names)


def test_about_a_third_of_the_jobs_name_a_card_and_all_named_cards_are_in_the_catalogue():
    jobs = load_jobs()
    naming = [job for job in jobs if job.card_names]
    assert 0.28 < len(naming) / len(jobs) < 0.40
    catalogue = load_accelerators()
    assert all(catalogue.by_trace_name(name) for job in naming for name in job.card_names)


def test_workloads_keep_the_trace_and_lie_in_their_window():
    jobs = {job.job_id: job for job in load_jobs()}
    workloads = sample_workloads(200, starts_at=START)
    assert len({w.key for w in workloads}) == 200
    for workload in workloads:
        job = jobs[workload.trace_job_id]
        assert workload.sample
        assert (workload.cpus, workload.cards) == (job.cpus, job.cards)
        assert job.length_h <= workload.duration_hours < job.length_h + 1 or (
            workload.duration_hours == 1
        )
        assert START <= workload.earliest_at < START + timedelta(hours=24)
        length = timedelta(hours=workload.duration_hours)
        assert workload.earliest_at + length <= workload.deadline_at
        assert workload.max_price_fen_per_card_hour > 0
    assert sample_workloads(200, starts_at=START) == workloads
    assert {w.min_green_tier for w in workloads} == {None, 2, 3}


def test_a_naive_start_or_more_jobs_than_there_are_is_refused():
    with pytest.raises(ValueError, match="aware"):
        sample_workloads(1, starts_at=datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="1500"):
        sample_workloads(1501, starts_at=START)
