"""Every number of the fact lists is in the presets, and every number in terms is printed."""

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from vouchers.presets import PresetError, load_presets
from vouchers.presets.load import HERE
from vouchers.rules import render

FACTS = Path(__file__).resolve().parents[4] / "shared" / "facts"
SOURCES = {"voucher_programme": "voucher_programs.yaml", "subsidy_rule": "subsidy_rules.yaml"}


def records():
    return [
        (family, record)
        for family, name in SOURCES.items()
        if (FACTS / name).exists()
        for record in yaml.safe_load((FACTS / name).read_text(encoding="utf-8"))
    ]


RECORDS = records()
needs_facts = pytest.mark.skipif(
    not RECORDS, reason="the shared fact lists are not on this machine"
)


def leaves(value, pointer=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{pointer}/{key}")
    elif isinstance(value, list):
        yield f"{pointer}#", len(value)
        for index, item in enumerate(value):
            yield from leaves(item, f"{pointer}/{index}")
    else:
        yield pointer, value


def same(printed, fact):
    if isinstance(fact, float):
        return isinstance(printed, str) and Decimal(printed) == Decimal(repr(fact))
    if hasattr(fact, "isoformat"):
        return printed == fact.isoformat()
    return printed == fact and type(printed) is type(fact)


@needs_facts
def test_every_record_is_a_preset_and_there_is_no_other():
    assert sorted(record["id"] for _, record in RECORDS) == sorted(load_presets())


@needs_facts
@pytest.mark.parametrize(
    ("family", "record"), RECORDS, ids=lambda one: one["id"] if isinstance(one, dict) else ""
)
def test_a_preset_prints_what_the_record_prints(family, record):
    preset = load_presets()[record["id"]].document
    assert preset["family"] == family
    for key in ("title", "issuer", "number"):
        assert preset["source"][key] == record["source"][key]
    assert str(preset["source"]["date"]) == str(record["source"]["date"])
    assert (preset["adcode"], preset["region_zh"], preset["name_zh"], preset["evidence"]) == (
        record["adcode"],
        record["region"],
        record["name"],
        record["evidence"],
    )
    assert preset.get("evidence_numbers") == record.get("evidence_numbers")
    if family == "voucher_programme":
        assert preset["version_status"] == record["version_status"]
        assert preset.get("superseded_by") == record["superseded_by"]
    shown = dict(leaves(preset["printed"]))
    skipped = {
        "id",
        "name",
        "adcode",
        "region",
        "source",
        "evidence",
        "evidence_numbers",
        "notes",
        "version_status",
        "superseded_by",
        "seed_named",
        "seed_group",
        "instrument",
        "kind",
        "clause_complete",
        "seed_ref",
    }
    expected = dict(leaves({key: value for key, value in record.items() if key not in skipped}))
    assert set(shown) == set(expected)
    wrong = {
        key: (shown[key], fact) for key, fact in expected.items() if not same(shown[key], fact)
    }
    assert wrong == {}


def scaled(value):
    """A printed number as the terms may write it: as it stands, in fen, or as fen per kWh."""
    exact = Decimal(value)
    return {exact, exact * 100}


NOT_PRINTED = {("nanning-2025", Decimal(100))}


@pytest.mark.parametrize(
    "preset_id", sorted(name for name, preset in load_presets().items() if preset.pays)
)
def test_no_number_in_the_terms_was_made_up(preset_id):
    preset = load_presets()[preset_id]
    printed = Counter()
    for pointer, value in leaves(preset.document["printed"]):
        if not pointer.endswith("#") and not isinstance(value, bool):
            try:
                printed.update(scaled(value))
            except ArithmeticError:
                continue
            except (TypeError, ValueError):
                continue
    printed.update(
        Decimal(digits)
        for text in preset.document["readings"]
        + preset.document["notes"]
        + [str(one) for _, one in leaves(preset.document["printed"])]
        for digits in re.findall(r"\d+(?:\.\d+)?", text)
    )
    terms = preset.terms.document
    numbers = [
        (pointer, Decimal(str(value)))
        for pointer, value in leaves(
            {key: terms[key] for key in ("benefit", "caps", "minimums", "budget") if key in terms}
        )
        if not pointer.endswith("#")
        and not isinstance(value, bool)
        and pointer.rsplit("/", 1)[-1] in NUMERIC
        and value is not None
        and "/" not in str(value)
    ]
    assert [
        (pointer, value)
        for pointer, value in numbers
        if value not in printed and (preset_id, value) not in NOT_PRINTED
    ] == []


NUMERIC = {
    "rate",
    "amount_fen",
    "cap_fen",
    "threshold_fen",
    "award_fen",
    "annual_fen",
    "total_fen",
    "quantity",
    "pool_fen",
    "winners",
    "rate_points",
    "interest_share",
    "fen_per_kwh",
    "quantum_fen",
    "value",
    "at_most",
    "below",
}


def test_all_twenty_four_issuers_named_in_the_report_are_there():
    named = {one.adcode for one in load_presets().values() if one.document.get("seed_named")}
    assert len(named) == 24
    groups = Counter(
        one.document["seed_group"]
        for one in load_presets().values()
        if one.document.get("seed_named")
    )
    assert set(groups) == {"province", "city", "annex"}


@pytest.mark.parametrize(
    "preset_id",
    [
        "langfang-2023",
        "hangzhou-2025",
        "beijing-2023",
        "henan-2023",
        "wuhu-2025",
        "xiamen-2024",
        "nanning-2025",
        "zhongwei-platform-trade-1pct",
    ],
)
def test_a_programme_with_known_rate_and_cap_opens_as_it_is(preset_id):
    assert load_presets()[preset_id].openable


@pytest.mark.parametrize(
    ("preset_id", "missing"),
    [
        ("qinghai-investment-10pct", ["/caps/0/amount_fen"]),
        ("neimenggu-platform-settlement", ["/benefit/lines/0/rate", "/caps/0/amount_fen"]),
        ("guizhou-2024", ["/benefit/lines/0/rate"]),
        ("tianjin-2025", ["/benefit/lines"]),
        ("shenzhen-2024", ["/caps/0/per"]),
        ("karamay-green-power", ["/benefit/lines/0/gates", "/benefit/lines/1/gates"]),
    ],
)
def test_an_unknown_parameter_keeps_a_preset_shut_and_is_listed(preset_id, missing):
    preset = load_presets()[preset_id]
    assert not preset.openable
    assert [one.pointer for one in preset.missing] == missing


@pytest.mark.parametrize("preset_id", ["hangzhou-2024", "xiamen-2023", "guangming-platform"])
def test_a_replaced_or_drafted_rule_runs_but_does_not_open(preset_id):
    preset = load_presets()[preset_id]
    assert preset.state == "complete"
    assert not preset.openable


def test_beijing_reads_in_both_languages():
    terms = load_presets()["beijing-2023"].terms
    assert render(terms).text_zh == "算力服务合同额的 20% 以内，每家企业每年最高 200 万元，面向企业"
    assert render(terms).text_en == (
        "up to 20% of the amount of the compute contract; "
        "at most 2,000,000 CNY per enterprise and year; open to enterprises"
    )


def broken(folder, change):
    text = (HERE / "beijing-2023.yaml").read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    (folder / "beijing-2023.yaml").write_text(changed, encoding="utf-8")
    (folder / "henan-2023.yaml").write_text(
        (HERE / "henan-2023.yaml").read_text(encoding="utf-8"), "utf-8"
    )


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("evidence: excerpt", "evidence: hearsay", "/evidence"),
        ("      rate: '0.2'", "      rate: 20%", "/terms/benefit/lines/0/rate"),
        ("      rate: '0.2'", "      rate: 0.2", "/terms/benefit/lines/0/rate"),
        ("amount_fen: 200000000", "amount_fen: -1", "/terms/caps/0/amount_fen"),
        ("preset: beijing-2023", "preset: beijing-2024", "/preset"),
        ("    id: beijing-2023", "    id: nanjing", "/terms/programme/id"),
        ("  issuer: 北京市", "  issuer: 见 https://example.com 北京市", "/source/issuer"),
        ("version_status: unknown", "surprise: 1\nversion_status: unknown", ""),
        ("preset: beijing-2023", "preset: [", ""),
    ],
)
def test_a_wrong_file_refuses_the_whole_folder_with_file_record_and_field(
    tmp_path, old, new, field
):
    broken(tmp_path, lambda text: text.replace(old, new, 1))
    with pytest.raises(PresetError) as caught:
        load_presets(tmp_path)
    assert (caught.value.file, caught.value.field) == ("beijing-2023.yaml", field)
