"""Triggers only this room needs."""

import pgtrigger


def decided_by_the_other_side(name: str, organization: str, *people: str) -> pgtrigger.Trigger:
    """No person in `people` belongs to the organization in column `organization` when signing.

    A check constraint cannot look into another table, so the database asks here.
    """
    signed = ", ".join(f"NEW.{column}" for column in people)
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in people)
    return pgtrigger.Trigger(
        name=f"{name}_is_decided_by_others",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func=f"""
            IF ({changed}) AND EXISTS (
                SELECT 1 FROM identity_membership m
                 WHERE m.organization_id = NEW.{organization} AND m.user_id IN ({signed})
            ) THEN
                RAISE EXCEPTION '{name} %: nobody decides for their own organization', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = '{name}_is_decided_by_others';
            END IF;
            RETURN NEW;
        """,  # noqa: S608 - names come from the code
    )


def approved_terms_keep_their_date() -> pgtrigger.Trigger:
    """Once approved, terms take effect when they said they would."""
    return pgtrigger.Trigger(
        name="approved_terms_keep_their_date",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
            IF OLD.approved_at IS NOT NULL AND NEW.effective_from <> OLD.effective_from THEN
                RAISE EXCEPTION 'policy version %: approved terms keep their date', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'approved_terms_keep_their_date';
            END IF;
            RETURN NEW;
        """,
    )


def announced_windows_stay_as_announced() -> pgtrigger.Trigger:
    """Once a window is open its conditions stand; a revealed seed is the one committed to."""
    fixed = (
        "version_id",
        '"order"',
        "admission",
        "region_prefix",
        "remainder",
        "face_fen",
        "opens_at",
        "closes_at",
        "valid_until",
        "seed_commitment",
    )
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in fixed)
    return pgtrigger.Trigger(
        name="claim_window_stays_as_announced",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func=f"""
            IF OLD.state <> 'drafted'
               AND ({changed} OR NEW.tranche_fen < OLD.tranche_fen
                    OR NEW.places_taken < OLD.places_taken) THEN
                RAISE EXCEPTION 'claim window %: what was announced stays', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'an_open_window_stays_as_announced';
            END IF;
            IF NEW.seed IS NOT NULL AND OLD.seed IS NULL
               AND encode(sha256(convert_to(NEW.seed, 'UTF8')), 'hex')
                   IS DISTINCT FROM NEW.seed_commitment THEN
                RAISE EXCEPTION 'claim window %: another seed than was committed to', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_revealed_seed_is_the_one_committed_to';
            END IF;
            RETURN NEW;
        """,
    )


def answers_begin_undecided() -> pgtrigger.Protect:
    """An answer begins entered, granted or waiting; the other states are moved to."""
    return pgtrigger.Protect(
        name="window_answer_begins_undecided",
        operation=pgtrigger.Insert,
        condition=~pgtrigger.Q(new__state__in=["entered", "granted", "waiting"]),
    )


def vouchers_start_issued_or_were_claimed_in_a_window() -> pgtrigger.Protect:
    """A voucher starts as issued; one claimed in a window was claimed before it was made out."""
    return pgtrigger.Protect(
        name="voucher_starts_as_issued",
        operation=pgtrigger.Insert,
        condition=~pgtrigger.Q(new__state="issued")
        & ~pgtrigger.Q(new__state="claimed", new__window_answer__isnull=False),
    )


def approved_after_review_and_notice() -> pgtrigger.Trigger:
    """A claim is approved only when every stage passed by another person, the notice ended and
    no objection is open or upheld."""
    return pgtrigger.Trigger(
        name="claim_is_approved_after_review_and_notice",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
            IF NEW.state = 'approved' AND OLD.state <> 'approved' AND (
                (SELECT LEAST(COUNT(DISTINCT r.stage), COUNT(DISTINCT r.reviewer_id))
                   FROM vouchers_claimreview r
                  WHERE r.claim_id = NEW.id AND r.outcome = 'passed'
                    AND NEW.stages ? r.stage) < GREATEST(jsonb_array_length(NEW.stages), 2)
                OR NEW.notice_until IS NULL OR NEW.approved_at < NEW.notice_until
                OR EXISTS (SELECT 1 FROM vouchers_objection o
                            WHERE o.claim_id = NEW.id AND o.raised_at >= NEW.notice_opened_at
                              AND o.state IN ('open', 'upheld'))
            ) THEN
                RAISE EXCEPTION 'claim %: not every stage, the notice and its objections are done',
                    OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_claim_is_approved_after_review_and_notice';
            END IF;
            IF (NEW.amount_fen > OLD.amount_fen) THEN
                RAISE EXCEPTION 'claim %: a review may lower the amount, never raise it', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_review_never_raises_a_claim';
            END IF;
            RETURN NEW;
        """,
    )


