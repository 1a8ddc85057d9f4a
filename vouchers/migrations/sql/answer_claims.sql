-- How a claim window answers. Every decision of a window is taken under the lock on its row, so the
-- order of places is the order of decisions; the ledger's accounts are touched last.

-- The only clock of a window. A function of its own, so that a test can set it.
CREATE FUNCTION vouchers_claim_clock() RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;

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

-- One movement of a window's money: a transfer with one posting, under the window's terms.
CREATE FUNCTION vouchers_move_window_money(
    p_window vouchers_claimwindow, p_kind text, p_reference text,
    p_source bigint, p_destination bigint, p_amount_fen bigint, p_at timestamptz
) RETURNS void
LANGUAGE sql AS $$
    SELECT vouchers_post_of_window(
        p_window, p_kind, p_reference,
        jsonb_build_array(jsonb_build_array(p_source, p_destination, p_amount_fen)), p_at)
$$;

-- An audit event of the system about a window, in canonical JSON (keys sorted, no spaces).
-- p_data is canonical JSON itself.
CREATE FUNCTION vouchers_record_of_window(
    p_window bigint, p_kind text, p_data text, p_at timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_auditevent
        (kind, subject_type, subject_id, actor_label, occurred_at, data, body)
    VALUES (
        p_kind, 'vouchers.claimwindow', p_window::text, 'system', p_at, p_data::jsonb,
        format(
            '{"actor_label":"system","data":%s,"kind":"%s","occurred_at":"%s",'
            || '"organization_id":null,"person_id":null,"subject_id":"%s",'
            || '"subject_type":"vouchers.claimwindow"}',
            p_data, p_kind,
            to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'), p_window
        )
    );
END $$;

-- Why a window takes no claim at p_at; NULL when it does. The envelope and the programme are
-- locked against a freeze until the commit, so a freeze falls between batches, never into one.
CREATE FUNCTION vouchers_why_not_open(p_window vouchers_claimwindow, p_at timestamptz)
RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    IF p_window.state = 'drafted' THEN RETURN 'no_such_window'; END IF;
    IF p_window.state <> 'open' OR p_at >= p_window.closes_at THEN RETURN 'window_over'; END IF;
    IF p_at < p_window.opens_at THEN RETURN 'window_not_open_yet'; END IF;
    PERFORM 1 FROM treasury_envelope e, vouchers_programme g
      WHERE e.id = p_window.envelope_id AND e.state = 'open'
        AND g.id = p_window.programme_id AND g.state = 'active'
        FOR SHARE;
    IF NOT FOUND THEN RETURN 'window_suspended'; END IF;
    RETURN NULL;
END $$;

-- Answer a batch of claims on one window. Arrays run in the order of arrival, one entry a claim.
-- An enterprise that was answered before, or twice in this batch, gets its first answer again.
-- A claim that cannot be answered carries an `outcome` that names why and leaves no trace; it
-- never disturbs its neighbors.
CREATE FUNCTION vouchers_claim_batch(
    p_window bigint, p_enterprises bigint[], p_people bigint[], p_keys text[], p_hashes text[],
    p_amounts bigint[]
) RETURNS TABLE (
    "position" bigint, outcome text, replayed boolean, answer_id bigint, state text, place bigint,
    asked_fen bigint, granted_fen bigint, left_fen bigint, arrived_at timestamptz,
    answered_at timestamptz
)
LANGUAGE plpgsql
-- A plan made while the tables were empty must not be a scan of them once they are full.
SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off
SET enable_material TO off SET enable_bitmapscan TO off
AS $$
#variable_conflict use_column
DECLARE
    v_window vouchers_claimwindow%ROWTYPE;
    v_now timestamptz := vouchers_claim_clock();
    v_refused text;
    v_left bigint;
    v_somebody_waits boolean;
    v_answers bigint := 0;
    v_granted bigint := 0;
    v_granted_fen bigint := 0;
    v_first_answer bigint := 9223372036854775807;
    v_digest text;
BEGIN
    SELECT * INTO v_window FROM vouchers_claimwindow WHERE id = p_window FOR NO KEY UPDATE;
    v_refused := CASE WHEN NOT FOUND THEN 'no_such_window'
                      ELSE vouchers_why_not_open(v_window, v_now) END;
    IF v_refused IS NULL THEN
        v_now := GREATEST(v_now, v_window.last_arrival_at);  -- should the clock step back
        SELECT balance_fen INTO v_left FROM ledger_account WHERE id = v_window.remaining_id;
        v_somebody_waits := EXISTS (
            SELECT 1 FROM vouchers_windowanswer a
             WHERE a.window_id = p_window AND a.state = 'waiting');

        WITH asked AS (
            SELECT * FROM unnest(p_enterprises, p_people, p_keys, p_hashes, p_amounts)
              WITH ORDINALITY AS q(enterprise_id, person_id, key, hash, amount_fen, nth)
        ), firsts AS (
            SELECT DISTINCT ON (q.enterprise_id) q.* FROM asked q ORDER BY q.enterprise_id, q.nth
        ), fresh AS (
            SELECT f.*, COALESCE(f.amount_fen, m.amount_fen) AS wanted_fen
              FROM firsts f
              JOIN vouchers_windowadmission m
                ON m.window_id = p_window AND m.enterprise_id = f.enterprise_id
             WHERE COALESCE(f.amount_fen, m.amount_fen) <= m.amount_fen
               AND NOT EXISTS (
                    SELECT 1 FROM vouchers_windowanswer a
                     WHERE a.window_id = p_window AND a.enterprise_id = f.enterprise_id)
        ), in_line AS (
            SELECT f.*, row_number() OVER line AS turn,
                   -- What is left at this claim's turn; once one waits, nobody passes it.
                   CASE WHEN v_somebody_waits THEN 0
                        ELSE GREATEST(v_left - (sum(wanted_fen) OVER line - wanted_fen), 0)
                   END::bigint AS reach_fen
              FROM fresh f WINDOW line AS (ORDER BY f.nth)
        ), decided AS (
            SELECT i.*,
                   CASE WHEN v_window."order" = 'lottery' THEN NULL
                        WHEN reach_fen >= wanted_fen THEN wanted_fen
                        WHEN v_window.remainder = 'partial' AND reach_fen > 0 THEN reach_fen
                   END AS given_fen
              FROM in_line i
        ), written AS (
            INSERT INTO vouchers_windowanswer
                (window_id, enterprise_id, person_id, request_key, request_hash, asked_fen,
                 granted_fen, left_fen, place, arrived_at, decided_at, state)
            SELECT p_window, d.enterprise_id, d.person_id, d.key, d.hash, d.wanted_fen,
                   d.given_fen,
                   CASE WHEN v_window."order" = 'first_come' THEN d.reach_fen END,
                   CASE WHEN v_window."order" = 'first_come'
                        THEN v_window.places_taken + d.turn END,
                   v_now,
                   CASE WHEN d.given_fen IS NOT NULL THEN v_now END,
                   CASE WHEN v_window."order" = 'lottery' THEN 'entered'
                        WHEN d.given_fen IS NULL THEN 'waiting' ELSE 'granted' END
              FROM decided d ORDER BY d.turn
            RETURNING id, enterprise_id, place, state, granted_fen
        )
        SELECT count(*), count(w.granted_fen), COALESCE(sum(w.granted_fen), 0),
               COALESCE(min(w.id), v_first_answer),
               encode(sha256(convert_to(string_agg(concat_ws(
                   ' ', w.enterprise_id, w.state, COALESCE(w.place, 0),
                   COALESCE(w.granted_fen, 0)), E'\n' ORDER BY w.id), 'UTF8')), 'hex')
          INTO v_answers, v_granted, v_granted_fen, v_first_answer, v_digest
          FROM written w;
    END IF;

    IF v_answers > 0 THEN
        UPDATE vouchers_claimwindow
           SET places_taken = places_taken + v_answers, last_arrival_at = v_now
         WHERE id = p_window;
        PERFORM vouchers_record_of_window(
            p_window, 'claim_window.answered',
            format(
                '{"answers":%s,"answers_digest":"%s","first_answer":%s,"granted":%s,'
                || '"granted_fen":%s}',
                v_answers, v_digest, v_first_answer, v_granted, v_granted_fen),
            v_now);
        IF v_granted_fen > 0 THEN
            PERFORM vouchers_move_window_money(
                v_window, 'grant', format('window:%s:grant:%s', p_window, v_first_answer),
                v_window.remaining_id, v_window.granted_id, v_granted_fen, v_now);
        END IF;
    END IF;

    RETURN QUERY
    SELECT q.nth,
           CASE WHEN a.id IS NOT NULL AND a.request_key = q.key AND a.request_hash <> q.hash
                     THEN 'key_reused'
                WHEN a.id IS NOT NULL THEN 'answered'
                WHEN v_refused IS NOT NULL THEN v_refused
                WHEN m.id IS NULL THEN 'not_admitted'
                ELSE 'beyond_admission' END,
           a.id < v_first_answer
               OR row_number() OVER (PARTITION BY q.enterprise_id ORDER BY q.nth) > 1,
           a.id, a.state, a.place, a.asked_fen, a.granted_fen, a.left_fen, a.arrived_at, v_now
      FROM unnest(p_enterprises, p_keys, p_hashes)
           WITH ORDINALITY AS q(enterprise_id, key, hash, nth)
      LEFT JOIN vouchers_windowanswer a
        ON a.window_id = p_window AND a.enterprise_id = q.enterprise_id
      LEFT JOIN vouchers_windowadmission m
        ON a.id IS NULL AND m.window_id = p_window AND m.enterprise_id = q.enterprise_id
     ORDER BY q.nth;
END $$;

-- Serve the waiting list in the order of places from what is left. Returns how many were granted.
CREATE FUNCTION vouchers_promote_waiting(p_window bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_window vouchers_claimwindow%ROWTYPE;
    v_now timestamptz := vouchers_claim_clock();
    v_left bigint;
    v_granted bigint;
    v_granted_fen bigint;
    v_last_place bigint;
BEGIN
    SELECT * INTO v_window FROM vouchers_claimwindow WHERE id = p_window FOR NO KEY UPDATE;
    IF v_window.state NOT IN ('open', 'drawn') THEN RETURN 0; END IF;
    SELECT balance_fen INTO v_left FROM ledger_account WHERE id = v_window.remaining_id;
    IF v_left = 0 THEN RETURN 0; END IF;
    WITH in_line AS (
        SELECT id, asked_fen,
               GREATEST(v_left - (sum(asked_fen) OVER (ORDER BY place) - asked_fen), 0)::bigint
                   AS reach_fen
          FROM vouchers_windowanswer WHERE window_id = p_window AND state = 'waiting'
    ), served AS (
        UPDATE vouchers_windowanswer a
           SET state = 'granted', granted_fen = LEAST(i.reach_fen, a.asked_fen),
               left_fen = i.reach_fen, decided_at = v_now
          FROM in_line i
         WHERE a.id = i.id AND i.reach_fen > 0
           AND (i.reach_fen >= a.asked_fen OR v_window.remainder = 'partial')
        RETURNING a.place, a.granted_fen
    )
    SELECT count(*), COALESCE(sum(granted_fen), 0), max(place)
      INTO v_granted, v_granted_fen, v_last_place FROM served;
    IF v_granted > 0 THEN
        PERFORM vouchers_record_of_window(
            p_window, 'claim_window.waiting_served',
            format('{"granted":%s,"granted_fen":%s,"last_place":%s}',
                   v_granted, v_granted_fen, v_last_place),
            v_now);
        PERFORM vouchers_move_window_money(
            v_window, 'grant',
            format('window:%s:serve:%s:%s', p_window, v_last_place, txid_current()),
            v_window.remaining_id, v_window.granted_id, v_granted_fen, v_now);
    END IF;
    RETURN v_granted;
END $$;

-- Make out the vouchers of granted claims, oldest places first, at most p_limit of them; several
-- may run at once and each voucher is made out by one. Returns how many.
CREATE FUNCTION vouchers_make_out(p_window bigint, p_limit bigint) RETURNS bigint
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
    SELECT v.id,
           v_code || '-W' || p_window || '-'
               || lpad(a.place::text, GREATEST(6, length(a.place::text)), '0'),
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
