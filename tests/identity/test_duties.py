"""Roles lent and taken end by themselves, restore no conflict, and are seen; screens are kept."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.decisions import Invalid, NotFound, NotPermitted, SamePerson
from audit.models import AuditEvent
from identity.actions.break_glass import break_glass, end_emergency
from identity.actions.declare_interests import declare_interests
from identity.actions.lend_role import lend_role, revoke_delegation
from identity.actions.screen_conflicts import refuse_conflict, screen_conflicts
from identity.duties import MATRIX
from identity.models import BreakGlass, ConflictScreen, Delegation, Membership, Organization
from identity.refusals import (
    ConflictOfInterest,
    LentOrTakenAlready,
    NothingToLend,
    ScreenIncomplete,
)
from tests.factories import NOW, make_actor, make_organization
from tests.marketplace.http.conftest import make_caller
from tests.treasury.conftest import (
    City,
    give_account,
    make_city,
    make_envelope,
    make_payee,
    propose,
)
from treasury.actions.approve_payable import approve_payable
from treasury.models import Payable

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MONTH = timedelta(days=30)


@pytest.fixture
def city() -> City:
    return make_city()


def again(actor, *, at=NOW):
    """The same person as an actor at `at`, with what was lent or taken since."""
    return Membership.objects.get(
        user_id=actor.person_id, organization_id=actor.organization_id
    ).actor(at=at)


def lend(city, lender, borrower, role, *, at=NOW, ends_at=NOW + MONTH):
    return lend_role(
        borrower=Membership.objects.get(user_id=borrower.person_id).user,
        organization=city.organization,
        role=role,
        ends_at=ends_at,
        reason="on leave",
        actor=lender,
        at=at,
    )


class TestLending:
    def test_a_lent_role_begins_and_ends(self, city):
        lend(city, city.finance_1, city.maker, "finance_reviewer")
        assert again(city.maker).has("finance_reviewer")
        assert again(city.maker).lent == {("finance_reviewer", city.finance_1.person_id)}
        assert not again(city.maker, at=NOW + MONTH).has("finance_reviewer")

    def test_it_ends_when_taken_back(self, city):
        delegation = lend(city, city.finance_1, city.maker, "finance_reviewer")
        with pytest.raises(NotFound):
            revoke_delegation(delegation=delegation, actor=city.checker, at=NOW)
        revoke_delegation(delegation=delegation, actor=city.finance_1, at=NOW)
        assert not again(city.maker).has("finance_reviewer")

    def test_only_a_granted_role_is_lent_and_not_lent_on(self, city):
        with pytest.raises(NothingToLend):
            lend(city, city.maker, city.checker, "finance_reviewer")
        lend(city, city.finance_1, city.maker, "finance_reviewer")
        with pytest.raises(NothingToLend):
            lend(city, again(city.maker), city.checker, "finance_reviewer")

    def test_not_to_a_stranger_not_twice_not_for_long_and_not_to_oneself(self, city):
        with pytest.raises(NothingToLend):
            lend(city, city.finance_1, make_city().maker, "finance_reviewer")
        lend(city, city.finance_1, city.maker, "finance_reviewer")
        with pytest.raises(LentOrTakenAlready):
            lend(city, city.finance_1, city.maker, "finance_reviewer")
        for ends_at in (NOW, NOW + timedelta(days=91)):
            with pytest.raises(Invalid):
                lend(city, city.finance_1, city.checker, "finance_reviewer", ends_at=ends_at)
        with pytest.raises(Invalid):
            lend(city, city.finance_1, city.finance_1, "finance_reviewer")

    def test_it_carries_the_lenders_signature_with_it(self, city):
        payable = self.half_approved(city)
        lend(city, city.finance_1, city.maker, "finance_reviewer")
        with pytest.raises(SamePerson):
            approve_payable(payable=payable, actor=again(city.maker), at=NOW)
        lend(city, city.finance_2, city.checker, "finance_reviewer")
        approve_payable(payable=payable, actor=again(city.checker), at=NOW)
        assert payable.state == "approved"

    def test_the_database_too_refuses_a_signature_lent_by_who_signed(self, city):
        payable = self.half_approved(city)
        now = timezone.now()
        lend(city, city.finance_1, city.maker, "finance_reviewer", at=now, ends_at=now + HOUR)
        with (
            pytest.raises(DatabaseError, match="role lent by who signed before"),
            transaction.atomic(),
        ):
            Payable.objects.filter(pk=payable.pk).update(approved_by_2_id=city.maker.person_id)

    def half_approved(self, city):
        envelope = make_envelope(city, holding_fen=1000)
        payable = propose(city, envelope, make_payee(city), 10)
        return approve_payable(payable=payable, actor=city.finance_1, at=NOW)

    @pytest.mark.parametrize(
        ("column", "value", "refusal"),
        [
            ("valid", "tstzrange(now(), now() + interval '91 days')", "within_ninety_days"),
            ("valid", "tstzrange(now(), NULL)", "within_ninety_days"),
            ("borrower_id", "lender_id", "nobody_lends_a_role_to_themselves"),
            ("role", "'auditor'", "does not hold"),
        ],
    )
    def test_a_shell_session_cannot_lend_otherwise(self, city, column, value, refusal):
        lend(city, city.finance_1, city.maker, "finance_reviewer")
        columns = {
            "organization_id": "organization_id",
            "lender_id": "lender_id",
            "borrower_id": "borrower_id",
            "role": "role",
            "valid": "tstzrange(upper(valid), upper(valid) + interval '1 day')",
            "reason": "'x'",
        } | {column: value}
        with (
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                f"INSERT INTO identity_delegation ({', '.join(columns)})"
                f" SELECT {', '.join(columns.values())} FROM identity_delegation"
            )


class TestEmergencies:
    def take(self, city, actor, **more):
        return break_glass(
            **{
                "organization": city.organization,
                "role": "batch_releaser",
                "hours": 2,
                "reason": "payday, the releaser is in hospital",
                "actor": actor,
                "at": NOW,
                **more,
            }
        )

    def test_lasts_for_hours_and_tells_the_auditor(self, city):
        emergency = self.take(city, city.budget_officer)
        assert again(city.budget_officer).has("batch_releaser")
        assert not again(city.budget_officer, at=NOW + 2 * HOUR).has("batch_releaser")
        event = AuditEvent.objects.get(kind="break_glass.opened")
        assert event.data["reason"] == emergency.reason
        end_emergency(emergency=emergency, actor=city.budget_officer, at=NOW + HOUR)
        assert not again(city.budget_officer, at=NOW + HOUR).has("batch_releaser")

    def test_restores_no_conflict(self, city):
        payable = TestLending().half_approved(city)
        self.take(city, city.finance_1, role="finance_reviewer")
        with pytest.raises(SamePerson):
            approve_payable(payable=payable, actor=again(city.finance_1), at=NOW)

    def test_not_for_long_not_without_a_reason_and_never_the_auditors(self, city):
        for more in ({"hours": 9}, {"hours": 0}, {"reason": " "}, {"role": "auditor"}):
            with pytest.raises(Invalid):
                self.take(city, city.budget_officer, **more)
        with pytest.raises(NotPermitted):
            self.take(city, make_actor(city.organization, "auditor"))
        self.take(city, city.budget_officer)
        with pytest.raises(LentOrTakenAlready):
            self.take(city, city.budget_officer)

    def test_the_database_ends_it_within_eight_hours(self, city):
        self.take(city, city.budget_officer)
        with (
            pytest.raises(DatabaseError, match="an_emergency_ends_within_eight_hours"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "INSERT INTO identity_breakglass (organization_id, user_id, role, valid, reason)"
                " SELECT organization_id, user_id, 'reviewer',"
                " tstzrange(now(), now() + interval '8 hours 1 second'), 'x'"
                " FROM identity_breakglass"
            )
        with pytest.raises(DatabaseError, match="is_written_once"), transaction.atomic():
            BreakGlass.objects.update(reason="nothing happened")
        with pytest.raises(DatabaseError, match="is_never_deleted"), transaction.atomic():
            BreakGlass.objects.all().delete()


EVERYTHING = {
    "employer_usccs": [],
    "shareholding_usccs": [],
    "phones": ["+86 138 0013 8000"],
    "addresses": ["廊坊市 广阳区 1 号"],
    "bank_account_numbers": ["6222 0001"],
}


class TestScreens:
    @pytest.fixture
    def company(self):
        organization = make_organization("provider")
        Organization.objects.filter(pk=organization.pk).update(
            facts={"phones": ["010-12345678"], "addresses": ["北京市海淀区 2 号"]}
        )
        organization.refresh_from_db()
        return organization

    def screened(self, city, company, *, numbers=("99998888",), actor=None):
        return screen_conflicts(
            organization=company,
            act="approve",
            subject=company,
            account_numbers=numbers,
            actor=actor or city.finance_1,
            at=NOW,
        )

    def declare(self, city, **changes):
        declare_interests(actor=city.finance_1, at=NOW, **(EVERYTHING | changes))

    def test_what_nobody_declared_is_unknown_and_unknown_is_not_clean(self, city, company):
        stored = self.screened(city, company)
        assert stored.result == "unknown"
        assert stored.findings["same_person"] == "clear"
        assert stored.findings["phone"] == "unknown"
        refuse_conflict(stored, strict=False)
        with pytest.raises(ScreenIncomplete):
            refuse_conflict(stored, strict=True)

    def test_is_clear_only_when_all_is_known(self, city, company):
        self.declare(city)
        assert self.screened(city, company).result == "clear"
        assert self.screened(city, company, numbers=None).result == "unknown"

    @pytest.mark.parametrize(
        ("criterion", "changes"),
        [
            ("employer", lambda company: {"employer_usccs": [company.uscc]}),
            ("uscc", lambda company: {"shareholding_usccs": [company.uscc]}),
            ("phone", lambda _company: {"phones": ["(010) 1234 5678"]}),
            ("address", lambda _company: {"addresses": ["北京市海淀区２号"]}),
            ("bank_account", lambda _company: {"bank_account_numbers": ["9999 8888"]}),
        ],
    )
    def test_finds_each_tie_however_it_is_written(self, city, company, criterion, changes):
        self.declare(city, **changes(company))
        stored = self.screened(city, company)
        assert {k for k, said in stored.findings.items() if said == "match"} == {criterion}
        with pytest.raises(ConflictOfInterest):
            refuse_conflict(stored, strict=False)

    def test_finds_the_same_person_on_both_sides(self, city, company):
        Membership.objects.create(user_id=city.finance_1.person_id, organization=company)
        assert self.screened(city, company).findings["same_person"] == "match"

    def test_keeps_its_inputs_without_the_numbers_themselves(self, city, company):
        self.declare(city)
        stored = self.screened(city, company)
        assert "99998888" not in str(stored.inputs)
        assert stored.inputs["organization"]["uscc"] == company.uscc
        with pytest.raises(DatabaseError, match="is_never_edited"), transaction.atomic():
            ConflictScreen.objects.update(result="clear")

    def test_who_is_tied_to_the_payee_does_not_approve_and_the_screen_stays(self, city):
        envelope = make_envelope(city, holding_fen=1000)
        payee = make_organization("provider")
        give_account(city, payee, number="9999888877")
        payable = propose(city, envelope, payee, 10)
        self.declare(city, bank_account_numbers=["9999-8888-77"])
        with pytest.raises(ConflictOfInterest):
            approve_payable(payable=payable, actor=city.finance_1, at=NOW)
        payable.refresh_from_db()
        assert payable.state == "proposed"
        assert ConflictScreen.objects.get().result == "conflict"

    def test_over_http_the_refusals_screen_stays_too(self, city):
        envelope = make_envelope(city, holding_fen=1000)
        payable = propose(city, envelope, make_payee(city), 10)
        caller = make_caller("government", "finance_reviewer", organization=city.organization)
        Membership.objects.create(user=caller.membership.user, organization=payable.payee)
        refused = caller.post(f"payables/{payable.pk}/approve", Idempotency_Key="k1")
        assert (refused.status_code, refused.json()["code"]) == (403, "conflict_of_interest")
        assert ConflictScreen.objects.get().result == "conflict"
        payable.refresh_from_db()
        assert payable.state == "proposed"


def test_over_http_a_role_is_lent_taken_and_seen_by_the_auditor(city):
    lender = make_caller("government", "finance_reviewer", organization=city.organization)
    other = make_caller("government", "batch_maker", organization=city.organization)
    auditor = make_caller("government", "auditor")
    lent = lender.post(
        "delegations",
        {
            "borrower": other.membership.user_id,
            "role": "finance_reviewer",
            "ends_at": (timezone.now() + MONTH).isoformat(),
            "reason": "on leave",
        },
    )
    assert lent.status_code == 201, lent.content
    assert "finance_reviewer" in other.get("me").json()["roles"]
    taken = other.post(
        "emergency-roles", {"role": "batch_releaser", "hours": 1, "reason": "payday"}
    )
    assert taken.status_code == 201, taken.content
    (seen,) = auditor.get("emergency-roles").json()["results"]
    assert (seen["role"], seen["reason"]) == ("batch_releaser", "payday")
    assert auditor.post("emergency-roles", {"role": "reviewer"}).status_code == 403
    assert other.post(f"emergency-roles/{seen['id']}/end").status_code == 200
    assert lender.post(f"delegations/{lent.json()['id']}/revoke").status_code == 200
    assert "finance_reviewer" not in other.get("me").json()["roles"]
    said = lender.post("me/interests", {"phones": []}).json()
    assert said["said"] == ["phones"]
    assert len(lender.get("separations").json()) == len(MATRIX)


def test_every_separation_is_held_by_what_stands_in_the_database():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT tgname FROM pg_trigger WHERE tgenabled"
            " = 'O'"
        )
        present = {name for (name,) in cursor.fetchall()}
    names = {name.removeprefix("pgtrigger_").rsplit("_", 1)[0] for name in present} | present
    missing = [name for line in MATRIX for name in line.held_by if name not in names]
    assert missing == []


def test_lending_leaves_a_row_that_nobody_edits(city):
    lend(city, city.finance_1, city.maker, "finance_reviewer")
    with pytest.raises(DatabaseError, match="is_written_once"), transaction.atomic():
        Delegation.objects.update(role="batch_checker")
