-- Redeem at once: what vouchers pay for orders, a batch in one call. A single one is a batch of one.
-- Its contract is told in vouchers/actions/redeem_vouchers.py.

-- What each of `requests` is about, and why it is refused before any balance is looked at. `turn`
-- counts those that name the same order; `alike` says whether one asks what the first of them did.
CREATE FUNCTION redeem_asked(requests jsonb, at timestamptz)
RETURNS TABLE (
    ordinal bigint, order_reference text, voucher_id bigint, provider_id bigint, amount_fen bigint,
    person_id bigint, organization_id bigint, label text, version_id bigint, envelope_id bigint,
    book_id bigint, version text, available_id bigint, earned_id bigint, quota_id bigint,
    used_id bigint, redeemed_id bigint, refused text, detail text, turn bigint, alike boolean)
LANGUAGE sql STABLE AS $$
    SELECT ordinal, order_reference, voucher_id, provider_id, amount_fen, person_id,
           organization_id, label, version_id, envelope_id, book_id, version, available_id,
           earned_id, quota_id, used_id, redeemed_id, refused, detail, row_number() OVER same,
           (voucher_id, provider_id, amount_fen) IS NOT DISTINCT FROM (
               first_value(voucher_id) OVER same, first_value(provider_id) OVER same,
               first_value(amount_fen) OVER same)
      FROM (
        SELECT q.*, v.version_id, v.available_id, v.envelope_id, v.book_id, v.version,
               v.quota_id, v.used_id, earned.id AS earned_id, r.id AS redeemed_id,
               CASE
                 WHEN r.id IS NOT NULL THEN CASE WHEN r.alike THEN 'replayed' ELSE 'conflict' END
                 WHEN v.holder_id IS NULL OR v.holder_id IS DISTINCT FROM q.organization_id
                   THEN 'not_the_holder'
                 WHEN v.state <> 'claimed' THEN 'not_usable'
                 WHEN at >= v.valid_until THEN 'expired'
                 WHEN earned.id IS NULL AND NOT EXISTS (
                      SELECT 1 FROM identity_organization o
                       WHERE o.id = q.provider_id AND o.kind = 'provider' OFFSET 0)
                   THEN 'no_such_provider'
                 WHEN q.amount_fen IS NULL OR q.amount_fen NOT BETWEEN 1 AND 9007199254740991
                   THEN 'invalid'
               END AS refused,
               CASE WHEN r.id IS NOT NULL THEN NULL WHEN v.state <> 'claimed' THEN v.state
                    WHEN at >= v.valid_until THEN v.valid_until::text END AS detail
          FROM ROWS FROM (jsonb_to_recordset(requests) AS (
                   voucher_id bigint, order_reference text, provider_id bigint,
                   amount_fen bigint, person_id bigint, organization_id bigint, label text
               )) WITH ORDINALITY AS q (voucher_id, order_reference, provider_id, amount_fen,
                                        person_id, organization_id, label, ordinal)
          -- LIMIT keeps each look-up by its key, whatever the statistics say.
          LEFT JOIN LATERAL (
              SELECT r.id, (r.voucher_id, r.provider_id, r.reserved_fen)
                           = (q.voucher_id, q.provider_id, q.amount_fen) AS alike
                FROM vouchers_redemption r WHERE r.order_reference = q.order_reference LIMIT 1
          ) r ON true
          LEFT JOIN LATERAL (
              SELECT v.version_id, v.available_id, v.envelope_id, v.holder_id, v.state,
                     v.valid_until, e.book_id, g.code || '@' || pv.number AS version,
                     quota.id AS quota_id, used.id AS used_id
                FROM vouchers_voucher v
                JOIN treasury_envelope e ON e.id = v.envelope_id
                JOIN vouchers_policyversion pv ON pv.id = v.version_id
                JOIN vouchers_programme g ON g.id = pv.programme_id
                LEFT JOIN ledger_account quota ON quota.book_id = e.book_id
                     AND quota.code = 'env:' || e.id || ':quota'
                LEFT JOIN ledger_account used ON used.book_id = quota.book_id
                     AND used.code = 'quota:' || e.id || ':used'
               WHERE v.id = q.voucher_id LIMIT 1
          ) v ON true
          LEFT JOIN LATERAL (
              SELECT a.id FROM ledger_account a WHERE a.book_id = v.book_id
                 AND a.code = 'rdm:' || v.envelope_id || '-' || q.provider_id || ':earned' LIMIT 1
          ) earned ON true
        OFFSET 0
      ) known
    WINDOW same AS (PARTITION BY order_reference, refused IS NULL ORDER BY ordinal)
$$;

-- The body of a redemption's transfer, hashed: what a repetition must say again.
CREATE FUNCTION redeem_hash(voucher_id bigint, provider_id bigint, amount_fen bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(
        concat_ws(':', voucher_id, provider_id, amount_fen), 'UTF8')), 'hex')
