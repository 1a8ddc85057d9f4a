"""Nobody decides alone: refused with a reason by the actions, and by the database behind them."""

import pytest
from django.db import Error, connection, transaction

from audit.decisions import SYSTEM, Actor, NotFound, NotPermitted, SamePerson
from identity.actions.declare_interests import declare_interests
from identity.models import ConflictScreen, Membership, User
from identity.refusals import ConflictOfInterest
from tests.factories import NOW, make_actor, make_organization
from tests.vouchers.office import (
    Office,
    apply,
    approved,
    attach_trial,
    draft,
    make_applicant,
    make_office,
    make_programme,
    make_voucher,
    organization_of,
    reserve,
    zhongwei,
)
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.review_application import (
    approve_application,
    recommend_application,
    reject_application,
    withdraw_application,
)
from vouchers.actions.review_award import approve_award
from vouchers.models import Application, SubsidyAward

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return make_office()


def sql_is_refused(sql: str, *values: object, because: str) -> None:
    with (
        pytest.raises(Error, match=because),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)


def test_terms_are_not_approved_by_who_drafted_them(office: Office) -> None:
    both = make_actor(office.organization, "policy_drafter", "policy_approver")
    version = draft(office)
    submit_policy_version(version=version, actor=office.drafter, at=NOW)
    approve_policy_version(version=version, actor=both, at=NOW)
    with pytest.raises(SamePerson):
        approve_policy_version(version=version, actor=both, at=NOW)


def test_the_database_refuses_terms_approved_by_who_drafted_them(office: Office) -> None:
    version = draft(office)
    for column in ("approved_by_1_id", "approved_by_2_id"):
        sql_is_refused(
            f"UPDATE vouchers_policyversion SET {column} = drafted_by_id WHERE id = %s",
            version.pk,
            because="nobody_approves_the_terms_they_drafted",
        )


def test_the_database_refuses_one_person_approving_terms_twice(office: Office) -> None:
    version = draft(office)
    sql_is_refused(
        "UPDATE vouchers_policyversion SET approved_by_1_id = %s, approved_by_2_id = %s"
        " WHERE id = %s",
        office.approver_1.person_id,
        office.approver_1.person_id,
        version.pk,
        because="terms_are_approved_by_two_people",
    )


def test_the_database_refuses_approved_terms_without_approvers(office: Office) -> None:
    version = draft(office)
    attach_trial(version, office.drafter.person_id)
    submit_policy_version(version=version, actor=office.drafter, at=NOW)
    approve_policy_version(version=version, actor=office.approver_1, at=NOW)
    sql_is_refused(
        "UPDATE vouchers_policyversion SET state = 'approved' WHERE id = %s",
        version.pk,
        because="approved_terms_name_their_approvers",
    )


@pytest.mark.parametrize(
    "change",
    [
        "terms = jsonb_set(terms, '{benefit,lines,0,rate}', '\"0.9\"')",
        "terms_digest = repeat('0', 64)",
        "effective_from = effective_from - interval '1 year'",
        "programme_id = NULL",
        "approved_by_1_id = drafted_by_id",
        "approved_at = approved_at - interval '1 day'",
    ],
)
def test_approved_terms_cannot_be_changed_through_sql(office: Office, change: str) -> None:
    version = approved(office)
    sql_is_refused(
        f"UPDATE vouchers_policyversion SET {change} WHERE id = %s",
        version.pk,
        because="stays|keep",
    )


@pytest.mark.parametrize("verb", ["DELETE FROM", "TRUNCATE"])
def test_history_is_not_deleted_through_sql(office: Office, verb: str) -> None:
    voucher, holder = make_voucher(office)
    reserve(voucher, holder, 1_00)
    with connection.cursor() as cursor:  # nothing pending that would refuse instead
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cascade = " CASCADE" if verb == "TRUNCATE" else ""
    for table in ("redemption", "voucher", "application", "policyversion", "programme"):
        sql_is_refused(f"{verb} vouchers_{table}{cascade}", because="never|Cannot delete")


def test_a_reviewer_does_not_also_approve(office: Office) -> None:
    both = make_actor(office.organization, "reviewer", "finance_reviewer")
    application = apply(make_programme(office), make_applicant())
    recommend_application(application=application, actor=both, at=NOW)
    with pytest.raises(SamePerson):
        approve_application(application=application, actor=both, at=NOW)


def test_the_database_refuses_an_application_decided_by_one_person(office: Office) -> None:
    application = apply(make_programme(office), make_applicant())
    recommend_application(application=application, actor=office.reviewer, at=NOW)
    sql_is_refused(
        "UPDATE vouchers_application SET approved_by_id = reviewed_by_id WHERE id = %s",
        application.pk,
        because="an_application_is_decided_by_two_people",
    )


def test_the_database_refuses_an_approved_application_that_names_nobody(office: Office) -> None:
    application = apply(make_programme(office), make_applicant())
    recommend_application(application=application, actor=office.reviewer, at=NOW)
    sql_is_refused(
        "UPDATE vouchers_application SET state = 'approved' WHERE id = %s",
        application.pk,
        because="an_approved_application_names_who_decided",
    )


