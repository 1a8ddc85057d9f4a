"""The debtor merged or was deregistered: the case follows its successor. Or it goes to court."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from identity.queries import successor_of
from treasury import policy
from treasury.models import RecoveryCase
from treasury.moves import move_state
from treasury.refusals import NoSuccessor

ENDED = (
    RecoveryCase.State.RECOVERED,
    RecoveryCase.State.WRITTEN_OFF,
    RecoveryCase.State.DISMISSED,
)


@transaction.atomic
def follow_successor(*, case: RecoveryCase, actor: Actor, at: datetime) -> RecoveryCase:
    """Make the registered successor of the debtor, as of the day of `at`, the debtor.

    Who was paid stays known as `original_debtor`. Raises NotPermitted, NoSuccessor, StaleState.
    """
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    held = RecoveryCase.objects.select_for_update(no_key=True).get(pk=case.pk)
    if held.state in ENDED:
        raise StaleState(
            thing=RecoveryCase._meta.verbose_name_raw, current=held.state, needed="a running case"
        )
    day = at.astimezone(policy.SHANGHAI).date()
    successor = successor_of(held.debtor, on_date=day)
    if successor is None:
        raise NoSuccessor(debtor=held.debtor.name, day=day.isoformat())
    RecoveryCase.objects.filter(pk=case.pk).update(debtor=successor)
    record(
        "recovery.followed_successor",
        subject=case,
        actor=actor,
        at=at,
        data={"from": held.debtor_id, "to": successor.pk, "on": day.isoformat()},
    )
    case.refresh_from_db()
    return case


@transaction.atomic
def litigate_recovery(
    *, case: RecoveryCase, court_reference: str, actor: Actor, at: datetime
) -> RecoveryCase:
    """demand_issued | recovering → litigated. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, case.issuer, *policy.RECOVERERS)
    move_state(case, to=RecoveryCase.State.LITIGATED)
    record(
        "recovery.litigated",
        subject=case,
        actor=actor,
        at=at,
        data={"court_reference": court_reference},
    )
    return case