$$;

-- The canonical JSON (audit/canonical.py) of a redemption's event and of its data.
CREATE FUNCTION redeem_event(
    order_reference text, voucher_id bigint, provider_id bigint, amount_fen bigint, person_id bigint,
    organization_id bigint, label text, redemption_id bigint, at timestamptz)
RETURNS TABLE (data text, body text)
LANGUAGE sql STABLE AS $$
    SELECT said.data, format(
               '{"actor_label":%s,"data":%s,"kind":"redemption.redeemed","occurred_at":"%s",'
               '"organization_id":%s,"person_id":%s,"subject_id":"%s",'
               '"subject_type":"vouchers.redemption"}',
               to_json(label), said.data,
               to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
               coalesce(organization_id::text, 'null'), coalesce(person_id::text, 'null'),
               redemption_id)
      FROM (SELECT format(
                '{"amount_fen":%s,"order_reference":%s,"provider_id":%s,"voucher_id":%s}',
                amount_fen, to_json(order_reference), provider_id, voucher_id) AS data) said
$$;

CREATE FUNCTION redeem_batch(requests jsonb, at timestamptz)
RETURNS TABLE (ordinal int, order_reference text, outcome text, redemption_id bigint, detail text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    ordinals int[];
    orders text[];
    outcomes text[];
    ids bigint[];
    details text[];
BEGIN
    -- As if no balance were short: one statement, guarded by constraints and triggers.
    BEGIN
        WITH asked AS MATERIALIZED (
            SELECT a.*, CASE WHEN new THEN nextval('ledger_transfer_id_seq') END AS transfer_id,
                   CASE WHEN new THEN nextval('vouchers_redemption_id_seq') END AS new_id
              FROM redeem_asked(requests, at) a, LATERAL (SELECT refused IS NULL AND turn = 1) n (new)
        ), posted AS (
            -- PostgreSQL begins with the last of these and ends here: the busy row of a quota is
            -- held from now to the commit.
            INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)
            SELECT transfer_id, available_id, earned_id, amount_fen
              FROM asked WHERE transfer_id IS NOT NULL
            UNION ALL
            SELECT transfer_id, quota_id, used_id, amount_fen
              FROM asked WHERE transfer_id IS NOT NULL AND quota_id IS NOT NULL
        ), moved AS (
            INSERT INTO ledger_transfer (id, reference, body_hash, kind, book_id, effective_at,
                                         policy_version, person_id, transaction_id)
            SELECT transfer_id, 'redemption:' || order_reference || ':redeem',
                   redeem_hash(voucher_id, provider_id, amount_fen), 'redeem', book_id, at,
                   version, person_id, txid_current()
              FROM asked WHERE transfer_id IS NOT NULL
        ), redeemed AS (
            INSERT INTO vouchers_redemption (id, voucher_id, version_id, order_reference,
                provider_id, transfer_id, earned_id, reserved_fen, committed_fen, returned_fen,
                reserved_at, state)
            SELECT new_id, voucher_id, version_id, order_reference, provider_id, transfer_id,
                   earned_id, amount_fen, amount_fen, 0, at, 'committed'
              FROM asked WHERE transfer_id IS NOT NULL
        ), recorded AS (
            INSERT INTO audit_auditevent (kind, subject_type, subject_id, person_id,
                organization_id, actor_label, occurred_at, data, body)
            SELECT 'redemption.redeemed', 'vouchers.redemption', a.new_id::text, a.person_id,
                   a.organization_id, a.label, at, said.data::jsonb, said.body
              FROM asked a, redeem_event(a.order_reference, a.voucher_id, a.provider_id,
                   a.amount_fen, a.person_id, a.organization_id, a.label, a.new_id, at) said
             WHERE a.transfer_id IS NOT NULL
        )
        SELECT array_agg(ordinal), array_agg(order_reference),
               array_agg(CASE WHEN refused IS NOT NULL THEN refused WHEN turn = 1 THEN 'redeemed'
                              WHEN alike THEN 'replayed' ELSE 'conflict' END),
               array_agg(CASE WHEN refused = 'replayed' THEN redeemed_id WHEN turn = 1 THEN new_id
                              WHEN alike THEN (SELECT f.new_id FROM asked f
                                                WHERE f.order_reference = a.order_reference
                                                  AND f.new_id IS NOT NULL) END),
               array_agg(detail)
          INTO ordinals, orders, outcomes, ids, details
          FROM asked a;
        RETURN QUERY SELECT * FROM unnest(ordinals, orders, outcomes, ids, details);
    EXCEPTION
        WHEN check_violation OR unique_violation OR not_null_violation
          OR numeric_value_out_of_range OR deadlock_detected THEN
            RETURN QUERY SELECT * FROM redeem_one_by_one(requests, at);
    END;
