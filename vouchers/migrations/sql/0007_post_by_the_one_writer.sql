-- Window money moves by the ledger's one writer. A refusal is an error here: the answers that led
-- to it must go with it.
CREATE FUNCTION vouchers_post_of_window(
    p_window vouchers_claimwindow, p_kind text, p_reference text, p_postings jsonb,
    p_at timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_outcome text;
    v_detail text;
BEGIN
    SELECT outcome, detail INTO v_outcome, v_detail
      FROM ledger_post_batch(jsonb_build_array((
        SELECT jsonb_build_object(
                   'reference', p_reference, 'kind', p_kind, 'book_id', e.book_id,
                   'body_hash', encode(sha256(convert_to(
                       p_kind || p_postings::text, 'UTF8')), 'hex'),
                   'effective_at', p_at, 'policy_version', g.code || '@' || v.number,
                   'postings', p_postings)
          FROM treasury_envelope e, vouchers_policyversion v, vouchers_programme g
         WHERE e.id = p_window.envelope_id AND v.id = p_window.version_id
           AND g.id = v.programme_id)));
    IF v_outcome <> 'posted' THEN
        RAISE EXCEPTION 'window %: % is % (%)', p_window.id, p_reference, v_outcome, v_detail
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_window_moves_what_it_holds';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION vouchers_move_window_money(
    p_window vouchers_claimwindow, p_kind text, p_reference text,
    p_source bigint, p_destination bigint, p_amount_fen bigint, p_at timestamptz
) RETURNS void
LANGUAGE sql AS $$
    SELECT vouchers_post_of_window(
        p_window, p_kind, p_reference,
        jsonb_build_array(jsonb_build_array(p_source, p_destination, p_amount_fen)), p_at)
$$;

-- Make out the vouchers of granted claims, oldest places first, at most p_limit of them; several
-- may run at once and each voucher is made out by one. Returns how many.
CREATE OR REPLACE FUNCTION vouchers_make_out(p_window bigint, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off
AS $$
#variable_conflict use_column
DECLARE
    v_window vouchers_claimwindow%ROWTYPE;
    v_code text;
    v_book bigint;
    v_now timestamptz := vouchers_claim_clock();
    v_answers bigint[];
    v_vouchers bigint[];
    v_accounts bigint[];
    v_fen bigint[];
BEGIN
    SELECT * INTO v_window FROM vouchers_claimwindow WHERE id = p_window;
    SELECT g.code, e.book_id INTO v_code, v_book FROM vouchers_programme g, treasury_envelope e
     WHERE g.id = v_window.programme_id AND e.id = v_window.envelope_id;
    SELECT array_agg(id ORDER BY place), array_agg(granted_fen ORDER BY place)
      INTO v_answers, v_fen
      FROM (SELECT id, place, granted_fen FROM vouchers_windowanswer
             WHERE window_id = p_window AND state = 'granted'
             ORDER BY place LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED) AS taken;
    IF v_answers IS NULL THEN RETURN 0; END IF;

    UPDATE vouchers_windowanswer SET state = 'issued' WHERE id = ANY(v_answers);
    SELECT array_agg(nextval(pg_get_serial_sequence('vouchers_voucher', 'id')) ORDER BY nth)
      INTO v_vouchers FROM generate_subscripts(v_answers, 1) AS nth;
    WITH opened AS (
        INSERT INTO ledger_account (book_id, code, floor_fen, balance_fen)
        SELECT v_book, 'vch:' || v.id || ':' || part, 0, 0
          FROM unnest(v_vouchers) WITH ORDINALITY AS v(id, nth)
         CROSS JOIN unnest(ARRAY['available', 'reserved']) WITH ORDINALITY AS p(part, first)
         ORDER BY p.first, v.nth
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO v_accounts FROM opened;
    INSERT INTO vouchers_voucher
        (id, serial, programme_id, version_id, window_answer_id, holder_id, envelope_id, face_fen,
         available_id, reserved_id, valid_from, valid_until, state)
    SELECT v.id, v_code || '-W' || p_window || '-' || lpad(a.place::text, GREATEST(6, length(a.place::text)), '0'),
           v_window.programme_id, v_window.version_id, a.id, a.enterprise_id, v_window.envelope_id,
           a.granted_fen, v_accounts[v.nth], v_accounts[cardinality(v_vouchers) + v.nth],
           v_now, v_window.valid_until, 'claimed'
      FROM unnest(v_vouchers, v_answers) WITH ORDINALITY AS v(id, answer_id, nth)
      JOIN vouchers_windowanswer a ON a.id = v.answer_id;
    PERFORM vouchers_record_of_window(
        p_window, 'claim_window.vouchers_issued',
        format('{"first_voucher":%s,"last_voucher":%s,"vouchers":%s}',
               v_vouchers[1], v_vouchers[cardinality(v_vouchers)], cardinality(v_vouchers)),
        v_now);
    PERFORM vouchers_post_of_window(
        v_window, 'issue', format('window:%s:issue:%s', p_window, v_vouchers[1]),
        (SELECT jsonb_agg(jsonb_build_array(v_window.granted_id, v_accounts[nth], v_fen[nth]))
           FROM generate_subscripts(v_fen, 1) AS nth),
        v_now);
    RETURN cardinality(v_vouchers);
END $$;

-- A lookup for each claim of a batch, however many the window has answered.
ALTER FUNCTION vouchers_claim_batch(bigint, bigint[], bigint[], text[], text[], bigint[])
    SET enable_material TO off;
ALTER FUNCTION vouchers_claim_batch(bigint, bigint[], bigint[], text[], text[], bigint[])
    SET enable_bitmapscan TO off;
