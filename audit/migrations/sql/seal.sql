-- The sole writer of links: joins committed events to the chain, after the commit that made them.
-- Its contract is told in audit/seal.py and docs/decisions/0011-seal-after-commit.md.

-- Seal at most `max_rows` events in the order of their ids; how many it looked at. Fewer than
-- `max_rows`: nothing that was committed before the call is left.
CREATE FUNCTION audit_seal(max_rows int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- Along the indexes, whatever the statistics of a growing table say.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
    through bigint;
    new_through bigint;
    found bigint[];
    looked_to bigint;
    taken int8multirange;
    settled_before bigint;
    link record;
    head_sequence bigint;
    head_hash text;
    ids bigint[] := '{}';
    hashes text[];
BEGIN
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION 'at least one row is sealed at a time' USING ERRCODE = '22023';
    END IF;
    -- Only sealers take this lock: it asks for a right that the application's role does not have.
    LOCK TABLE audit_sealingcursor IN SHARE ROW EXCLUSIVE MODE;
    SELECT last_event_id INTO through FROM audit_sealingcursor WHERE id = 1;
    IF through IS NULL THEN
        INSERT INTO audit_sealingcursor (id, last_event_id) VALUES (1, 0);
        DELETE FROM audit_unseenrange;  -- lost with it; both are found again from the rows
        through := 0;
    END IF;

    -- A range noticed by an earlier call is settled once every transaction has ended that could
    -- have drawn an id from it. Such a transaction had its number before it drew the id, hence
    -- before the range was noticed, hence a lower one than a number drawn now; and now is only
    -- now if we had none before the lock.
    IF pg_current_xact_id_if_assigned() IS NULL
       AND EXISTS (SELECT FROM audit_unseenrange
                    WHERE ends_before IS NULL
                       OR ends_before > pg_snapshot_xmax(pg_current_snapshot())::text::bigint) THEN
        UPDATE audit_unseenrange SET ends_before = pg_current_xact_id()::text::bigint
         WHERE ends_before IS NULL
            OR ends_before > pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    END IF;
    settled_before := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

    -- Late comers first: their ids are lower than those of all that is new.
    found := ARRAY(
        (SELECT late.id
           FROM audit_unseenrange u
          CROSS JOIN LATERAL (SELECT e.id FROM audit_auditevent e
                               WHERE e.id BETWEEN u.first_id AND u.last_id
                               ORDER BY e.id LIMIT max_rows) late
          ORDER BY late.id LIMIT max_rows)
        UNION ALL
        (SELECT e.id FROM audit_auditevent e WHERE e.id > through ORDER BY e.id LIMIT max_rows)
        ORDER BY 1 LIMIT max_rows);
    new_through := greatest(through, found[cardinality(found)]);
    looked_to := CASE WHEN cardinality(found) = max_rows THEN found[max_rows] ELSE new_through END;

    SELECT sequence, hash INTO head_sequence, head_hash
      FROM audit_auditlink ORDER BY sequence DESC LIMIT 1;
    head_sequence := coalesce(head_sequence, 0);
    head_hash := coalesce(head_hash, repeat('0', 64));
    hashes := ARRAY[head_hash];
    FOR link IN
        SELECT e.id, e.body
          FROM unnest(found) AS f (id) JOIN audit_auditevent e USING (id)
         WHERE NOT EXISTS (SELECT FROM audit_auditlink l WHERE l.event_id = e.id)
         ORDER BY e.id
    LOOP
        head_hash := encode(
            sha256(convert_to(head_hash || E'\n' || link.body, 'UTF8')), 'hex');
        ids := ids || link.id;
        hashes := hashes || head_hash;
    END LOOP;
    INSERT INTO audit_auditlink (sequence, event_id, previous_hash, hash)
    SELECT head_sequence + n, ids[n], hashes[n], hashes[n + 1]
      FROM generate_series(1, cardinality(ids)) n;

    -- What is not there between the ids that are: rolled back, or not committed yet.
    SELECT range_agg(int8range(f.id, f.id, '[]')) INTO taken FROM unnest(found) AS f (id);
    taken := coalesce(taken, '{}');
    DELETE FROM audit_unseenrange
     WHERE last_id <= looked_to AND ends_before <= settled_before;
    WITH hit AS (
        DELETE FROM audit_unseenrange
         WHERE int8range(first_id, last_id, '[]') && taken
        RETURNING *
    )
    INSERT INTO audit_unseenrange (first_id, last_id, ends_before)
    SELECT lower(piece), upper(piece) - 1, hit.ends_before
      FROM hit, unnest(int8multirange(int8range(first_id, last_id, '[]')) - taken) AS piece;
    IF new_through > through THEN
        INSERT INTO audit_unseenrange (first_id, last_id)
        SELECT lower(piece), upper(piece) - 1
          FROM unnest(int8multirange(int8range(through, new_through, '(]')) - taken) AS piece;
        UPDATE audit_sealingcursor SET last_event_id = new_through WHERE id = 1;
    END IF;
    RETURN cardinality(found);
END $$;

REVOKE ALL ON FUNCTION audit_seal(int) FROM PUBLIC;

-- Whatever was recorded before has its link: it joined the chain at its commit, and the writers
-- were waited for when their trigger was taken away.
INSERT INTO audit_sealingcursor (id, last_event_id)
SELECT 1, coalesce(max(id), 0) FROM audit_auditevent;