END $$;

-- The same, answered as if they came one by one: what is refused for want of money says so.
CREATE FUNCTION redeem_one_by_one(requests jsonb, at timestamptz)
RETURNS TABLE (ordinal int, order_reference text, outcome text, redemption_id bigint, detail text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    judged jsonb;  -- for each request: why it is refused, or what it is about
    transfers jsonb;
BEGIN
    FOR attempt IN 1..2 LOOP
        WITH numbered AS (
            SELECT a.*, CASE WHEN refused IS NULL
                             THEN row_number() OVER (PARTITION BY refused IS NULL ORDER BY ordinal)
                        END AS place
              FROM redeem_asked(requests, at) a
        )
        SELECT jsonb_agg(to_jsonb(n) ORDER BY n.ordinal),
               jsonb_agg(jsonb_build_object(
                   'reference', 'redemption:' || n.order_reference || ':redeem',
                   'body_hash', redeem_hash(n.voucher_id, n.provider_id, n.amount_fen),
                   'kind', 'redeem', 'book_id', n.book_id, 'effective_at', at,
                   'policy_version', n.version, 'person_id', n.person_id,
                   'postings', jsonb_build_array(jsonb_build_array(
                       n.available_id, n.earned_id, n.amount_fen))
                       || CASE WHEN n.quota_id IS NULL THEN '[]' ELSE jsonb_build_array(
                            jsonb_build_array(n.quota_id, n.used_id, n.amount_fen)) END
               ) ORDER BY n.place) FILTER (WHERE n.refused IS NULL)
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
               CASE WHEN j->>'refused' = 'replayed' THEN (j->>'redeemed_id')::bigint END,
               j->>'detail'
          FROM jsonb_array_elements(judged) j;
        RETURN;
    END IF;

    RETURN QUERY
    WITH n AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(judged) AS (
            ordinal int, place int, order_reference text, refused text, detail text,
            redeemed_id bigint, voucher_id bigint, version_id bigint, provider_id bigint,
            amount_fen bigint, earned_id bigint, person_id bigint, organization_id bigint,
            label text)
    ), posted AS MATERIALIZED (
        SELECT p.ordinal AS place, p.outcome, p.transfer_id, p.detail
          FROM ledger_post_batch(transfers) p
    ), redeemed AS (
        INSERT INTO vouchers_redemption (voucher_id, version_id, order_reference, provider_id,
            transfer_id, earned_id, reserved_fen, committed_fen, returned_fen, reserved_at, state)
        SELECT n.voucher_id, n.version_id, n.order_reference, n.provider_id, p.transfer_id,
               n.earned_id, n.amount_fen, n.amount_fen, 0, at, 'committed'
          FROM n JOIN posted p USING (place) WHERE p.outcome = 'posted'
        RETURNING id, order_reference
    ), recorded AS (
        INSERT INTO audit_auditevent (kind, subject_type, subject_id, person_id, organization_id,
                                      actor_label, occurred_at, data, body)
        SELECT 'redemption.redeemed', 'vouchers.redemption', r.id::text, n.person_id,
               n.organization_id, n.label, at, said.data::jsonb, said.body
          FROM redeemed r JOIN n USING (order_reference) JOIN posted p USING (place),
               redeem_event(n.order_reference, n.voucher_id, n.provider_id, n.amount_fen,
                            n.person_id, n.organization_id, n.label, r.id, at) said
         WHERE p.outcome = 'posted'
    )
    SELECT n.ordinal, n.order_reference,
           CASE WHEN n.refused IS NOT NULL THEN n.refused
                WHEN p.outcome = 'posted' THEN 'redeemed'
                WHEN p.outcome = 'insufficient' AND p.detail NOT LIKE 'vch:%' THEN 'quota_spent'
                WHEN p.outcome = 'insufficient' THEN 'exhausted'
                ELSE p.outcome END,
           -- A repetition of what another caller wrote a moment ago is looked up by its transfer.
           coalesce(CASE WHEN n.refused = 'replayed' THEN n.redeemed_id END, r.id),
           coalesce(n.detail, p.detail)
      FROM n LEFT JOIN posted p USING (place)
      LEFT JOIN redeemed r ON r.order_reference = n.order_reference
           AND p.outcome IN ('posted', 'replayed');
END $$;
REVOKE ALL ON FUNCTION redeem_batch(jsonb, timestamptz), redeem_one_by_one(jsonb, timestamptz),
    redeem_asked(jsonb, timestamptz), redeem_hash(bigint, bigint, bigint),
    redeem_event(text, bigint, bigint, bigint, bigint, bigint, text, bigint, timestamptz)
    FROM PUBLIC;