def test_an_officer_who_belongs_to_the_applicant_decides_nothing(office: Office) -> None:
    applicant = make_applicant()
    application = apply(make_programme(office), applicant)
    for officer in (office.reviewer, office.decider):
        Membership.objects.create(
            user=User.objects.get(pk=officer.person_id), organization=organization_of(applicant)
        )
    with pytest.raises(ConflictOfInterest):
        recommend_application(application=application, actor=office.reviewer, at=NOW)
    with pytest.raises(SamePerson):
        reject_application(application=application, reason="no", actor=office.decider, at=NOW)


def works_for(actor: Actor, applicant: Actor) -> None:
    nothing: list[str] = []
    declare_interests(
        actor=actor,
        at=NOW,
        employer_usccs=[organization_of(applicant).uscc],
        shareholding_usccs=nothing,
        phones=nothing,
        addresses=nothing,
        bank_account_numbers=nothing,
    )


def test_an_officer_who_works_for_the_applicant_neither_recommends_nor_approves(
    office: Office,
) -> None:
    applicant = make_applicant()
    application = apply(make_programme(office), applicant)
    works_for(office.reviewer, applicant)
    with pytest.raises(ConflictOfInterest):
        recommend_application(application=application, actor=office.reviewer, at=NOW)
    other = make_actor(office.organization, "reviewer")
    recommend_application(application=application, actor=other, at=NOW)
    works_for(office.decider, applicant)
    with pytest.raises(ConflictOfInterest):
        approve_application(application=application, actor=office.decider, at=NOW)
    application.refresh_from_db()
    assert application.state == "recommended"
    assert ConflictScreen.objects.filter(result="conflict").count() == 2


def test_the_database_refuses_a_reviewer_who_belongs_to_the_applicant(office: Office) -> None:
    applicant = make_applicant()
    application = apply(make_programme(office), applicant)
    Membership.objects.create(
        user=User.objects.get(pk=office.reviewer.person_id),
        organization=organization_of(applicant),
    )
    sql_is_refused(
        "UPDATE vouchers_application SET reviewed_by_id = %s WHERE id = %s",
        office.reviewer.person_id,
        application.pk,
        because="nobody decides for their own organization",
    )


def test_an_officer_of_another_city_finds_nothing_to_decide(office: Office) -> None:
    application = apply(make_programme(office), make_applicant())
    with pytest.raises(NotFound):
        recommend_application(application=application, actor=make_office().reviewer, at=NOW)


def test_the_system_approves_nothing(office: Office) -> None:
    application = apply(make_programme(office), make_applicant())
    with pytest.raises(NotPermitted):
        recommend_application(application=application, actor=SYSTEM, at=NOW)


def test_only_the_applicant_withdraws(office: Office) -> None:
    application = apply(make_programme(office), make_applicant())
    with pytest.raises(NotFound):
        withdraw_application(application=application, actor=make_applicant(), at=NOW)
    withdraw_application(
        application=application,
        actor=make_actor(application.applicant, "enterprise_applicant"),
        at=NOW,
    )
    assert application.state == Application.State.WITHDRAWN


@pytest.mark.parametrize(
    ("table", "state"),
    [("policyversion", "approved"), ("application", "issued"), ("programme", "closed")],
)
def test_a_state_does_not_leave_its_drawn_line_through_sql(
    office: Office, table: str, state: str
) -> None:
    apply(make_programme(office), make_applicant())
    draft(office)
    sql_is_refused(
        f"UPDATE vouchers_{table} SET state = %s WHERE id = (SELECT MAX(id) FROM vouchers_{table})",
        state,
        because="Invalid transition",
    )


def test_nothing_starts_half_way_along(office: Office) -> None:
    sql_is_refused(
        "INSERT INTO vouchers_programme (code, name, issuer_id, state)"
        " VALUES ('x', 'x', %s, 'active')",
        office.organization.pk,
        because="programme_starts_as_draft|Cannot insert|envelope",
    )


def test_an_award_needs_two_people_beside_who_proposed_it(office: Office) -> None:
    programme = make_programme(office, zhongwei())
    award = propose_award(
        version=programme.versions.get(),
        beneficiary=make_organization("platform"),
        period_start=NOW.date().replace(year=2025, month=1, day=1),
        period_end=NOW.date().replace(year=2026, month=1, day=1),
        facts={"annual_trade_volume_fen": 1_000_000_000},
        actor=office.decider,
        at=NOW,
    )
    with pytest.raises(SamePerson):
        approve_award(award=award, actor=office.decider, at=NOW)
    approve_award(award=award, actor=office.second_decider, at=NOW)
    with pytest.raises(SamePerson):
        approve_award(award=award, actor=office.second_decider, at=NOW)
    sql_is_refused(
        "UPDATE vouchers_subsidyaward SET approved_by_2_id = approved_by_1_id WHERE id = %s",
        award.pk,
        because="an_award_is_approved_by_two_people",
    )
    sql_is_refused(
        "UPDATE vouchers_subsidyaward SET approved_by_2_id = proposed_by_id WHERE id = %s",
        award.pk,
        because="nobody_approves_the_award_they_proposed",
    )
    approve_award(award=award, actor=office.third_decider, at=NOW)
    assert award.state == SubsidyAward.State.APPROVED
