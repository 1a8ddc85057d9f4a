"""The real programmes and rules as data: 82 records, each number with its source and evidence.

    load_presets() -> dict[str, Preset]      Preset: id, name_zh, name_en, kind, source, evidence,
                                             terms (None: pays nothing), missing, state, openable
    evaluate_rule(preset_id, facts, at) -> dict      schema_of(preset_id) -> JSON Schema
    coverage(at) -> list[CoverageRow]

Facts were compiled from the source named in each file; addresses are left out on purpose: cite by
title, issuer and number. Pure: no Django, no clock.
"""

from vouchers.presets.coverage import CoverageRow, coverage, sample_facts
from vouchers.presets.evaluate_rule import evaluate_rule, schema_of
from vouchers.presets.load import Preset, PresetError, PrintedNumber, load_presets, preset_schema

__all__ = [
    "CoverageRow",
    "Preset",
    "PresetError",
    "PrintedNumber",
    "coverage",
    "evaluate_rule",
    "load_presets",
    "preset_schema",
    "sample_facts",
    "schema_of",
]
