"""What the database itself holds true about public money, beyond check constraints."""

import pgtrigger

from identity.triggers import LENT_BY

ENVELOPES_ISSUER = "(SELECT issuer_id FROM treasury_envelope WHERE id = NEW.envelope_id)"
CASES_ISSUER = "(SELECT issuer_id FROM treasury_recoverycase WHERE id = NEW.case_id)"


def no_loan_restores_a_conflict(
    name: str, *columns: str, issuer: str, roles: tuple[str, ...]
) -> pgtrigger.Trigger:
    """Nobody signs in one of `columns` with a role lent by who signed in another of them.

    `issuer` is SQL for the issuing organization, `roles` those that let a person sign here.
    """
    others = ", ".join(f"NEW.{column}" for column in columns)
    checks = "\n".join(
        f"""
        IF NEW.{column} IS NOT NULL AND OLD.{column} IS NULL AND ({
            LENT_BY.format(
                person=f"NEW.{column}",
                organization=issuer,
                roles=_texts(roles),
                others=f"ARRAY[{others}]",
            )
        }) THEN
            RAISE EXCEPTION 'person % signs with a role lent by who signed before', NEW.{column}
                USING ERRCODE = 'check_violation',
                      CONSTRAINT = 'a_lent_role_restores_no_conflict';
        END IF;
        """
        for column in columns
    )
    return pgtrigger.Trigger(
        name=f"{name}_signed_with_no_lent_conflict",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func=f"{checks}\nRETURN NEW;",
    )


def _texts(values: tuple[str, ...]) -> str:
    return "ARRAY[{}]::text[]".format(", ".join(f"'{value}'" for value in values))


def signs_a_batch() -> pgtrigger.Trigger:
    """Each signature on a batch is also kept over all of its versions (see Signature)."""
    acts = {"made": "made_by_id", "checked": "checked_by_id", "released": "released_by_id"}
    role_of = {"made": "batch_maker", "checked": "batch_checker", "released": "batch_releaser"}
    written = "\n".join(
        f"""
        IF NEW.{column} IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.{column} IS NULL) THEN
            INSERT INTO treasury_signature (batch_id, lineage, person_id, act)
            VALUES (NEW.id, COALESCE(NEW.lineage, NEW.id), NEW.{column}, '{act}');
            -- The payments themselves remember too, whatever batch they were in before.
            IF EXISTS (
                SELECT 1 FROM treasury_payoutitem mine
                  JOIN treasury_payoutitem other USING (payable_id)
                  JOIN treasury_signature s ON s.batch_id = other.batch_id
                 WHERE mine.batch_id = NEW.id AND s.person_id = NEW.{column} AND s.act <> '{act}'
            ) THEN
                RAISE EXCEPTION 'person % signed these payments in another role', NEW.{column}
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'nobody_changes_hats_on_a_payment';
            END IF;
            IF {
            LENT_BY.format(
                person=f"NEW.{column}",
                organization="NEW.issuer_id",
                roles=_texts((role_of[act],)),
                others="ARRAY(SELECT person_id FROM treasury_signature WHERE lineage ="
                f" COALESCE(NEW.lineage, NEW.id) AND act <> '{act}')",
            )
        } THEN
                RAISE EXCEPTION 'person % signs with a role lent by who signed before',
                    NEW.{column}
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_lent_role_restores_no_conflict';
            END IF;
        END IF;
        """  # noqa: S608 - the names are ours, four lines up
        for act, column in acts.items()
    )
    return pgtrigger.Trigger(
        name="batch_signature_is_kept",
        operation=pgtrigger.Insert | pgtrigger.Update,
        when=pgtrigger.After,
        func=f"{written}\nRETURN NULL;",
    )


def freezes_exactly_its_items() -> pgtrigger.Trigger:
    """I8: a batch is frozen only with the total and count of its items."""
    return pgtrigger.Trigger(
        name="batch_is_frozen_with_its_total",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        condition=pgtrigger.Q(old__state="draft", new__state="frozen"),
        declare=[("total", "numeric"), ("pieces", "bigint")],
        func="""
            SELECT COALESCE(SUM(amount_fen), 0), COUNT(*) INTO total, pieces
              FROM treasury_payoutitem WHERE batch_id = NEW.id AND state = 'queued';
            IF pieces = 0 OR total IS DISTINCT FROM NEW.control_total_fen
               OR pieces IS DISTINCT FROM NEW.item_count THEN
                RAISE EXCEPTION 'batch % does not add up', NEW.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_frozen_batch_adds_up';
            END IF;
            RETURN NEW;
        """,
    )


