"""The SQL by which a batch of readings is taken in: staged, marked, inserted, as sets."""

# Everything is judged in a staging table of the batch; only what is wrong is updated there, so a
# batch without faults costs a COPY and three inserts.
STAGE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming_reading (
        position integer, meter_id bigint, event_id text, starts_at timestamptz,
        ends_at timestamptz, quantity numeric(20, 6), corrects text, fate text, reason text,
        revision smallint DEFAULT 0
    ) ON COMMIT DROP;
    TRUNCATE incoming_reading
"""
COPY = (
    "COPY incoming_reading "
    "(position, meter_id, event_id, starts_at, ends_at, quantity, corrects, fate, reason) "
    "FROM STDIN"
)
SOURCE = """
    WITH new AS (
        INSERT INTO providers_metersource (name) VALUES (%(source)s)
            ON CONFLICT (name) DO NOTHING RETURNING id
    )
    SELECT id FROM new UNION ALL SELECT id FROM providers_metersource WHERE name = %(source)s
     LIMIT 1
"""
CONTENT = """hashtextextended(concat_ws(' ', i.meter_id, extract(epoch FROM i.starts_at),
               extract(epoch FROM i.ends_at), i.quantity), 0)"""

# Not the first of its event in the batch: the first stands.
MARK_REPEATED = """
    WITH ranked AS (
        SELECT position,
               first_value(position) OVER (PARTITION BY event_id ORDER BY position) AS first
          FROM incoming_reading
    )
    UPDATE incoming_reading i
       SET fate = CASE WHEN (i.meter_id, i.starts_at, i.ends_at, i.quantity)
                          = (f.meter_id, f.starts_at, f.ends_at, f.quantity)
                       THEN 'duplicate' ELSE 'conflicting' END, reason = NULL
      FROM ranked r JOIN incoming_reading f ON f.position = r.first
     WHERE i.position = r.position AND r.first <> r.position
"""
MARK_KNOWN = """
    UPDATE incoming_reading i
       SET fate = CASE WHEN e.content = @content THEN 'duplicate' ELSE 'conflicting' END,
           reason = NULL
      FROM providers_meterevent e
     WHERE i.fate IS DISTINCT FROM 'duplicate' AND i.fate IS DISTINCT FROM 'conflicting'
       AND e.source_id = %(source_id)s AND e.event_id = i.event_id
""".replace("@content", CONTENT)
KNOWN_OR_REPEATED = """
    SELECT EXISTS (SELECT FROM incoming_reading i
                     JOIN providers_meterevent e
                       ON e.source_id = %(source_id)s AND e.event_id = i.event_id)
        OR (SELECT count(*) <> count(DISTINCT event_id) FROM incoming_reading)
"""
MARK_IMPOSSIBLE_ALONE = """
    UPDATE incoming_reading i
       SET fate = 'quarantined',
           reason = CASE WHEN i.quantity < 0 THEN 'negative'
                         WHEN i.ends_at > %(latest)s THEN 'in_the_future'
                         WHEN i.starts_at < %(oldest)s THEN 'too_late'
                         WHEN m.kind NOT IN ('water_m3', 'reused_heat_kwh')
                              AND date_trunc('hour', i.starts_at)
                               <> date_trunc('hour', i.ends_at - interval '1 microsecond')
                         THEN 'too_coarse'
                         WHEN m.kind = 'accelerator_hours' AND i.quantity > 1.001 * p.units
                              * extract(epoch FROM i.ends_at - i.starts_at) / 3600
                         THEN 'more_than_installed'
                         ELSE 'crosses_a_month' END
      FROM providers_meter m LEFT JOIN providers_pool p ON p.id = m.pool_id
     WHERE i.fate IS NULL AND m.id = i.meter_id
       AND (i.quantity < 0 OR i.ends_at > %(latest)s OR i.starts_at < %(oldest)s
            OR (m.kind NOT IN ('water_m3', 'reused_heat_kwh')
                AND date_trunc('hour', i.starts_at)
                    <> date_trunc('hour', i.ends_at - interval '1 microsecond'))
            OR (m.kind = 'accelerator_hours' AND i.quantity > 1.001 * p.units
                * extract(epoch FROM i.ends_at - i.starts_at) / 3600)
            OR (m.kind IN ('water_m3', 'reused_heat_kwh')
                AND date_trunc('month', i.starts_at AT TIME ZONE 'Asia/Shanghai')
                 <> date_trunc('month', (i.ends_at - interval '1 microsecond')
                                        AT TIME ZONE 'Asia/Shanghai')))
"""
# A correction is the next revision of an accepted reading of the very same meter and interval.
MARK_REVISIONS = """
    UPDATE incoming_reading i SET revision = t.newest + 1
      FROM (SELECT c.position, max(r.revision) AS newest
              FROM incoming_reading c
              JOIN providers_meterevent e ON e.source_id = %(source_id)s AND e.event_id = c.corrects
              JOIN providers_meterreading r
                ON r.meter_id = e.meter_id AND r.starts_at = e.starts_at AND r.state = 'accepted'
             WHERE c.corrects IS NOT NULL AND e.meter_id = c.meter_id
               AND r.period = tstzrange(c.starts_at, c.ends_at)
             GROUP BY c.position) t
     WHERE i.position = t.position AND i.fate IS NULL
"""
MARK_CORRECTS_NOTHING = """
    UPDATE incoming_reading SET fate = 'quarantined', reason = 'corrects_nothing'
     WHERE fate IS NULL AND corrects IS NOT NULL AND revision = 0
