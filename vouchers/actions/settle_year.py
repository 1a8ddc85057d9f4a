"""Settle a budget year: what each provider earned, each platform's trade, and its reward.

The ledger is read in chunks of postings, one statement and one transaction each, and the checkpoint
moves with the chunk's sums. Whoever is killed anywhere leaves whole chunks; whoever goes on begins
at the checkpoint, and the end is the same to the fen. A platform's award is proposed in the
transaction that writes it into the platform's line, so that none is proposed twice. Its basis is
gathered by who calls (`propose`): what vouchers paid is not all that was traded, and not all that
was traded counts. From there it goes the way of every award, to a payable.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Max

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid
from identity.models import Organization
from identity.policy import require_role
from identity.roles import Role
from ledger.actions.close_period import close_period
from ledger.models import Book, Posting
from treasury.moves import move_state
from vouchers.models import (
    PolicyVersion,
    SettlementLine,
    SettlementMember,
    SubsidyAward,
    YearSettlement,
)
from vouchers.refusals import YearNotOver

CHUNK_POSTINGS = 10_000_000  # one to two seconds of work
SHANGHAI = ZoneInfo("Asia/Shanghai")

# Earned by redemptions, at once or after a hold; less what a refund or correction took back. What
# left for a payable (pay:…) was earned none the less.
COUNT = """
WITH earned AS MATERIALIZED (
    SELECT id FROM ledger_account WHERE book_id = %(book)s AND code LIKE 'rdm:%%'
), came AS (  -- the chunk read once, and only then asked whose accounts these are
    SELECT destination_id AS id, SUM(amount_fen) AS fen, COUNT(*) AS postings
      FROM ledger_posting WHERE id BETWEEN %(first)s AND %(last)s
     GROUP BY 1
), moved AS (
    SELECT id AS account_id, fen, postings FROM earned JOIN came USING (id)
    UNION ALL
    SELECT e.id, -went.fen, went.postings
      FROM earned e, LATERAL (  -- by the index: little leaves these accounts but for payables
        SELECT SUM(p.amount_fen) AS fen, COUNT(*) AS postings
          FROM (SELECT * FROM ledger_posting
                 WHERE source_id = e.id AND id BETWEEN %(first)s AND %(last)s OFFSET 0) p
          JOIN ledger_account d ON d.id = p.destination_id AND d.code NOT LIKE 'pay:%%'
      ) went
     WHERE went.postings > 0
)
SELECT array_agg(account_id)::text, array_agg(fen)::text, array_agg(postings)::text
  FROM (SELECT account_id, SUM(fen) AS fen, SUM(postings) AS postings
          FROM moved GROUP BY account_id) sums
"""
# A statement of its own: one that writes is not planned in parallel. The sums pass through here as
# the text they came in.
KEEP = """
INSERT INTO vouchers_settlementsum (settlement_id, first_posting, account_id, fen, postings)
SELECT %s, %s, account_id, fen, postings
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS sums (account_id, fen, postings)
"""
# An account is one redemption's, or the one all redemptions at once of a provider share.
LINES = """
WITH whose AS (
    SELECT s.fen, s.postings, split_part(a.code, ':', 2) AS named
      FROM vouchers_settlementsum s JOIN ledger_account a ON a.id = s.account_id
     WHERE s.settlement_id = %(settlement)s
), providers AS (
    SELECT COALESCE(r.provider_id, split_part(w.named, '-', 2)::bigint) AS organization_id,
           SUM(w.fen) AS fen, SUM(w.postings) AS postings
      FROM whose w
      LEFT JOIN LATERAL (  -- by the key: most accounts are no redemption's own
            SELECT provider_id FROM vouchers_redemption
             WHERE id = CASE WHEN w.named ~ '^[0-9]+$' THEN w.named::bigint END LIMIT 1
      ) r ON true
     GROUP BY 1
), platforms AS (
    SELECT m.platform_id, COALESCE(SUM(p.fen), 0) AS fen, COALESCE(SUM(p.postings), 0) AS postings
      FROM vouchers_settlementmember m
      LEFT JOIN providers p ON p.organization_id = m.provider_id
     WHERE m.settlement_id = %(settlement)s GROUP BY 1
)
INSERT INTO vouchers_settlementline
       (settlement_id, organization_id, is_platform, earned_fen, postings)
SELECT %(settlement)s, organization_id, false, fen, postings FROM providers
 UNION ALL
SELECT %(settlement)s, platform_id, true, fen, postings FROM platforms
 ORDER BY 3, 2
