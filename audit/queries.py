"""What of the chain may be read by whom."""

from dataclasses import dataclass

from django.db.models import QuerySet

from audit.chain import GENESIS
from audit.decisions import SYSTEM, Actor
from audit.models import AuditEvent, AuditLink
from audit.seal import seal_state


def events_visible_to(actor: Actor) -> QuerySet[AuditEvent]:
    """What an organization's own people did; an auditor's all. Each tells its `seal_state`."""
    events = AuditEvent.objects.select_related("link").annotate(seal_state=seal_state())
    if actor is SYSTEM or actor.has("auditor"):
        return events
    return events.filter(organization_id=actor.organization_id or 0)


@dataclass(frozen=True)
class ChainHead:
    """The last link: what an auditor writes down today to verify against tomorrow."""

    sequence: int
    hash: str


def chain_head() -> ChainHead:
    """The head of the chain; sequence 0 and the genesis hash while it is empty."""
    last = AuditLink.objects.order_by("-sequence").first()
    return ChainHead(last.sequence, last.hash) if last else ChainHead(0, GENESIS)
