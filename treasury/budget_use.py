"""How fast a budget is used: promised week by week, and what follows from it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from ledger.models import Account
from treasury.forecast import Exhaustion, forecast_exhaustion
from treasury.models import Envelope

SHANGHAI = ZoneInfo("Asia/Shanghai")
THRESHOLDS = (75, 90, 100)

_USED = """
SELECT (date_trunc('week', t.effective_at AT TIME ZONE 'Asia/Shanghai'))::date AS week,
       COALESCE(SUM(CASE WHEN p.source_id = %(available)s THEN p.amount_fen
                         WHEN p.destination_id = %(available)s THEN -p.amount_fen
                         ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN p.source_id = %(committed)s THEN p.amount_fen
                         WHEN p.source_id <> %(available)s THEN -p.amount_fen
                         ELSE 0 END), 0)
  FROM ledger_posting p JOIN ledger_transfer t ON t.id = p.transfer_id
 WHERE (%(available)s, %(committed)s) IN ((p.source_id, p.destination_id),
                                          (p.destination_id, p.source_id))
    OR (p.source_id = %(committed)s AND p.destination_id <> %(available)s)
    OR (p.destination_id = %(committed)s AND p.source_id <> %(available)s)
 GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class WeekOfUse:
    """What was promised and what was issued from the Monday `week` on, in fen, net of returns."""

    week: date
    promised_fen: int
    issued_fen: int


@dataclass(frozen=True)
class BudgetUse:
    """`left_fen` can still be promised; `used_percent` is of the appropriation, rounded down."""

    left_fen: int
    appropriated_fen: int
    used_percent: int
    weeks: tuple[WeekOfUse, ...]
    exhaustion: Exhaustion

    @property
    def exhausted(self) -> bool:
        """Derived, never stored."""
        return self.appropriated_fen > 0 and self.left_fen == 0

    @property
    def alerts(self) -> tuple[int, ...]:
        """The thresholds reached: of 75, 90 and 100 percent."""
        if self.appropriated_fen <= 0:
            return ()
        return tuple(each for each in THRESHOLDS if self.used_percent >= each)


def budget_use(envelope: Envelope, *, at: datetime) -> BudgetUse:
    """The use of `envelope` and the forecast of its exhaustion as of `at`."""
    today = at.astimezone(SHANGHAI).date()
    codes = {part: envelope.account_code(part) for part in ("unreleased", "available", "committed")}
    accounts = {
        account.code: account
        for account in Account.objects.filter(book=envelope.book_id, code__in=codes.values())
    }
    available, committed = accounts[codes["available"]], accounts[codes["committed"]]
    unreleased = accounts.get(codes["unreleased"])
    left_fen = available.balance_fen + (unreleased.balance_fen if unreleased else 0)
    appropriated_fen = put_in_fen(envelope)
    used_fen = appropriated_fen - left_fen
    weeks = _weeks(available, committed, today)
    monday = today - timedelta(days=today.weekday())
    return BudgetUse(
        left_fen=left_fen,
        appropriated_fen=appropriated_fen,
        used_percent=100 * used_fen // appropriated_fen if appropriated_fen > 0 else 0,
        weeks=tuple(weeks),
        exhaustion=forecast_exhaustion(
            left_fen,
            [each.promised_fen for each in weeks if each.week < monday],
            today=today,
        ),
    )


def _weeks(available: Account, committed: Account, today: date) -> list[WeekOfUse]:
    with connection.cursor() as cursor:
        cursor.execute(_USED, {"available": available.pk, "committed": committed.pk})
        seen = {week: (int(promised), int(issued)) for week, promised, issued in cursor}
    if not seen:
        return []
    week, weeks = min(seen), []
    while week <= today:
        weeks.append(WeekOfUse(week, *seen.get(week, (0, 0))))
        week += timedelta(days=7)
    return weeks


# By the accounts of the budget itself, which few postings touch, never through the whole book.
_PUT_IN = """
WITH own AS (
    SELECT id FROM ledger_account WHERE book_id = %(book)s AND code = ANY (%(codes)s)
), ends AS (
    SELECT p.source_id AS other, SUM(p.amount_fen) AS fen
      FROM own JOIN ledger_posting p ON p.destination_id = own.id GROUP BY 1
    UNION ALL
    SELECT p.destination_id, -SUM(p.amount_fen)
      FROM own JOIN ledger_posting p ON p.source_id = own.id GROUP BY 1
)
SELECT COALESCE(SUM(fen), 0)
  FROM ends,  -- OFFSET 0: each by its key, not all accounts of the chart
       LATERAL (SELECT id, code FROM ledger_account WHERE id = ends.other OFFSET 0) AS a
 WHERE a.id NOT IN (SELECT id FROM own)
   AND a.code ~ '^(fund:|env:[0-9]+:(available|unreleased)$)'
"""


def put_in_fen(envelope: Envelope) -> int:
    """What was appropriated and added, less what was cut, and transfers in less transfers out."""
    codes = [envelope.account_code(part) for part in ("available", "unreleased")]
    with connection.cursor() as cursor:
        cursor.execute(_PUT_IN, {"book": envelope.book_id, "codes": codes})
        (fen,) = cursor.fetchone()
    return int(fen)
