"""A wrong facts file is refused with file, record and field, in both languages."""

from collections.abc import Callable
from pathlib import Path

import pytest

from providers.facts import (
    FactsFileError,
    load_accelerators,
    load_green_method,
    load_grid_factors,
    load_hubs,
)
from providers.facts.accelerators import ACCELERATORS_FILE
from providers.facts.green_method import GREEN_METHOD_FILE
from providers.facts.grid_factors import GRID_FACTORS_FILE
from providers.facts.hubs import HUBS_FILE
from scheduling.platforms.facts import PLATFORMS_FILE, load_platforms

# loader, file, text replaced, by what, record named, field named
CASES: list[tuple[Callable, Path, str, str, str, str]] = [
    (load_hubs, HUBS_FILE, "pue: 1.185", "pue: 0.9", "areas[17] (和林格尔新区)", "metrics.pue"),
    (load_hubs, HUBS_FILE, "adcode: '130722'", "adcode: '1307'", "areas[1] (张北县)", "adcode"),
    (load_hubs, HUBS_FILE, "renewable_share: 0.86", "renewable_share: 86", "areas[17]", "metrics"),
    (load_hubs, HUBS_FILE, "  - seq: 21\n", "  - seq: 22\n", "areas[20]", "seq"),
    (load_grid_factors, GRID_FACTORS_FILE, "'2023': 0.6479", "'2023': -1", "provinces[4]", "years"),
    (load_grid_factors, GRID_FACTORS_FILE, "name_en: Beijing", "nom: Pekin", "provinces[0]", ""),
    (load_grid_factors, GRID_FACTORS_FILE, "adcode: '120000'", "adcode: '110000'", "provinces", ""),
    (load_grid_factors, GRID_FACTORS_FILE, "unit: kgCO2/kWh", "unit: tCO2/MWh", "", "unit"),
    (
        load_accelerators,
        ACCELERATORS_FILE,
        "figures: {tdp_w: [S-A11, S-A12], ",
        "figures: {",
        "accelerators[0] (T4)",
        "tdp_w",
    ),
    (load_accelerators, ACCELERATORS_FILE, "id: nvidia-a10\n", "id: nvidia-t4\n", "acc", "id"),
    (load_green_method, GREEN_METHOD_FILE, "weight: 35", "weight: 36", "items", "weight"),
    (load_green_method, GREEN_METHOD_FILE, "tier: 4, max: 1.20", "tier: 4, max: 1.40", "pue", ""),
    (load_platforms, PLATFORMS_FILE, "date: '2024-06-20'", "date: '2024-06-31'", "plat", "date"),
    (load_platforms, PLATFORMS_FILE, "status: completed", "status: done", "platforms[10]", "stat"),
]


@pytest.mark.parametrize(("load", "source", "old", "new", "record", "field"), CASES)
def test_a_wrong_file_names_file_record_and_field(tmp_path, load, source, old, new, record, field):
    text = source.read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / source.name
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FactsFileError) as caught:
        load(broken)
    error = caught.value
    assert error.file == source.name
    assert record in error.record
    assert field in error.field
    assert error.text_en
    assert error.text_zh


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("areas: [", "YAML"),
        ("- 1\n- 2\n", "mapping"),
        ("schema_version: 1\nschema_version: 1\n", "twice"),
    ],
)
def test_a_file_that_is_not_one_yaml_mapping_is_refused(tmp_path, text, word):
    broken = tmp_path / "hubs.yaml"
    broken.write_text(text, encoding="utf-8")
    with pytest.raises(FactsFileError, match=word):
        load_hubs(broken)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(FactsFileError, match=r"nowhere\.yaml"):
        load_hubs(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    "path",
    [HUBS_FILE, GRID_FACTORS_FILE, ACCELERATORS_FILE, GREEN_METHOD_FILE, PLATFORMS_FILE],
    ids=lambda path: path.name,
)
def test_no_shipped_facts_file_carries_an_address(path):
    text = path.read_text(encoding="utf-8")
    assert "http" not in text
    assert "www." not in text