"""

Tell = Callable[[str], None]
# (version=, beneficiary=, period_start=, period_end=, actor=, at=), as award_from_books.
Propose = Callable[..., SubsidyAward]


@transaction.atomic
def open_settlement(
    *,
    book: Book,
    members: Mapping[Organization, Organization],
    version: PolicyVersion | None,
    actor: Actor,
    at: datetime,
) -> YearSettlement:
    """Fix what is settled: the book's postings up to now, `members` (provider → platform), terms.

    Closes the period of the year, which waits for everybody who is writing. A second call returns
    the settlement there is. Raises YearNotOver, NotPermitted.
    """
    if actor is not SYSTEM:
        require_role(actor, Role.BUDGET_OFFICER, Role.FINANCE_REVIEWER)
    _begins, ends = _year(book)
    over = datetime(ends.year, ends.month, ends.day, tzinfo=SHANGHAI)
    if at < over:
        raise YearNotOver(year=book.budget_year)
    close_period(book=book, until=over, actor=actor, at=at)
    last = Posting.objects.aggregate(last=Max("pk"))["last"] or 0
    settlement, opened = YearSettlement.objects.get_or_create(
        book=book,
        defaults={
            "version": version,
            "last_posting": last,
            "person_id": actor.person_id,
            "opened_at": at,
        },
    )
    if opened:
        SettlementMember.objects.bulk_create(
            SettlementMember(settlement=settlement, platform=platform, provider=provider)
            for provider, platform in members.items()
        )
        record(
            "settlement.opened",
            subject=settlement,
            actor=actor,
            at=at,
            data={"last_posting": last, "members": len(members)},
        )
    return settlement


def settle_year(
    *,
    settlement: YearSettlement,
    propose: Propose,
    actor: Actor,
    at: datetime,
    chunk_postings: int = CHUNK_POSTINGS,
    tell: Tell = lambda text: None,
) -> YearSettlement:
    """Go on from the checkpoint to the end; may be killed anywhere and called again.

    Two at once do no harm: they take turns, and what one has done the other finds done.
    Raises what `propose` raises: the rest of the settlement is kept.
    """
    while count_chunk(settlement=settlement, chunk_postings=chunk_postings):
        done = min(settlement.next_posting - 1, settlement.last_posting)
        tell(f"{done} of {settlement.last_posting} postings counted")
    sum_up(settlement=settlement, actor=actor, at=at)
    tell("summed up")
    for line in settlement.lines.filter(is_platform=True, award=None).order_by("pk"):
        if reward_platform(
            settlement=settlement, line_id=line.pk, propose=propose, actor=actor, at=at
        ):
            tell(f"platform {line.organization_id} judged")
    return conclude(settlement=settlement, actor=actor, at=at)


@transaction.atomic
def count_chunk(*, settlement: YearSettlement, chunk_postings: int = CHUNK_POSTINGS) -> bool:
    """Count the postings from the checkpoint on, and move it; False when none are left."""
    held = YearSettlement.objects.select_for_update(no_key=True).get(pk=settlement.pk)
    first = held.next_posting
    last = min(first + chunk_postings - 1, held.last_posting)
    if first <= last:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
            cursor.execute(COUNT, {"book": held.book_id, "first": first, "last": last})
            columns = cursor.fetchone()
            cursor.execute(KEEP, [held.pk, first, *columns])
        held.next_posting = last + 1
        held.save(update_fields=["next_posting"])
    settlement.next_posting, settlement.state = held.next_posting, held.state
    return first <= last


@transaction.atomic
def sum_up(*, settlement: YearSettlement, actor: Actor, at: datetime) -> None:
    """A line for each provider and platform, once all is counted; a second call does nothing."""
    held = YearSettlement.objects.select_for_update(no_key=True).get(pk=settlement.pk)
    if held.state == YearSettlement.State.COUNTING:
        with connection.cursor() as cursor:
            # Members were written a moment ago: no statistics say yet that there are thousands.
            cursor.execute("SET LOCAL enable_nestloop = off")
            cursor.execute(LINES, {"settlement": held.pk})
            lines = cursor.rowcount
        move_state(held, to="summed")
        record("settlement.summed", subject=held, actor=actor, at=at, data={"lines": lines})
    settlement.state = held.state


@transaction.atomic
def reward_platform(
    *, settlement: YearSettlement, line_id: int, propose: Propose, actor: Actor, at: datetime
) -> bool:
    """Propose what the terms grant a platform for the year, once.

    False where there is nothing to do: no terms, or somebody had it awarded already.
    """
    line = SettlementLine.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    if settlement.version is None or line.award_id is not None:
        return False
    begins, ends = _year(settlement.book)
    try:
        line.award = propose(
            version=settlement.version,
            beneficiary=line.organization,
            period_start=begins,
            period_end=ends,
            actor=actor,
            at=at,
        )
    except Invalid:  # awarded before, by hand
        return False
    line.save(update_fields=["award"])
    return True


@transaction.atomic
def conclude(*, settlement: YearSettlement, actor: Actor, at: datetime) -> YearSettlement:
    """summed → settled; a second call does nothing."""
    held = YearSettlement.objects.select_for_update(no_key=True).get(pk=settlement.pk)
    if held.state == YearSettlement.State.SUMMED:
        move_state(held, to="settled")
        record("settlement.settled", subject=held, actor=actor, at=at)
    return held


def _year(book: Book) -> tuple[date, date]:
    return date(book.budget_year, 1, 1), date(book.budget_year + 1, 1, 1)
