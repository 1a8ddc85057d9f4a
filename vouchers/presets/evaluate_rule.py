"""Evaluate a preset on demand: one JSON object in, one JSON object out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vouchers.presets.load import Preset, load_presets
from vouchers.rules.answers import RuleError, Usage
from vouchers.rules.evaluate import evaluate
from vouchers.rules.uses import schema_of_facts


def _preset(preset_id: str) -> Preset:
    preset = load_presets().get(preset_id)
    if preset is None:
        raise RuleError(
            "unknown_preset", "preset", f"there is no preset {preset_id}", f"没有预设 {preset_id}"
        )
    return preset


def evaluate_rule(
    preset_id: str, facts: Mapping[str, Any], at: datetime, used: Usage | None = None
) -> dict[str, Any]:
    """{amount_fen, decision, reasons, steps, policy_version, preset, missing, ...}, JSON-able.

    Raises RuleError for an unknown preset or one that pays nothing, FactsError for bad facts.
    """
    preset = _preset(preset_id)
    if preset.terms is None:
        raise RuleError(
            "no_payout",
            "preset",
            f"{preset_id} is a {preset.kind}: it pays nothing",
            f"{preset_id} 属于 {preset.kind}，不涉及资金",
        )
    answer = evaluate(preset.terms, facts, at=at, used=used, preset=preset_id)
    return {
        **answer.as_dict(),
        "missing": [missing.as_dict() for missing in preset.missing],
        "evidence": preset.evidence_of_numbers,
        "version_status": preset.version_status,
        "digest": answer.digest,
    }


def schema_of(preset_id: str) -> dict[str, Any]:
    """JSON Schema of the facts this preset takes. Raises RuleError as `evaluate_rule` does."""
    preset = _preset(preset_id)
    if preset.terms is None:
        raise RuleError(
            "no_payout",
            "preset",
            f"{preset_id} is a {preset.kind}: it takes no facts",
            f"{preset_id} 属于 {preset.kind}，不需要事实",
        )
    return schema_of_facts(preset.terms.document)
