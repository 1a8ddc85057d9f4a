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