def pays_an_approved_payable() -> pgtrigger.Trigger:
    """An item joins a draft batch, pays one approved payable of its book in full, to its payee."""
    return pgtrigger.Trigger(
        name="item_pays_an_approved_payable",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
            -- The lock keeps a batch from being frozen between this look and our commit.
            PERFORM 1 FROM treasury_payoutbatch WHERE id = NEW.batch_id FOR SHARE;
            IF NOT EXISTS (
                SELECT 1 FROM treasury_payable p
                  JOIN treasury_payoutbatch b ON b.id = NEW.batch_id
                  JOIN treasury_bankaccount a ON a.id = NEW.bank_account_id
                 WHERE p.id = NEW.payable_id AND b.state = 'draft' AND p.book_id = b.book_id
                   AND p.issuer_id = b.issuer_id
                   AND p.amount_fen - p.offset_fen = NEW.amount_fen
                   AND p.state = 'in_batch' AND a.organization_id = p.payee_id
                   AND a.state = 'verified'
            ) THEN
                RAISE EXCEPTION 'item does not pay an approved payable'
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_payout_item_pays_an_approved_payable_in_full';
            END IF;
            IF EXISTS (
                SELECT 1 FROM treasury_payoutitem other
                  JOIN treasury_signature s ON s.batch_id = other.batch_id AND s.act <> 'made'
                  JOIN treasury_payoutbatch b ON b.id = NEW.batch_id
                 WHERE other.payable_id = NEW.payable_id AND s.person_id = b.made_by_id
            ) THEN
                RAISE EXCEPTION 'its maker checked or released this payment before'
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'nobody_changes_hats_on_a_payment';
            END IF;
            -- What the bank returned goes out again only into an account that somebody else
            -- than before has verified since.
            IF EXISTS (
                SELECT 1 FROM treasury_payoutitem r
                  JOIN treasury_bankaccount before ON before.id = r.bank_account_id
                  JOIN treasury_bankaccount now ON now.id = NEW.bank_account_id
                 WHERE r.payable_id = NEW.payable_id AND r.state IN ('returned', 'reissued')
                   AND (now.verified_by_id = before.verified_by_id
                        OR now.verified_at IS NULL OR now.verified_at <= r.answered_at)
            ) THEN
                RAISE EXCEPTION 'the account was not verified anew by another person'
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_returned_payment_waits_for_a_new_verification';
            END IF;
            RETURN NEW;
        """,
    )


def leaves_no_loose_ends() -> pgtrigger.Trigger:
    """A batch is reconciled and closed only when the bank's answer to every payment is known."""
    return pgtrigger.Trigger(
        name="batch_leaves_no_loose_ends",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        condition=pgtrigger.Q(new__state__in=["reconciled", "closed"]),
        func="""
            IF EXISTS (SELECT 1 FROM treasury_payoutitem
                        WHERE batch_id = NEW.id AND state IN ('queued', 'sent', 'unknown')) THEN
                RAISE EXCEPTION 'batch % has payments of unknown outcome', NEW.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'an_unknown_payment_keeps_its_batch_open';
            END IF;
            RETURN NEW;
        """,
    )


def closes_with_nothing_in_suspense() -> pgtrigger.Trigger:
    """An envelope is closed only when no unidentified bank return is left in its book."""
    return pgtrigger.Trigger(
        name="envelope_closes_with_nothing_in_suspense",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        condition=pgtrigger.Q(old__state__df=pgtrigger.F("new__state"), new__state="closed"),
        func="""
            IF EXISTS (SELECT 1 FROM ledger_account WHERE book_id = NEW.book_id
                          AND code LIKE 'susp:%' AND balance_fen <> 0) THEN
                RAISE EXCEPTION 'unidentified bank returns are left in book %', NEW.book_id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'nothing_is_in_suspense_at_a_close';
            END IF;
            RETURN NEW;
        """,
    )


def appropriates_before_opening() -> pgtrigger.Trigger:
    """Once an envelope is open, more and less money are adjustments, which two others approve."""
    return pgtrigger.Trigger(
        name="appropriation_comes_before_opening",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
            IF NEW.kind <> 'appropriate' OR (SELECT state FROM treasury_envelope
                  WHERE id = NEW.envelope_id) NOT IN ('drafted', 'appropriated') THEN
                RAISE EXCEPTION 'envelope % is adjusted, not appropriated', NEW.envelope_id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_running_budget_changes_by_adjustment';
            END IF;
            RETURN NEW;
        """,
    )


def keeps_what_receipts_say() -> pgtrigger.Trigger:
    """What is kept from a payable is the sum of its offsets, and only while it waits for payout."""
    return pgtrigger.Trigger(
        name="payable_keeps_what_receipts_say",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        condition=pgtrigger.Q(old__offset_fen__df=pgtrigger.F("new__offset_fen")),
        func="""
            IF OLD.state <> 'approved' OR NEW.offset_fen <> (
                SELECT COALESCE(SUM(amount_fen), 0) FROM treasury_recoveryreceipt
                 WHERE payable_id = NEW.id) THEN
                RAISE EXCEPTION 'payable %: its offsets do not say so', NEW.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_payable_keeps_what_its_offsets_say';
            END IF;
            RETURN NEW;
        """,
    )


def claims_no_more_than_was_paid() -> pgtrigger.Trigger:
    """All recoveries of one payable together never ask back more than it paid."""
    return pgtrigger.Trigger(
        name="recovery_claims_what_was_paid",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        declare=[("paid", "treasury_payable%ROWTYPE"), ("claimed", "numeric")],
        func="""
            -- The lock keeps a second case from being opened between this look and our commit.
            SELECT * INTO paid FROM treasury_payable WHERE id = NEW.payable_id FOR NO KEY UPDATE;
            SELECT COALESCE(SUM(COALESCE(demanded_fen, claimed_fen)), 0) INTO claimed
              FROM treasury_recoverycase
             WHERE payable_id = NEW.payable_id AND state <> 'dismissed';
            IF paid.state NOT IN ('paid', 'offset') OR paid.issuer_id <> NEW.issuer_id
               OR paid.payee_id <> NEW.original_debtor_id
               OR claimed + NEW.claimed_fen > paid.amount_fen THEN
                RAISE EXCEPTION 'payable % did not pay that much', NEW.payable_id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_recovery_claims_no_more_than_was_paid';
            END IF;
            RETURN NEW;
        """,
    )
