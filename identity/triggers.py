"""What the database itself holds true about roles."""

import pgtrigger


def lends_what_is_held() -> pgtrigger.Trigger:
    """A role is lent by who was granted it, to a colleague; what was borrowed is not lent on."""
    return pgtrigger.Trigger(
        name="delegation_lends_what_is_held",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
            IF NOT EXISTS (
                SELECT 1 FROM identity_membership m
                  JOIN identity_rolegrant g ON g.membership_id = m.id
                 WHERE m.user_id = NEW.lender_id AND m.organization_id = NEW.organization_id
                   AND g.role = NEW.role AND g.valid @> lower(NEW.valid)
            ) OR NOT EXISTS (
                SELECT 1 FROM identity_membership
                 WHERE user_id = NEW.borrower_id AND organization_id = NEW.organization_id
            ) THEN
                RAISE EXCEPTION 'person % does not hold % to lend', NEW.lender_id, NEW.role
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'only_a_granted_role_is_lent_to_a_colleague';
            END IF;
            RETURN NEW;
        """,
    )


# True of a person who acts with a role only because one of `others` lent it to them now.
LENT_BY = """
    EXISTS (
        SELECT 1 FROM identity_delegation d
         WHERE d.borrower_id = {person} AND d.organization_id = {organization}
           AND d.role = ANY ({roles}) AND d.valid @> clock_timestamp()
           AND d.revoked_at IS NULL AND d.lender_id = ANY ({others})
    ) AND NOT EXISTS (
        SELECT 1 FROM identity_membership m
          JOIN identity_rolegrant g ON g.membership_id = m.id
         WHERE m.user_id = {person} AND m.organization_id = {organization}
           AND g.role = ANY ({roles}) AND g.valid @> clock_timestamp()
    )
"""
