-- The sole writer of transfers, postings, holds and their resolutions.
-- Its contract is told in ledger/actions/post_batch.py and docs/decisions/0008-one-writer.md.
-- The inner functions take their settings from the one that is called.

-- A busy balance is updated in place: room for its next version on the same page, cleaned often.
ALTER TABLE ledger_account SET (fillfactor = 60);

-- Write what is new among `transfers`, all of it or (by an exception) none of it; the ordinals and
-- ids of what was written. A reference that exists is left out, not an error.
CREATE FUNCTION ledger_write(transfers jsonb, wanted int[], OUT ordinals int[], OUT ids bigint[])
LANGUAGE plpgsql AS $$
BEGIN
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT ON (a.reference) a.*
          FROM ROWS FROM (jsonb_to_recordset(transfers) AS (
                   reference text, body_hash text, kind text, book_id bigint,
                   effective_at timestamptz, policy_version text, reverses_id bigint,
                   person_id bigint, postings jsonb, hold jsonb, resolve jsonb
               )) WITH ORDINALITY AS a (
                   reference, body_hash, kind, book_id, effective_at, policy_version,
                   reverses_id, person_id, postings, hold, resolve, ordinal)
         WHERE wanted IS NULL OR a.ordinal = ANY (wanted)
         ORDER BY a.reference, a.ordinal
    ), fresh AS (
        INSERT INTO ledger_transfer (reference, body_hash, kind, book_id, effective_at,
                                     policy_version, reverses_id, person_id, transaction_id)
        SELECT reference, body_hash, kind, book_id, effective_at, policy_version, reverses_id,
               person_id, txid_current()
          FROM asked ORDER BY reference
        ON CONFLICT (reference) DO NOTHING
        RETURNING id, reference
    ), posted AS (
        INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)
        SELECT fresh.id, (line->>0)::bigint, (line->>1)::bigint, (line->>2)::bigint
          FROM fresh JOIN asked USING (reference),
               jsonb_array_elements(asked.postings) WITH ORDINALITY AS lines (line, place)
         ORDER BY fresh.id, place
    )
    SELECT array_agg(asked.ordinal::int), array_agg(fresh.id) INTO ordinals, ids
      FROM fresh JOIN asked USING (reference);

    IF transfers @? '$[*].hold.reference' THEN
        INSERT INTO ledger_hold (reference, placed_by_id, source_id, held_in_id, amount_fen,
                                 deadline_at)
        SELECT hold->>'reference', id, (postings->0->>0)::bigint, (postings->0->>1)::bigint,
               (postings->0->>2)::bigint, (hold->>'deadline_at')::timestamptz
          FROM (SELECT id, transfers->(ordinal - 1)->'hold' AS hold,
                       transfers->(ordinal - 1)->'postings' AS postings
                  FROM unnest(ordinals, ids) AS done (ordinal, id)) placed
         WHERE jsonb_typeof(hold) = 'object';
    END IF;
    IF transfers @? '$[*].resolve.hold_id' THEN
        INSERT INTO ledger_holdresolution (hold_id, outcome, posted_fen, transfer_id, resolved_at)
        SELECT (resolve->>'hold_id')::bigint, resolve->>'outcome',
               (resolve->>'posted_fen')::bigint, id, (resolve->>'resolved_at')::timestamptz
          FROM (SELECT id, transfers->(ordinal - 1)->'resolve' AS resolve
                  FROM unnest(ordinals, ids) AS done (ordinal, id)) ended
         WHERE jsonb_typeof(resolve) = 'object';
    END IF;
END $$;

