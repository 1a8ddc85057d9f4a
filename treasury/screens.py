"""Who is about to decide about money is screened for ties to those whom it concerns.

The matrix of duties asks for it wherever public money is decided: `screened` puts it before an
action. Source: identity/screening.py for the criteria; docs/guides/finance.md for where it is used.
"""

import functools
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from audit.decisions import Actor
from identity.actions.screen_conflicts import is_strict, refuse_conflict, screen_conflicts
from identity.models import Organization
from treasury.models import BankAccount

Result = TypeVar("Result")
Parties = Callable[[Any], tuple[Organization, Iterable[Organization]]]


def screened(
    act: str, subject: str, parties: Parties
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Before the action, screen its `actor` against each party to its argument `subject`.

    `parties` gives the issuing body, which says how strict to be, and the organizations concerned.
    To stand outside the action's transaction: a refusal must not take its own record with it.
    """

    def around(action: Callable[..., Result]) -> Callable[..., Result]:
        @functools.wraps(action)
        def screened_action(**arguments: Any) -> Result:
            issuer, concerned = parties(arguments[subject])
            refuse_conflicts(
                act,
                arguments[subject],
                issuer=issuer,
                concerned=concerned,
                actor=arguments["actor"],
                at=arguments["at"],
            )
            return action(**arguments)

        return screened_action

    return around


def refuse_conflicts(
    act: str,
    subject: models.Model,
    *,
    issuer: Organization,
    concerned: Iterable[Organization],
    actor: Actor,
    at: datetime,
) -> None:
    """Screen `actor` against each of `concerned`, keep what was found, and refuse a tie.

    Somebody who is not of the issuing body is not screened: the action refuses them anyway.
    Raises ConflictOfInterest, and ScreenIncomplete where the issuer asks for clean screens.
    """
    if actor.person_id is None or actor.organization_id != issuer.pk:
        return
    for organization in concerned:
        numbers = BankAccount.objects.filter(organization=organization).exclude(state="retired")
        refuse_conflict(
            screen_conflicts(
                organization=organization,
                act=act,
                subject=subject,
                account_numbers=sorted(numbers.values_list("number", flat=True)) or None,
                actor=actor,
                at=at,
            ),
            strict=is_strict(issuer),
        )
