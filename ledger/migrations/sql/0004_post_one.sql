-- Quicker: the inner functions take their settings from the one that is called, a single transfer
-- has a way of its own, and no plan hashes a table to find one row.

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
REVOKE ALL ON FUNCTION ledger_post_one(
    text, text, text, bigint, timestamptz, text, bigint, bigint, bigint[], bigint[], bigint[]
) FROM PUBLIC;

-- A busy balance is updated in place: room for its next version on the same page, cleaned often.
ALTER TABLE ledger_account SET (fillfactor = 60);

ALTER FUNCTION ledger_write(jsonb, int[]) RESET ALL;
ALTER FUNCTION ledger_judge(jsonb) RESET ALL;

CREATE OR REPLACE FUNCTION ledger_post_batch(transfers jsonb)
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
