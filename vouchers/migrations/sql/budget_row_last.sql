-- `redeem_batch` of redeem_batch.sql, with the posting of the busy quota moved to the end of a single
-- redemption: its row is held only for the commit, not while redemption and event are written.
CREATE OR REPLACE FUNCTION redeem_batch(requests jsonb, at timestamptz)
RETURNS TABLE (ordinal int, order_reference text, outcome text, redemption_id bigint, detail text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off
SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    judged jsonb;  -- for each request: why it is refused, or what it is about
    transfers jsonb;
    said_at text := to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
    q record;  -- the only request
    v record;  -- what it is about
    v_transfer bigint;
    v_id bigint;
    v_data text;
BEGIN
    -- A single request that nothing speaks against needs no judging.
    IF jsonb_array_length(requests) = 1 THEN
        SELECT * INTO q FROM jsonb_to_record(requests->0) AS (
            voucher_id bigint, order_reference text, provider_id bigint, amount_fen bigint,
            person_id bigint, organization_id bigint, label text);
        SELECT w.version_id, w.available_id, w.state, w.holder_id, w.valid_until, e.book_id,
               (SELECT g.code || '@' || pv.number FROM vouchers_policyversion pv
                  JOIN vouchers_programme g ON g.id = pv.programme_id
                 WHERE pv.id = w.version_id) AS version,
               (SELECT id FROM ledger_account a WHERE a.book_id = e.book_id AND a.code =
                   'rdm:' || e.id || '-' || q.provider_id || ':earned') AS earned_id,
               (SELECT id FROM ledger_account a WHERE a.book_id = e.book_id
                   AND a.code = 'env:' || e.id || ':quota') AS quota_id,
               (SELECT id FROM ledger_account a WHERE a.book_id = e.book_id
                   AND a.code = 'quota:' || e.id || ':used') AS used_id
          INTO v
          FROM vouchers_voucher w JOIN treasury_envelope e ON e.id = w.envelope_id
         WHERE w.id = q.voucher_id;
        IF v.earned_id IS NOT NULL AND v.holder_id = q.organization_id AND v.state = 'claimed'
           AND at < v.valid_until THEN
            BEGIN
                v_transfer := ledger_post_one(
                    'redemption:' || q.order_reference || ':redeem',
                    encode(sha256(convert_to(concat_ws(
                        ':', q.voucher_id, q.provider_id, q.amount_fen), 'UTF8')), 'hex'),
                    'redeem', v.book_id, at, v.version, NULL, q.person_id,
                    ARRAY[v.available_id], ARRAY[v.earned_id], ARRAY[q.amount_fen]);
                IF v_transfer IS NOT NULL THEN
                    INSERT INTO vouchers_redemption (voucher_id, version_id, order_reference,
                        provider_id, transfer_id, earned_id, reserved_fen, committed_fen,
                        returned_fen, reserved_at, state)
                    VALUES (q.voucher_id, v.version_id, q.order_reference, q.provider_id,
                            v_transfer, v.earned_id, q.amount_fen, q.amount_fen, 0, at,
                            'committed')
                    RETURNING id INTO v_id;
                    v_data := format(
                        '{"amount_fen":%s,"order_reference":%s,"provider_id":%s,"voucher_id":%s}',
                        q.amount_fen, to_json(q.order_reference), q.provider_id, q.voucher_id);
                    INSERT INTO audit_auditevent (kind, subject_type, subject_id, person_id,
                        organization_id, actor_label, occurred_at, data, body)
                    VALUES ('redemption.redeemed', 'vouchers.redemption', v_id::text, q.person_id,
                        q.organization_id, q.label, at, v_data::jsonb, format(
                        '{"actor_label":%s,"data":%s,"kind":"redemption.redeemed",'
                        '"occurred_at":"%s","organization_id":%s,"person_id":%s,'
                        '"subject_id":"%s","subject_type":"vouchers.redemption"}',
                        to_json(q.label), v_data, said_at,
                        coalesce(q.organization_id::text, 'null'),
                        coalesce(q.person_id::text, 'null'), v_id));
                    -- The row everybody waits for comes last: it is held from here to the commit.
                    IF v.quota_id IS NOT NULL THEN
                        INSERT INTO ledger_posting
                               (transfer_id, source_id, destination_id, amount_fen)
                        VALUES (v_transfer, v.quota_id, v.used_id, q.amount_fen);
                    END IF;
                    RETURN QUERY SELECT 1, q.order_reference, 'redeemed', v_id, NULL::text;
                    RETURN;
                END IF;
            EXCEPTION
                WHEN check_violation OR unique_violation OR not_null_violation
                  OR numeric_value_out_of_range OR deadlock_detected THEN
                    NULL;  -- refused: say why, below
            END;
        END IF;
    END IF;
    FOR attempt IN 1..2 LOOP
        WITH asked AS MATERIALIZED (
            SELECT q.*, v.version_id, v.available_id, v.serial, e.id AS envelope_id, e.book_id,
                   g.code || '@' || pv.number AS version, earned.id AS earned_id,
                   quota.id AS quota_id, used.id AS used_id,
                   CASE
                     WHEN r.id IS NOT NULL THEN
                       CASE WHEN r.voucher_id = q.voucher_id AND r.reserved_fen = q.amount_fen
                             AND r.provider_id = q.provider_id
                            THEN 'replayed' ELSE 'conflict' END
                     WHEN v.id IS NULL OR v.holder_id IS DISTINCT FROM q.organization_id
                       THEN 'not_the_holder'
                     WHEN v.state <> 'claimed' THEN 'not_usable'
                     WHEN at >= v.valid_until THEN 'expired'
                     WHEN o.id IS NULL THEN 'no_such_provider'
                     WHEN q.amount_fen IS NULL OR q.amount_fen NOT BETWEEN 1 AND 9007199254740991
                       THEN 'invalid'
                   END AS refused,
                   CASE WHEN r.id IS NOT NULL THEN NULL WHEN v.state <> 'claimed' THEN v.state
                        WHEN at >= v.valid_until THEN v.valid_until::text END AS detail,
                   r.id AS redemption_id
              FROM ROWS FROM (jsonb_to_recordset(requests) AS (
                       voucher_id bigint, order_reference text, provider_id bigint,
                       amount_fen bigint, person_id bigint, organization_id bigint, label text
                   )) WITH ORDINALITY AS q (voucher_id, order_reference, provider_id, amount_fen,
                                            person_id, organization_id, label, ordinal)
              LEFT JOIN vouchers_redemption r ON r.order_reference = q.order_reference
              LEFT JOIN vouchers_voucher v ON v.id = q.voucher_id
              LEFT JOIN treasury_envelope e ON e.id = v.envelope_id
              LEFT JOIN vouchers_policyversion pv ON pv.id = v.version_id
              LEFT JOIN vouchers_programme g ON g.id = pv.programme_id
              LEFT JOIN identity_organization o ON o.id = q.provider_id AND o.kind = 'provider'
              LEFT JOIN ledger_account earned ON earned.book_id = e.book_id
                   AND earned.code = 'rdm:' || e.id || '-' || q.provider_id || ':earned'
              LEFT JOIN ledger_account quota ON quota.book_id = e.book_id
                   AND quota.code = 'env:' || e.id || ':quota'
              LEFT JOIN ledger_account used ON used.book_id = e.book_id
                   AND used.code = 'quota:' || e.id || ':used'
        ), numbered AS (
            SELECT a.*, CASE WHEN refused IS NULL
                             THEN row_number() OVER (PARTITION BY refused IS NULL ORDER BY ordinal)
                        END AS turn
              FROM asked a
        )
        SELECT jsonb_agg(to_jsonb(n) ORDER BY n.ordinal),
               jsonb_agg(jsonb_build_object(
                   'reference', 'redemption:' || n.order_reference || ':redeem',
                   'body_hash', encode(sha256(convert_to(concat_ws(
                       ':', n.voucher_id, n.provider_id, n.amount_fen), 'UTF8')), 'hex'),
                   'kind', 'redeem', 'book_id', n.book_id, 'effective_at', at,
                   'policy_version', n.version, 'person_id', n.person_id,
                   'postings', jsonb_build_array(jsonb_build_array(
                       n.available_id, n.earned_id, n.amount_fen))
                       || CASE WHEN n.quota_id IS NULL THEN '[]' ELSE jsonb_build_array(
                            jsonb_build_array(n.quota_id, n.used_id, n.amount_fen)) END
               ) ORDER BY n.turn) FILTER (WHERE n.refused IS NULL)
          INTO judged, transfers
          FROM numbered n;
        EXIT WHEN transfers IS NULL OR NOT transfers @? '$[*].postings[0][1] ? (@ == null)';
        -- The first redemption of this provider under this envelope.
        INSERT INTO ledger_account (book_id, code, floor_fen, balance_fen)
        SELECT DISTINCT (j->>'book_id')::bigint,
               'rdm:' || (j->>'envelope_id') || '-' || (j->>'provider_id') || ':earned', 0, 0
          FROM jsonb_array_elements(judged) j
         WHERE j->>'refused' IS NULL AND j->>'earned_id' IS NULL
         ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    END LOOP;

    IF transfers IS NULL THEN
        RETURN QUERY
        SELECT (j->>'ordinal')::int, j->>'order_reference', j->>'refused',
               CASE WHEN j->>'refused' = 'replayed' THEN (j->>'redemption_id')::bigint END,
               j->>'detail'
          FROM jsonb_array_elements(judged) j;
        RETURN;
    END IF;

    RETURN QUERY
    WITH n AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(judged) AS (
            ordinal int, turn int, order_reference text, refused text, detail text,
            redemption_id bigint, voucher_id bigint, version_id bigint, provider_id bigint,
            amount_fen bigint, earned_id bigint, available_id bigint, serial text,
            person_id bigint, organization_id bigint, label text)
    ), posted AS MATERIALIZED (
        SELECT p.ordinal AS turn, p.outcome, p.transfer_id, p.detail
          FROM ledger_post_batch(transfers) p
    ), redeemed AS (
        INSERT INTO vouchers_redemption (voucher_id, version_id, order_reference, provider_id,
            transfer_id, earned_id, reserved_fen, committed_fen, returned_fen, reserved_at, state)
        SELECT n.voucher_id, n.version_id, n.order_reference, n.provider_id, p.transfer_id,
               n.earned_id, n.amount_fen, n.amount_fen, 0, at, 'committed'
          FROM n JOIN posted p USING (turn) WHERE p.outcome = 'posted'
        RETURNING id, order_reference
    ), recorded AS (
        INSERT INTO audit_auditevent (kind, subject_type, subject_id, person_id, organization_id,
                                      actor_label, occurred_at, data, body)
        SELECT 'redemption.redeemed', 'vouchers.redemption', r.id::text, n.person_id,
               n.organization_id, n.label, at, said.data::jsonb,
               format('{"actor_label":%s,"data":%s,"kind":"redemption.redeemed","occurred_at":"%s",'
                      '"organization_id":%s,"person_id":%s,"subject_id":"%s",'
                      '"subject_type":"vouchers.redemption"}',
                      to_json(n.label), said.data, said_at,
                      coalesce(n.organization_id::text, 'null'),
                      coalesce(n.person_id::text, 'null'), r.id)
          FROM redeemed r JOIN n USING (order_reference) JOIN posted p USING (turn),
               LATERAL (SELECT format(
                   '{"amount_fen":%s,"order_reference":%s,"provider_id":%s,"voucher_id":%s}',
                   n.amount_fen, to_json(n.order_reference), n.provider_id, n.voucher_id)
               ) AS said (data)
         WHERE p.outcome = 'posted'
    )
    SELECT n.ordinal, n.order_reference,
           CASE WHEN n.refused IS NOT NULL THEN n.refused
                WHEN p.outcome = 'posted' THEN 'redeemed'
                WHEN p.outcome = 'insufficient' AND p.detail NOT LIKE 'vch:%' THEN 'quota_spent'
                WHEN p.outcome = 'insufficient' THEN 'exhausted'
                ELSE p.outcome END,
           -- A repetition of what another caller wrote a moment ago is looked up by its transfer.
           coalesce(CASE WHEN n.refused = 'replayed' THEN n.redemption_id END, r.id),
           coalesce(n.detail, p.detail)
      FROM n LEFT JOIN posted p USING (turn)
      LEFT JOIN redeemed r ON r.order_reference = n.order_reference
           AND p.outcome IN ('posted', 'replayed');
END $$;
