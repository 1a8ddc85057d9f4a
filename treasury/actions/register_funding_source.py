"""Name a source that appropriations come from."""

from datetime import datetime

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from treasury import policy
from treasury.models import FundingSource


@transaction.atomic
def register_funding_source(
    *, issuer: Organization, name: str, level: str, actor: Actor, at: datetime
) -> FundingSource:
    """Register a source of `issuer`. `level` is one of FundingSource.Level.

    Raises NotPermitted, Invalid (unknown level, name taken).
    """
    policy.require_issuer(actor, issuer, *policy.BUDGET)
    if level not in FundingSource.Level.values:
        raise Invalid("level", "unknown level of government", "未知的政府层级")
    try:
        with transaction.atomic():
            source = FundingSource.objects.create(issuer=issuer, name=name, level=level)
    except IntegrityError as error:
        raise Invalid("name", "this name is taken", "该名称已被使用") from error
    record(
        "funding_source.registered",
        subject=source,
        actor=actor,
        at=at,
        data={"issuer_id": issuer.pk, "name": name, "level": level},
    )
    return source
