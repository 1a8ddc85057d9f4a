"""The separation of duties as data: who may not be the same person on one object (domain §1.5).

Every line names where the database holds it. A line compares people over the object's whole
history; a lent role carries its lender's signatures, an emergency role carries nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Separation:
    """`acts` on one `thing` are done by as many people; `held_by` are constraints and triggers."""

    thing: str
    acts: tuple[str, ...]
    held_by: tuple[str, ...]


MATRIX = (
    Separation(
        "policy version",
        ("drafted", "approved first", "approved second"),
        ("nobody_approves_the_terms_they_drafted", "terms_are_approved_by_two_people"),
    ),
    Separation(
        "application",
        ("made", "reviewed", "approved"),
        ("nobody_decides_the_application_they_made", "an_application_is_decided_by_two_people"),
    ),
    Separation(
        "subsidy award",
        ("proposed", "approved first", "approved second"),
        ("nobody_approves_the_award_they_proposed", "an_award_is_approved_by_two_people"),
    ),
    Separation(
        "appropriation",
        ("proposed", "approved"),
        ("nobody_approves_their_own_appropriation", "appropriation_signed_with_no_lent_conflict"),
    ),
    Separation(
        "budget adjustment",
        ("proposed", "approved first", "approved second"),
        ("an_adjustment_is_signed_by_three_people", "adjustment_signed_with_no_lent_conflict"),
    ),
    Separation(
        "tranche",
        ("proposed", "approved first", "approved second"),
        ("a_tranche_is_signed_by_three_people", "tranche_signed_with_no_lent_conflict"),
    ),
    Separation(
        "payable",
        ("proposed", "approved first", "approved second"),
        ("a_payable_is_signed_by_three_people", "payable_signed_with_no_lent_conflict"),
    ),
    Separation(
        "bank account",
        ("entered", "verified"),
        ("nobody_verifies_the_account_they_added",),
    ),
    Separation(
        "payout batch and every payment in it",
        ("made", "checked", "released"),
        (
            "maker_checker_and_releaser_are_three_people",
            "nobody_changes_hats_on_a_batch",
            "batch_signature_is_kept",
            "item_pays_an_approved_payable",
        ),
    ),
    Separation(
        "returned payment",
        ("its account verified before", "verified anew"),
        ("item_pays_an_approved_payable",),
    ),
    Separation("suspense entry", ("booked", "cleared"), ("nobody_clears_the_return_they_booked",)),
    Separation(
        "recovery case",
        ("opened", "decided or demanded"),
        ("who_opens_a_recovery_does_not_decide_or_demand_it",),
    ),
    Separation(
        "write-off",
        ("proposed", "checked for fraud", "approved first", "approved second"),
        (
            "a_write_off_is_signed_by_three_people",
            "the_fraud_check_is_done_by_a_fourth_person",
            "write_off_signed_with_no_lent_conflict",
        ),
    ),
)
