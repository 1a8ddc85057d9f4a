"""A second person verifies an account; it replaces the one verified before."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import Organization
from identity.policy import require_role
from treasury import policy
from treasury.models import BankAccount
from treasury.moves import move_state


@transaction.atomic
def verify_bank_account(*, account: BankAccount, actor: Actor, at: datetime) -> BankAccount:
    """unverified → verified, and the organization's earlier account → retired.

    Raises NotPermitted, SamePerson, StaleState.
    """
    require_role(actor, *policy.ACCOUNT_KEEPERS)
    policy.require_another_person(
        actor,
        account.added_by_id,
        first="enter a bank account",
        second="verify it",
        first_zh="录入银行账户",
        second_zh="核验该账户",
    )
    Organization.objects.select_for_update(no_key=True).get(pk=account.organization_id)
    for earlier in BankAccount.objects.filter(
        organization=account.organization_id, state=BankAccount.State.VERIFIED
    ):
        move_state(earlier, to=BankAccount.State.RETIRED)
        record("bank_account.retired", subject=earlier, actor=actor, at=at)
    move_state(
        account,
        to=BankAccount.State.VERIFIED,
        verified_by_id=actor.person_id,
        verified_at=at,
    )
    record(
        "bank_account.verified",
        subject=account,
        actor=actor,
        at=at,
        data={"organization_id": account.organization_id, "added_by": account.added_by_id},
    )
    return account