"""
# PUE < 1 is impossible. Of two new values nobody can say which is wrong, so both are set aside;
# beside an accepted value the newcomer is.
MARK_IT_ABOVE_TOTAL = """
    UPDATE incoming_reading i SET fate = 'quarantined', reason = 'it_above_total'
      FROM (
        SELECT a.position AS it, b.position AS total
          FROM incoming_reading a
          JOIN incoming_reading b ON b.starts_at = a.starts_at AND b.ends_at = a.ends_at
         WHERE a.meter_id = %(it)s AND b.meter_id = %(total)s
           AND a.fate IS NULL AND b.fate IS NULL AND a.quantity > b.quantity
      ) pair
     WHERE i.position IN (pair.it, pair.total)
"""
MARK_AGAINST_ACCEPTED = """
    UPDATE incoming_reading i SET fate = 'quarantined', reason = 'it_above_total'
      FROM providers_meterreading r
     WHERE i.fate IS NULL AND i.meter_id = %(mine)s
       AND r.meter_id = %(other)s AND r.state = 'accepted'
       AND r.starts_at >= %(first)s AND r.starts_at < %(last)s
       AND r.starts_at = i.starts_at AND r.period = tstzrange(i.starts_at, i.ends_at)
       AND i.quantity * %(sign)s > r.quantity * %(sign)s
       AND NOT EXISTS (SELECT FROM incoming_reading b
                        WHERE b.meter_id = %(other)s AND b.starts_at = i.starts_at
                          AND b.fate IS NULL AND b.revision > 0)
       AND r.revision = (SELECT max(n.revision) FROM providers_meterreading n
                          WHERE n.meter_id = r.meter_id AND n.starts_at = r.starts_at
                            AND n.state = 'accepted')
"""
REGISTER = """
    INSERT INTO providers_meterevent (source_id, event_id, meter_id, starts_at, content)
    SELECT %(source_id)s, event_id, meter_id, starts_at, @content
      FROM incoming_reading i
     WHERE fate IS NULL OR fate = 'quarantined' ORDER BY position
""".replace("@content", CONTENT)
# The exclusion constraint finds the overlaps, in the batch and in the table alike. Batches nearly
# always have none, so the plain insert is tried first; only then the one that lets rows go.
ACCEPT_ALL = """
    INSERT INTO providers_meterreading
           (meter_id, source_id, event_id, starts_at, period, quantity, revision, state, reason,
            recorded_at)
    SELECT meter_id, %(source_id)s, event_id, starts_at, tstzrange(starts_at, ends_at), quantity,
           revision, 'accepted', NULL, %(at)s
      FROM incoming_reading WHERE fate IS NULL ORDER BY position
"""
ACCEPT_THOSE_THAT_FIT = """
    WITH taken AS (@accept ON CONFLICT DO NOTHING RETURNING event_id)
    UPDATE incoming_reading i SET fate = 'accepted' FROM taken
     WHERE i.fate IS NULL AND i.event_id = taken.event_id
""".replace("@accept", ACCEPT_ALL)
MARK_OVERLAP = """
    UPDATE incoming_reading SET fate = 'quarantined', reason = 'overlap' WHERE fate IS NULL
"""
# What crosses a month fits no part of the table: the part of its start keeps it, cut at month end.
KEEP_QUARANTINED = """
    INSERT INTO providers_meterreading
           (meter_id, source_id, event_id, starts_at, period, quantity, state, reason, recorded_at)
    SELECT meter_id, %(source_id)s, event_id, starts_at,
           tstzrange(starts_at,
                     least(ends_at, (date_trunc('month', starts_at AT TIME ZONE 'Asia/Shanghai')
                                     + interval '1 month') AT TIME ZONE 'Asia/Shanghai')),
           quantity, 'quarantined', reason, %(at)s
      FROM incoming_reading WHERE fate = 'quarantined' ORDER BY position
"""
# The roll-up of each meter's civil month. A batch without corrections reads nothing but itself; one
# with them looks up each replaced row by its index (OFFSET 0: never by reading the whole table).
_MONTH = "date_trunc('month', i.starts_at AT TIME ZONE 'Asia/Shanghai')::date"
_ADD_UP = """
        ON CONFLICT (meter_id, month) DO UPDATE
       SET quantity = providers_metermonth.quantity + excluded.quantity,
           seconds = providers_metermonth.seconds + excluded.seconds,
           readings = providers_metermonth.readings + excluded.readings
"""
ROLL_UP = """
    INSERT INTO providers_metermonth (meter_id, month, quantity, seconds, readings)
    SELECT i.meter_id, @month AS month, sum(i.quantity),
           sum(extract(epoch FROM i.ends_at - i.starts_at))::bigint, count(*)
      FROM incoming_reading i
     WHERE (i.fate IS NULL OR i.fate = 'accepted') AND i.revision = 0
     GROUP BY i.meter_id, month@add_up
""".replace("@month", _MONTH).replace("@add_up", _ADD_UP)
ROLL_UP_CORRECTIONS = """
    INSERT INTO providers_metermonth (meter_id, month, quantity, seconds, readings)
    SELECT i.meter_id, @month AS month, sum(i.quantity - old.quantity), 0, 0
      FROM incoming_reading i
     CROSS JOIN LATERAL (
           SELECT r.quantity FROM providers_meterreading r
            WHERE r.meter_id = i.meter_id AND r.starts_at = i.starts_at AND r.state = 'accepted'
              AND r.revision = i.revision - 1
           OFFSET 0) old
     WHERE (i.fate IS NULL OR i.fate = 'accepted') AND i.revision > 0
     GROUP BY i.meter_id, month@add_up
""".replace("@month", _MONTH).replace("@add_up", _ADD_UP)