-- Judge each of `transfers` in the given order against what is true under locks. Returns for each
-- ordinal its outcome ('post' where it may be written) and a detail. Locks the accounts that
-- refuse something, in the order (lock_rank, id).
CREATE FUNCTION ledger_judge(transfers jsonb)
RETURNS TABLE (ordinal int, outcome text, detail text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    account_ids bigint[];
    codes text[];
    spare numeric[];   -- what each account may still give away
    before numeric[];
    asked record;
    seen jsonb := '{}';  -- reference -> [body hash, outcome, detail] of this batch
    undone jsonb := '{}';  -- transfer -> reference that reverses it in this batch
    ended jsonb := '{}';  -- hold -> outcome in this batch
    line record;
    low int;
BEGIN
    SELECT array_agg(id), array_agg(code), array_agg(balance_fen - floor_fen)
      INTO account_ids, codes, spare
      FROM (SELECT id, code, balance_fen, floor_fen FROM ledger_account
             WHERE floor_fen IS NOT NULL AND id IN (
                   SELECT (p->>side)::bigint
                     FROM jsonb_array_elements(transfers) t,
                          jsonb_array_elements(t->'postings') p, (VALUES (0), (1)) sides (side)
                    WHERE p->>side ~ '^\d{1,18}$')
             ORDER BY lock_rank, id FOR NO KEY UPDATE) locked;
    FOR asked IN
        SELECT a.*, t.id AS stored_id, t.body_hash AS stored_hash,
               b.state AS book_state, b.closed_until,
               u.reference AS undone_by, r.outcome AS resolved_as, h.deadline_at,
               h.amount_fen AS held_fen
          FROM ROWS FROM (jsonb_to_recordset(transfers) AS (
                   reference text, body_hash text, book_id bigint, effective_at timestamptz,
                   reverses_id bigint, postings jsonb, hold jsonb, resolve jsonb
               )) WITH ORDINALITY AS a (
                   reference, body_hash, book_id, effective_at, reverses_id, postings, hold,
                   resolve, ordinal)
          LEFT JOIN ledger_transfer t ON t.reference = a.reference
          LEFT JOIN ledger_book b ON b.id = a.book_id
          LEFT JOIN ledger_transfer u ON u.reverses_id = a.reverses_id
          LEFT JOIN ledger_hold h ON h.id = (a.resolve->>'hold_id')::bigint
          LEFT JOIN ledger_holdresolution r ON r.hold_id = h.id
         ORDER BY a.ordinal
    LOOP
        ordinal := asked.ordinal::int; detail := NULL;
        IF asked.stored_id IS NOT NULL OR seen ? asked.reference THEN
            IF coalesce(asked.stored_hash, seen->asked.reference->>0) <> asked.body_hash THEN
                outcome := 'conflict';
            ELSIF asked.stored_id IS NOT NULL OR seen->asked.reference->>1 = 'post' THEN
                outcome := 'replayed';
            ELSE  -- the same question twice in one batch has the same answer
                outcome := seen->asked.reference->>1;
                detail := seen->asked.reference->>2;
            END IF;
            RETURN NEXT;
            CONTINUE;
        END IF;
        outcome := 'post';
        asked.undone_by := coalesce(asked.undone_by, undone->>(asked.reverses_id::text));
        asked.resolved_as := coalesce(asked.resolved_as, ended->>(asked.resolve->>'hold_id'));
        IF NOT coalesce(jsonb_array_length(asked.postings) > 0, false) THEN
            outcome := 'invalid'; detail := 'a transfer moves something';
        ELSIF EXISTS (
            SELECT 1 FROM jsonb_array_elements(asked.postings) p
             WHERE jsonb_typeof(p->2) IS DISTINCT FROM 'number' OR p->>2 !~ '^[1-9]\d{0,15}$'
                OR (p->>2)::bigint >= 9007199254740992
        ) THEN
            outcome := 'invalid'; detail := 'an amount is a positive number of fen';
        ELSIF EXISTS (
            SELECT 1 FROM jsonb_array_elements(asked.postings) p
              LEFT JOIN ledger_account s
                ON s.id = (p->>0)::bigint AND s.book_id = asked.book_id
              LEFT JOIN ledger_account d
                ON d.id = (p->>1)::bigint AND d.book_id = asked.book_id
             WHERE s.id IS NULL OR d.id IS NULL OR s.id = d.id
        ) THEN
            outcome := 'invalid'; detail := 'postings join two accounts of one book';
        ELSIF asked.book_state IS DISTINCT FROM 'open' THEN
            outcome := 'closed'; detail := 'book';
        ELSIF asked.effective_at < asked.closed_until THEN
            outcome := 'closed'; detail := 'period';
        ELSIF asked.undone_by IS NOT NULL THEN
            outcome := 'reversed'; detail := asked.undone_by;
        ELSIF asked.resolved_as IS NOT NULL THEN
            outcome := 'hold_resolved'; detail := asked.resolved_as;
        ELSIF asked.resolve->>'outcome' = 'posted'
              AND (asked.resolve->>'resolved_at')::timestamptz >= asked.deadline_at THEN
            outcome := 'hold_expired'; detail := asked.deadline_at::text;
        ELSIF asked.resolve->>'outcome' = 'expired'
              AND (asked.resolve->>'resolved_at')::timestamptz < asked.deadline_at THEN
            outcome := 'hold_not_due'; detail := asked.deadline_at::text;
        ELSIF (asked.resolve->>'posted_fen')::bigint > asked.held_fen THEN
            outcome := 'invalid'; detail := 'more than the hold holds';
        ELSE
            before := spare;
            low := NULL;
            FOR line IN
                SELECT array_position(account_ids, (p->>0)::bigint) AS source,
                       array_position(account_ids, (p->>1)::bigint) AS destination,
                       (p->>2)::bigint AS fen
                  FROM jsonb_array_elements(asked.postings) p
            LOOP
                IF line.source IS NOT NULL THEN
                    spare[line.source] := spare[line.source] - line.fen;
                END IF;
                IF line.destination IS NOT NULL THEN
                    spare[line.destination] := spare[line.destination] + line.fen;
                END IF;
            END LOOP;
            -- Only the end of a transfer counts: within it value may pass through.
            SELECT array_position(account_ids, (p->>0)::bigint) INTO low
              FROM jsonb_array_elements(asked.postings) p
             WHERE spare[array_position(account_ids, (p->>0)::bigint)] < 0 LIMIT 1;
            IF low IS NOT NULL THEN
                outcome := 'insufficient'; detail := codes[low];
                spare := before;
            END IF;
        END IF;
        IF outcome = 'post' AND asked.reverses_id IS NOT NULL THEN
            undone := undone || jsonb_build_object(asked.reverses_id, asked.reference);
        END IF;
        IF outcome = 'post' AND asked.resolve->>'hold_id' IS NOT NULL THEN
            ended := ended
                || jsonb_build_object(asked.resolve->>'hold_id', asked.resolve->>'outcome');
        END IF;
        seen := seen || jsonb_build_object(
            asked.reference, jsonb_build_array(asked.body_hash, outcome, detail));
        RETURN NEXT;
    END LOOP;
END $$;

-- Post one transfer that resolves and sets aside nothing; its id, or NULL when the reference is
-- taken. Raises what constraints and triggers raise. For other writers inside the database.
CREATE FUNCTION ledger_post_one(
    p_reference text, p_body_hash text, p_kind text, p_book bigint, p_effective_at timestamptz,
    p_policy_version text, p_reverses bigint, p_person bigint,
    p_sources bigint[], p_destinations bigint[], p_amounts bigint[]
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO ledger_transfer (reference, body_hash, kind, book_id, effective_at,
                                 policy_version, reverses_id, person_id, transaction_id)
    VALUES (p_reference, p_body_hash, p_kind, p_book, p_effective_at, p_policy_version,
            p_reverses, p_person, txid_current())
    ON CONFLICT (reference) DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NOT NULL THEN
        INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)
        SELECT v_id, source, destination, fen
          FROM unnest(p_sources, p_destinations, p_amounts) AS line (source, destination, fen);
    END IF;
    RETURN v_id;
END $$;

-- Post a batch of transfers. See the module docstring of ledger/actions/post_batch.py.
CREATE FUNCTION ledger_post_batch(transfers jsonb)
RETURNS TABLE (ordinal int, reference text, outcome text, transfer_id bigint, detail text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    total int := jsonb_array_length(transfers);
    done int[];
    ids bigint[];
    judged jsonb;
    accepted int[];
    one jsonb;
    v_id bigint;
BEGIN
    IF total = 1 AND NOT transfers->0 ?| ARRAY['hold', 'resolve'] THEN
        one := transfers->0;
        BEGIN
            SELECT ledger_post_one(
                       one->>'reference', one->>'body_hash', one->>'kind',
                       (one->>'book_id')::bigint, (one->>'effective_at')::timestamptz,
                       one->>'policy_version', (one->>'reverses_id')::bigint,
                       (one->>'person_id')::bigint, array_agg((p->>0)::bigint),
                       array_agg((p->>1)::bigint), array_agg((p->>2)::bigint))
              INTO v_id FROM jsonb_array_elements(one->'postings') p;
            IF v_id IS NOT NULL THEN
                RETURN QUERY SELECT 1, one->>'reference', 'posted', v_id, NULL::text;
                RETURN;
            END IF;
        EXCEPTION
            WHEN check_violation OR unique_violation OR not_null_violation
              OR numeric_value_out_of_range OR foreign_key_violation
              OR invalid_text_representation OR invalid_parameter_value OR deadlock_detected THEN
                NULL;  -- refused: say why, below
        END;
    END IF;
    -- First as if nothing were wrong: one statement, guarded by constraints and triggers. Unless
    -- an account both gives and takes in this batch: then the order decides, and it is judged.
    IF total = 1 OR NOT EXISTS (
        SELECT 1 FROM ledger_account a
         WHERE a.floor_fen IS NOT NULL AND a.id IN (
            SELECT (p->>0)::bigint FROM jsonb_path_query(transfers, '$[*].postings[*]') p
            INTERSECT
            SELECT (p->>1)::bigint FROM jsonb_path_query(transfers, '$[*].postings[*]') p)
    ) THEN
        BEGIN
            SELECT w.ordinals, w.ids INTO done, ids FROM ledger_write(transfers, NULL) w;
            IF cardinality(done) = total THEN
                RETURN QUERY SELECT d.ordinal, transfers->(d.ordinal - 1)->>'reference', 'posted',
                                    d.id, NULL::text
                               FROM unnest(done, ids) AS d (ordinal, id);
                RETURN;
            ELSIF total = 1 THEN
                RETURN QUERY SELECT 1, t.reference,
                                    CASE WHEN t.body_hash = transfers->0->>'body_hash'
                                         THEN 'replayed' ELSE 'conflict' END, t.id, NULL::text
                               FROM ledger_transfer t
                              WHERE t.reference = transfers->0->>'reference';
                RETURN;
            END IF;
            RETURN QUERY
            SELECT a.ordinal::int, a.reference,
                   CASE WHEN d.id IS NOT NULL THEN 'posted'
                        WHEN t.body_hash = a.body_hash THEN 'replayed' ELSE 'conflict' END,
                   t.id, NULL::text
              FROM ROWS FROM (jsonb_to_recordset(transfers) AS (reference text, body_hash text))
                   WITH ORDINALITY AS a (reference, body_hash, ordinal)
              LEFT JOIN unnest(done, ids) AS d (ordinal, id) ON d.ordinal = a.ordinal
              JOIN ledger_transfer t ON t.reference = a.reference;
            RETURN;
        EXCEPTION
            WHEN check_violation OR unique_violation OR not_null_violation
              OR numeric_value_out_of_range OR foreign_key_violation
              OR invalid_text_representation OR invalid_parameter_value OR deadlock_detected THEN
                NULL;  -- somebody must be refused, or waited for us: judge them one by one
        END;
    END IF;
    FOR attempt IN 1..5 LOOP
        BEGIN
            SELECT jsonb_agg(jsonb_build_array(j.ordinal, j.outcome, j.detail) ORDER BY j.ordinal),
                   coalesce(array_agg(j.ordinal) FILTER (WHERE j.outcome = 'post'), '{}')
              INTO judged, accepted
              FROM ledger_judge(transfers) j;
            done := '{}'; ids := '{}';
            IF cardinality(accepted) > 0 THEN
                SELECT w.ordinals, w.ids INTO done, ids FROM ledger_write(transfers, accepted) w;
            END IF;
            IF coalesce(cardinality(done), 0) < cardinality(accepted) THEN
                -- Somebody wrote one of our references meanwhile: judge again, knowing it.
                RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'judge again';
            END IF;
            RETURN QUERY
            SELECT (j->>0)::int, transfers->((j->>0)::int - 1)->>'reference',
                   CASE j->>1 WHEN 'post' THEN 'posted' ELSE j->>1 END,
                   CASE WHEN j->>1 IN ('post', 'replayed', 'conflict') THEN t.id END, j->>2
              FROM jsonb_array_elements(judged) j
              LEFT JOIN ledger_transfer t
                ON t.reference = transfers->((j->>0)::int - 1)->>'reference';
            RETURN;
        EXCEPTION
            WHEN serialization_failure OR deadlock_detected OR unique_violation THEN
                IF attempt = 5 THEN RAISE; END IF;
        END;
    END LOOP;
END $$;

-- Lock the accounts of `ids` that refuse something, in the order everybody keeps; what they hold.
CREATE FUNCTION ledger_lock_accounts(ids bigint[])
RETURNS TABLE (account_id bigint, balance_fen bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT id, balance_fen FROM ledger_account
     WHERE id = ANY (ids) AND floor_fen IS NOT NULL ORDER BY lock_rank, id FOR NO KEY UPDATE;
$$;

-- Close a book up to an instant; what is effective before it is refused from then on. Waits for
-- everybody who is writing. A close is never taken back.
CREATE FUNCTION ledger_close(book bigint, until timestamptz, for_good boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7282, book::integer);
    UPDATE ledger_book
       SET closed_until = greatest(closed_until, until),
           state = CASE WHEN for_good THEN 'closed' ELSE state END
     WHERE id = book;
END $$;

REVOKE ALL ON FUNCTION ledger_write(jsonb, int[]), ledger_judge(jsonb), ledger_post_batch(jsonb),
    ledger_lock_accounts(bigint[]), ledger_close(bigint, timestamptz, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION ledger_post_one(
    text, text, text, bigint, timestamptz, text, bigint, bigint, bigint[], bigint[], bigint[]
) FROM PUBLIC;
