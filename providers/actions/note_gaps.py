"""Write down the hours for which a facility's meters gave nothing, and which were filled since."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import Facility
from providers.policy import require_provider

# Hours of hourly meters that no accepted reading covers whole, neighbours joined into one range.
_NOTICE = """
    WITH hours AS (
        SELECT generate_series(%(starts_at)s, %(ends_at)s - interval '1 hour', interval '1 hour')
               AS hour
    ), metered AS (
        SELECT r.meter_id, date_trunc('hour', r.starts_at) AS hour,
               sum(upper(r.period) - lower(r.period)) AS covered
          FROM providers_meterreading r JOIN providers_meter m ON m.id = r.meter_id
         WHERE m.facility_id = %(facility)s AND r.state = 'accepted' AND r.revision = 0
           AND r.starts_at >= %(starts_at)s AND r.starts_at < %(ends_at)s
         GROUP BY r.meter_id, date_trunc('hour', r.starts_at)
    ), missing AS (
        SELECT m.id AS meter_id, h.hour,
               h.hour - row_number() OVER (PARTITION BY m.id ORDER BY h.hour) * interval '1 hour'
               AS island
          FROM providers_meter m CROSS JOIN hours h
          LEFT JOIN metered d ON d.meter_id = m.id AND d.hour = h.hour
         WHERE m.facility_id = %(facility)s AND m.kind NOT IN ('water_m3', 'reused_heat_kwh')
           AND coalesce(d.covered, interval '0') < interval '1 hour'
    )
    INSERT INTO providers_metergap (meter_id, missing, noticed_at)
    SELECT meter_id, tstzrange(min(hour), max(hour) + interval '1 hour'), %(at)s
      FROM missing GROUP BY meter_id, island ORDER BY meter_id, min(hour)
        ON CONFLICT DO NOTHING
"""
_CLOSE = """
    UPDATE providers_metergap g SET closed_at = %(at)s
      FROM providers_meter m
     WHERE m.id = g.meter_id AND m.facility_id = %(facility)s AND g.closed_at IS NULL
       AND (SELECT coalesce(sum(upper(r.period) - lower(r.period)), interval '0')
              FROM providers_meterreading r
             WHERE r.meter_id = g.meter_id AND r.state = 'accepted' AND r.revision = 0
               AND r.starts_at >= lower(g.missing) AND r.starts_at < upper(g.missing))
           >= upper(g.missing) - lower(g.missing)
"""


@transaction.atomic
def note_gaps(
    *, facility: Facility, starts_at: datetime, ends_at: datetime, actor: Actor, at: datetime
) -> tuple[int, int]:
    """(gaps noticed in [starts_at, ends_at), gaps closed): records, never estimates.

    A gap is closed when every hour of it has come in, however late. Raises NotPermitted, NotFound,
    Invalid for times off the hour.
    """
    require_provider(actor, facility.provider_id)
    if any(moment.minute or moment.second for moment in (starts_at, ends_at)):
        raise Invalid("starts_at", "must be a full hour", "须为整点")
    given: dict[str, Any] = {
        "facility": facility.pk,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, given)
        closed = cursor.rowcount
        cursor.execute(_NOTICE, given)
        noticed = cursor.rowcount
    if noticed or closed:
        record(
            "gaps.noted",
            subject=facility,
            actor=actor,
            at=at,
            data={"noticed": noticed, "closed": closed, "from": starts_at, "to": ends_at},
        )
    return noticed, closed
