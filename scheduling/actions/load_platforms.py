"""Load the 16 platforms of Table 5; loading again changes only what the facts changed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.models import Platform
from scheduling.platforms.facts import load_platforms as read_platforms


@transaction.atomic
def load_platforms(*, actor: Actor, at: datetime) -> int:
    """Write the printed facts of every platform and their overlaps; returns how many.

    Raises FactsFileError for a wrong file, before anything is written. A platform's operator and
    connector are ours and stay as they are.
    """
    facts = read_platforms()
    rows = {}
    for fact in facts.platforms:
        rows[fact.seq], _created = Platform.objects.update_or_create(
            sequence=fact.seq,
            defaults={
                "name": fact.name,
                "region_printed": fact.region_printed,
                "adcode": fact.adcode,
                "status": fact.status,
                "status_text": fact.status_text,
                "status_date": fact.date,
                "can_dispatch": fact.can_dispatch,
                "evidence": fact.evidence,
                "facts": {
                    "printed": fact.printed,
                    "trading": fact.trading,
                    "family": fact.family,
                    "city_adcode_inferred": fact.city_adcode_inferred,
                    "notes": list(fact.notes),
                    "source": facts.document.title,
                },
            },
        )
    for seq, row in rows.items():
        row.overlaps.set([rows[other] for other in facts.overlapping(seq)])
    record(
        "platforms.loaded",
        subject=("scheduling.platform", "table-5"),
        actor=actor,
        at=at,
        data={"platforms": len(rows)},
    )
    return len(rows)
