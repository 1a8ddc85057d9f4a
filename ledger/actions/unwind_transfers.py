"""Undo several transfers, the last applied first."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from audit.decisions import Actor
from ledger.actions.post_batch import Asked, Move, post_batch
from ledger.actions.post_transfer import refusal_of
from ledger.models import Transfer


@transaction.atomic
def unwind_transfers(
    *, transfers: Iterable[Transfer], reference: str, effective_at: datetime, actor: Actor
) -> list[Transfer]:
    """Reverse `transfers` in the opposite of the order in which they were recorded, all or none.

    Whatever the order they are given in: what flowed on is brought back before what it came from,
    so floors hold on the way. Repeating it returns the same reversals. Raises what post_transfer
    raises; each reversal is named `reference:<id of the original>`.
    """
    ids = [transfer.pk for transfer in transfers]
    originals = (
        Transfer.objects.filter(pk__in=ids)
        .prefetch_related("postings__source__book", "postings__destination__book")
        .order_by("-recorded_at", "-pk")
    )
    asked = [
        Asked(
            f"{reference}:{original.pk}",
            f"reverse_{original.kind}",
            [
                Move(posting.destination, posting.source, posting.amount_fen)
                for posting in sorted(original.postings.all(), key=lambda each: -each.pk)
            ],
            effective_at,
            actor,
            original.policy_version,
            original,
        )
        for original in originals
    ]
    answers = post_batch(asked)
    for each, answer in zip(asked, answers, strict=True):
        if answer.outcome not in ("posted", "replayed"):
            raise refusal_of(answer, each)  # the whole unwinding is rolled back
    by_reference = Transfer.objects.in_bulk([answer.transfer_id or 0 for answer in answers])
    return [by_reference[answer.transfer_id or 0] for answer in answers]
