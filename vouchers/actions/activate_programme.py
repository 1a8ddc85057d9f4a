"""Put a programme with approved terms and an open envelope into force."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from treasury.models import Envelope
from treasury.moves import move_state
from vouchers import policy
from vouchers.models import Programme


@transaction.atomic
def activate_programme(
    *, programme: Programme, envelope: Envelope, actor: Actor, at: datetime
) -> Programme:
    """draft → active, spending from `envelope`.

    Raises Invalid for another issuer's envelope, StaleState without approved terms or with an
    envelope that is not open, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, programme.issuer, *policy.APPROVERS, *policy.DRAFTERS)
    if envelope.issuer_id != programme.issuer_id:
        raise Invalid("envelope", "not this issuer's", "不属于该发券单位")
    if not programme.versions.filter(state="approved").exists():
        raise StaleState(thing="policy version", current="not approved", needed="approved")
    if envelope.state != Envelope.State.OPEN:
        raise StaleState(thing="envelope", current=envelope.state, needed="open")
    move_state(programme, to="active", envelope_id=envelope.pk)
    record(
        "programme.activated",
        subject=programme,
        actor=actor,
        at=at,
        data={"code": programme.code, "envelope_id": envelope.pk},
    )
    return programme
