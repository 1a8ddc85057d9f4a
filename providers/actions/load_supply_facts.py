"""Load the shipped facts: hub areas, grid factors, accelerators."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.canonical import canonical_json
from audit.decisions import Actor
from providers.facts import (
    FactsDocument,
    load_accelerators,
    load_grid_factors,
    load_hubs,
)
from providers.models import AcceleratorModel, GridFactor, HubArea


@transaction.atomic
def load_supply_facts(*, actor: Actor, at: datetime) -> dict[str, int]:
    """Load all three files, or none; loading again changes nothing.

    Returns the number of rows that were written, by kind. Raises FactsFileError for a wrong file.
    """
    hubs, grid, cards = load_hubs(), load_grid_factors(), load_accelerators()
    written = {"hub_areas": 0, "grid_factors": 0, "accelerators": 0}
    for area in hubs.areas:
        written["hub_areas"] += _write(
            HubArea,
            {"seq": area.seq},
            {
                "hub": area.hub,
                "cluster": area.cluster,
                "area": area.area,
                "adcode": area.adcode,
                "adcode_basis": area.adcode_basis,
                "metrics": _plain(asdict(area.metrics)),
                "details": _plain(
                    {
                        "adcode_note": area.adcode_note,
                        "quant": dict(area.quant),
                        "facilities": area.facilities,
                        "tenants": area.tenants,
                        "policies": area.policies,
                        "facility_facts": [dict(fact) for fact in area.facility_facts],
                        "notes": area.notes,
                    }
                ),
                "evidence": area.evidence,
                "source": _document(hubs.document),
            },
        )
    for factor in (*grid.provinces, *grid.regional, *grid.national):
        written["grid_factors"] += _write(
            GridFactor,
            {"place": factor.place, "data_year": factor.data_year, "version": factor.version},
            {
                "kg_per_kwh": factor.kg_per_kwh,
                "notice": factor.notice,
                "evidence": factor.evidence,
                "sources": list(factor.sources),
            },
        )
    for card in cards.accelerators:
        written["accelerators"] += _write(
            AcceleratorModel,
            {"code": card.id},
            {
                "model": card.model,
                "vendor": card.vendor,
                "origin": card.origin,
                "trace_names": list(card.trace_names),
                "tdp_w": card.tdp_w,
                "memory_gb": card.memory_gb,
                "embodied_kg": card.embodied_kg,
                "peak": _plain(asdict(card.peak)),
                "interconnect": _plain(
                    {"kind": card.interconnect, "gb_per_s": card.interconnect_gb_per_s}
                ),
                "figure_sources": {field: list(ids) for field, ids in card.figure_sources},
                "note": card.note,
                "version": cards.version,
            },
        )
    if any(written.values()):
        record(
            "supply_facts.loaded",
            subject=("providers.facts", cards.version),
            actor=actor,
            at=at,
            data=written,
        )
    return written


def _write(model: Any, key: dict[str, Any], values: dict[str, Any]) -> int:
    row, created = model.objects.get_or_create(**key, defaults=values)
    if created:
        return 1
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return 1 if changed else 0


def _plain(value: Any) -> Any:
    """JSON with figures as text, so that 0.6410 stays 0.6410."""
    return json.loads(canonical_json(value))


def _document(document: FactsDocument) -> dict[str, Any]:
    return asdict(document)
