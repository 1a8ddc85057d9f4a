"""Write down what happened, in the transaction that makes it so."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction

from audit.canonical import canonical_json
from audit.decisions import Actor
from audit.models import AuditEvent
from audit.outbox import doorbell


def record(
    kind: str,
    *,
    subject: models.Model | tuple[str, str],
    actor: Actor,
    at: datetime,
    data: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Record that `kind` happened to `subject`; must be called inside a transaction.

    `kind` is "noun.participle" ("voucher.issued"). `data` holds integers, decimals, texts, times.
    The event joins the hash chain soon after the commit (audit/seal.py), and from there the outbox
    picks it up. Raises RuntimeError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an event is recorded in the transaction that makes it true")
    subject_type, subject_id = (
        subject if isinstance(subject, tuple) else (subject._meta.label_lower, str(subject.pk))
    )
    body = canonical_json(
        {
            "kind": kind,
            "subject_type": subject_type,
            "subject_id": subject_id,
            "person_id": actor.person_id,
            "organization_id": actor.organization_id,
            "actor_label": actor.label,
            "occurred_at": at,
            "data": data or {},
        }
    )
    event = AuditEvent.objects.create(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        person_id=actor.person_id,
        organization_id=actor.organization_id,
        actor_label=actor.label,
        occurred_at=at,
        data=_read_back(body),
        body=body,
    )
    _ring_after_commit()
    return event


def _read_back(body: str) -> Any:
    return json.loads(body)["data"]


def _ring_after_commit() -> None:
    transaction.on_commit(doorbell.ring, robust=True)
