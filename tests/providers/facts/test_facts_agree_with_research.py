"""Number by number: what ships is what was researched."""

from decimal import Decimal

import pytest

from providers.facts import load_accelerators, load_green_method, load_grid_factors, load_hubs
from scheduling.platforms.facts import load_platforms

from .paths import shared_facts


def _number(value):
    return None if value is None else Decimal(str(value))


def _american(name):
    return name.replace("utilisation", "utilization")


def test_every_metric_of_the_21_hub_areas_is_the_researched_one():
    research = shared_facts("hubs.yaml")
    areas = load_hubs().areas
    assert len(areas) == len(research) == 21
    for area, row in zip(areas, research, strict=True):
        assert (area.seq, area.hub, area.cluster, area.area) == (
            row["seq"],
            row["hub"],
            row["cluster"],
            row["area"],
        )
        assert (area.adcode, area.adcode_basis) == (row["adcode"], row["adcode_basis"])
        for name, value in row["metrics"].items():
            ours = getattr(area.metrics, _american(name))
            if isinstance(value, int | float):
                assert Decimal(ours) == _number(value), (area.area, name)
            else:
                assert ours == value, (area.area, name)
        quant = {k: list(v) if isinstance(v, list) else v for k, v in area.quant}
        for name, value in row["quant"].items():
            if isinstance(value, int | float):
                assert Decimal(quant[name]) == _number(value)
            else:
                assert quant[name] == value
        assert list(area.facilities) == row["facilities"]
        assert list(area.tenants) == row["tenants"]


def test_every_grid_factor_is_the_researched_one():
    research = shared_facts("grid_factors.yaml")
    factors = load_grid_factors()
    seen = 0
    for adcode, row in research["provinces"].items():
        for year, value in row["ef"].items():
            if value is None:
                continue
            assert factors.province(str(adcode), year).kg_per_kwh == _number(value)
            seen += 1
    assert seen == len(factors.provinces) == 90
    regional = {(f.place, f.data_year): f.kg_per_kwh for f in factors.regional}
    for name, row in research["regional"].items():
        for year in (2021, 2022, 2023):
            assert regional[name, year] == _number(row[year])
    for kind in ("average", "average_excluding_market_traded_nonfossil", "fossil_only"):
        for year, row in research["national"][kind].items():
            if row["value"] is not None:
                assert factors.national_of(kind, year).kg_per_kwh == _number(row["value"])
    quota = research["renewable_quota_weights_pct"]["by_adcode"]
    for adcode, row in quota.items():
        assert factors.renewable_quota(str(adcode)) == _number(row["total"]) / 100
    assert len(quota) == len(factors.renewable_quota_shares) == 30


def test_the_16_platforms_are_the_researched_ones():
    research = shared_facts("platforms.yaml")
    platforms = load_platforms().platforms
    assert len(platforms) == len(research) == 16
    for ours, row in zip(platforms, research, strict=True):
        for name in ("seq", "name", "region_printed", "adcode", "status", "status_text"):
            assert getattr(ours, name) == row[name]
        assert (ours.date.isoformat(), ours.printed, ours.trading) == (
            row["date"],
            row["printed"],
            row["trading"],
        )
        assert ours.leading_party_type is None


def test_the_intervals_of_the_method_are_the_researched_ones():
    research = shared_facts("green.yaml")
    method = load_green_method()
    design = research["rating_design"]["sub_scores"]
    for ours, theirs in (
        ("pue", "pue"),
        ("rack_utilization", "rack_utilisation"),
        ("it_load", "it_load"),
        ("hourly_cfe", "hourly_cfe"),
    ):
        item = method.item(ours)
        assert (item.zero_at, item.full_at) == (
            _number(design[theirs]["from"]),
            _number(design[theirs]["to"]),
        )
    assert method.item("renewable").full_at == _number(design["renewable"]["to"])
    assert method.item("demand_response").full_at == _number(design["demand_response"]["full_at"])
    assert method.item("wue").full_at == _number(design["wue"]["full_at_or_below"])
    grades = research["standards"]["GB_40879_2021"]["grades_max_pue"]
    assert [high for _, high in method.pue_bands][:3] == [_number(grades[n]) for n in (1, 2, 3)]
    rules = research["green_power_direct_connection"]
    ours = method.direct_connection
    assert ours.self_use_min_of_available_generation == _number(
        rules["self_use_min_of_available_generation"]["value"]
    )
    assert ours.self_use_min_of_consumption == _number(
        rules["self_use_min_of_total_consumption"]["value"]
    )
    assert ours.export_max_of_available_generation == _number(rules["export_max"]["value"])


def test_every_card_of_the_public_traces_is_in_the_catalogue():
    catalogue = load_accelerators()
    anonymized = ["G2", "G3"]
    known = ["T4", "P100", "V100M16", "V100M32", "A10", "A100-SXM4-80GB", "A800-SXM4-80GB", "H800"]
    for name in known + anonymized:
        assert catalogue.by_trace_name(name) is not None, name
    for name in anonymized:
        card = catalogue.by_trace_name(name)
        assert card is not None
        assert card.tdp_w is None
        assert card.vendor is None


@pytest.mark.parametrize("card", load_accelerators().accelerators, ids=lambda card: card.id)
def test_every_figure_of_the_catalogue_has_a_described_source(card):
    described = {key for key, _ in load_accelerators().sources}
    assert {source for _, ids in card.figure_sources for source in ids} <= described
    assert card.figure_sources
