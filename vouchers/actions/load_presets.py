"""Load every preset; loading again changes only what the files changed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from vouchers.models import Preset
from vouchers.presets import load_presets as read_presets


@transaction.atomic
def load_presets(*, actor: Actor, at: datetime) -> int:
    """Write every preset; returns how many. Raises PresetError before anything is written."""
    presets = read_presets()
    Preset.objects.bulk_create(
        [
            Preset(
                id=preset.id,
                family=preset.document["family"],
                kind=preset.document["kind"],
                name_zh=preset.document["name_zh"],
                name_en=preset.document["name_en"],
                adcode=preset.document["adcode"],
                region_zh=preset.document["region_zh"],
                evidence=preset.document["evidence"],
                version_status=preset.version_status,
                state=preset.state,
                openable=preset.openable,
                missing=[each.as_dict() for each in preset.missing],
                document=dict(preset.document),
            )
            for preset in presets.values()
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[
            "family",
            "kind",
            "name_zh",
            "name_en",
            "adcode",
            "region_zh",
            "evidence",
            "version_status",
            "state",
            "openable",
            "missing",
            "document",
        ],
    )
    record(
        "presets.loaded",
        subject=("vouchers.preset", "all"),
        actor=actor,
        at=at,
        data={"presets": len(presets)},
    )
    return len(presets)