def awarded_without_objections() -> pgtrigger.Trigger:
    """An award is not approved while an objection raised in its public notice is open or upheld."""
    return pgtrigger.Trigger(
        name="award_is_approved_without_objections",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
            IF NEW.state = 'approved' AND OLD.state = 'public_notice' AND EXISTS (
                SELECT 1 FROM vouchers_objection o
                 WHERE o.award_id = NEW.id AND o.state IN ('open', 'upheld')
            ) THEN
                RAISE EXCEPTION 'award %: objections are open or upheld', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'an_award_is_approved_without_objections';
            END IF;
            RETURN NEW;
        """,
    )


def evidence_stays_as_handed_in() -> pgtrigger.Trigger:
    """Of evidence only `standing` changes, and only from true to false."""
    return pgtrigger.Trigger(
        name="claim_evidence_stays_as_handed_in",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
            IF (to_jsonb(NEW) - 'standing') <> (to_jsonb(OLD) - 'standing')
               OR (NEW.standing AND NOT OLD.standing) THEN
                RAISE EXCEPTION 'claim evidence %: what was handed in stays', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'claim_evidence_stays_as_handed_in';
            END IF;
            RETURN NEW;
        """,
    )


def reviewed_by_the_other_side() -> pgtrigger.Trigger:
    """Nobody reviews a claim they made or that their own organization made."""
    return pgtrigger.Trigger(
        name="claim_review_is_by_the_other_side",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
            IF EXISTS (SELECT 1 FROM vouchers_claim c
                        LEFT JOIN identity_membership m
                          ON m.organization_id = c.claimant_id AND m.user_id = NEW.reviewer_id
                        WHERE c.id = NEW.claim_id
                          AND (c.claimed_by_id = NEW.reviewer_id OR m.id IS NOT NULL)) THEN
                RAISE EXCEPTION 'claim %: nobody decides for their own organization', NEW.claim_id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_claim_is_reviewed_by_the_other_side';
            END IF;
            RETURN NEW;
        """,
    )


def approved_only_after_a_trial() -> pgtrigger.Trigger:
    """Terms are approved with passing test cases and a simulation attached; terms that reach back
    also with what they would have changed."""
    return pgtrigger.Trigger(
        name="terms_are_approved_after_a_trial",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
            IF NEW.state = 'approved' AND OLD.state <> 'approved' AND (
                NOT EXISTS (SELECT 1 FROM vouchers_simulationrun s WHERE s.version_id = NEW.id)
                OR NOT EXISTS (SELECT 1 FROM vouchers_ruletestcase c WHERE c.version_id = NEW.id)
                OR EXISTS (SELECT 1 FROM vouchers_ruletestcase c
                            WHERE c.version_id = NEW.id AND c.expected_fen <> c.computed_fen)
            ) THEN
                RAISE EXCEPTION 'policy version %: no simulation or no passing test cases', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'terms_are_approved_after_a_trial';
            END IF;
            IF NEW.state = 'approved' AND OLD.state <> 'approved' AND NEW.retroactive
               AND NOT EXISTS (SELECT 1 FROM vouchers_recomputation r
                                WHERE r.version_id = NEW.id) THEN
                RAISE EXCEPTION 'policy version %: what it changes was not computed', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'retroactive_terms_say_what_they_change';
            END IF;
            RETURN NEW;
        """,
    )


def rejections_are_heard_by_others() -> pgtrigger.Trigger:
    """Who rejected stays named until the next rejection, so that the hearer is somebody else also
    where both would be written at once."""
    return pgtrigger.Trigger(
        name="application_rejection_is_heard_by_others",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
            IF (NEW.heard_by_id IS DISTINCT FROM OLD.heard_by_id
                AND NEW.heard_by_id = OLD.rejected_by_id)
               OR (OLD.rejected_by_id IS NOT NULL
                   AND NEW.rejected_by_id IS DISTINCT FROM OLD.rejected_by_id
                   AND NOT (NEW.state = 'rejected' AND OLD.state <> 'rejected')) THEN
                RAISE EXCEPTION 'application %: who rejected it does not hear its appeal', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'who_rejected_an_application_does_not_hear_its_appeal';
            END IF;
            RETURN NEW;
        """,
    )
