"""The signatures on a batch: frozen by its maker, checked by a second person, released by a third.

At each step the list is added up and hashed again; what is signed is what was frozen.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import Organization
from identity.roles import Role
from treasury import policy
from treasury.models import PayoutBatch, Signature
from treasury.moves import move_state
from treasury.queries import content_of
from treasury.refusals import BatchAltered
from treasury.screens import screened


def _payees(batch: PayoutBatch) -> tuple[Organization, QuerySet[Organization]]:
    items = batch.items.exclude(state="withdrawn")
    return batch.issuer, Organization.objects.filter(pk__in=items.values("payable__payee"))


@transaction.atomic
def freeze_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """draft → frozen with control total, count and hash. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, batch.issuer, Role.BATCH_MAKER)
    PayoutBatch.objects.select_for_update().get(pk=batch.pk)
    total_fen, count, content_hash = content_of(batch)
    move_state(
        batch,
        to=PayoutBatch.State.FROZEN,
        control_total_fen=total_fen,
        item_count=count,
        content_hash=content_hash,
    )
    _note("frozen", batch, actor, at)
    return batch


@screened("check", "batch", _payees)
@transaction.atomic
def check_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """frozen → approved_1 by somebody who neither made nor released any version of it.

    Raises NotPermitted, SamePerson, ConflictOfInterest, ScreenIncomplete (tied to a payee, or not
    known to be clean where the issuer asks for it), StaleState, BatchAltered.
    """
    policy.require_issuer(actor, batch.issuer, Role.BATCH_CHECKER)
    _refuse_another_hat(batch, actor, "checked")
    require_unaltered(batch)
    move_state(batch, to=PayoutBatch.State.APPROVED_1, checked_by_id=actor.person_id, checked_at=at)
    _note("checked", batch, actor, at)
    return batch


@screened("release", "batch", _payees)
@transaction.atomic
def release_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """approved_1 → approved_2 by a third person.

    Raises NotPermitted, SamePerson, ConflictOfInterest, ScreenIncomplete, StaleState, BatchAltered.
    """
    policy.require_issuer(actor, batch.issuer, Role.BATCH_RELEASER)
    _refuse_another_hat(batch, actor, "released")
    require_unaltered(batch)
    move_state(
        batch, to=PayoutBatch.State.APPROVED_2, released_by_id=actor.person_id, released_at=at
    )
    _note("released", batch, actor, at)
    return batch


def require_unaltered(batch: PayoutBatch) -> None:
    """Raise BatchAltered unless the items still are what was frozen. Drafts pass."""
    if batch.content_hash is None:
        return
    frozen = (batch.control_total_fen, batch.item_count, batch.content_hash)
    if content_of(batch) != frozen:
        raise BatchAltered(batch=batch.pk)


def _refuse_another_hat(batch: PayoutBatch, actor: Actor, act: str) -> None:
    others = Signature.objects.filter(lineage=batch.lineage or batch.pk).exclude(act=act)
    policy.require_another_person(
        actor,
        *others.values_list("person_id", flat=True),
        first="sign a batch in two roles",
        second="release public money",
        first_zh="以两种身份签署同一批次",
        second_zh="拨付资金",
    )


def _note(act: str, batch: PayoutBatch, actor: Actor, at: datetime) -> None:
    record(
        f"payout_batch.{act}",
        subject=batch,
        actor=actor,
        at=at,
        data={
            "control_total_fen": batch.control_total_fen,
            "item_count": batch.item_count,
            "content_hash": batch.content_hash,
        },
    )
