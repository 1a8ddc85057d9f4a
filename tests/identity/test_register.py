"""Organizations by their USCC, people by their roles, machines by their keys."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as some

from audit.decisions import SYSTEM, Invalid, NotPermitted
from audit.models import AuditEvent
from identity.actions.grant_role import grant_role
from identity.actions.register_organization import register_organization
from identity.actions.register_person import register_person
from identity.models import ApiKey, Organization, RoleGrant
from identity.policy import require_role, sees_everything
from identity.roles import Role
from identity.uscc import validate_adcode, validate_uscc
from tests.factories import NOW, make_actor, make_key, make_membership, make_organization, make_uscc


class TestCodes:
    # The two examples printed in GB 32100-2015 and a well-known company's public code.
    @pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000802100433B"])
    def test_accepts_a_code_with_a_right_check_digit(self, code):
        validate_uscc(code)

    @given(some.integers(0, 10**7 - 1), some.integers(0, 16), some.sampled_from("0123456789"))
    def test_refuses_any_single_digit_changed(self, number, position, digit):
        code = make_uscc(number)
        changed = code[:position] + digit + code[position + 1 :]
        if changed == code:
            return
        with pytest.raises(ValidationError):
            validate_uscc(changed)

    @pytest.mark.parametrize("code", ["", "91350100M000100Y4", " 91350100M000100Y43", "lower"])
    def test_refuses_what_is_no_code(self, code):
        with pytest.raises(ValidationError):
            validate_uscc(code)

    @pytest.mark.parametrize("code", ["110000", "640500", "131000", "100000"])
    def test_accepts_administrative_codes(self, code):
        validate_adcode(code)

    @pytest.mark.parametrize("code", ["", "11", "990000", "11000a", "１１００００", "160000"])
    def test_refuses_what_is_no_administrative_code(self, code):
        with pytest.raises(ValidationError):
            validate_adcode(code)


@pytest.mark.django_db
class TestOrganizations:
    def test_a_code_is_registered_once(self):
        first = make_organization()
        with pytest.raises(Invalid) as refusal:
            register_organization(
                kind="enterprise",
                name="again",
                uscc=first.uscc,
                adcode=first.adcode,
                actor=SYSTEM,
                at=NOW,
            )
        assert refusal.value.field == "uscc"

    def test_the_database_refuses_codes_of_another_alphabet(self):
        with (
            pytest.raises(DatabaseError, match="a_uscc_has_eighteen_characters_of_its_alphabet"),
            transaction.atomic(),
        ):
            Organization.objects.create(kind="enterprise", name="x", uscc="I" * 18, adcode="131000")

    def test_an_organization_is_never_deleted(self):
        organization = make_organization()
        with pytest.raises(DatabaseError, match="is_never_deleted"), transaction.atomic():
            organization.delete()


@pytest.mark.django_db
class TestPeople:
    def test_a_person_is_registered_with_roles_and_an_event(self):
        organization = make_organization("government")
        membership = register_person(
            username="wang",
            password="a long and quiet word",
            organization=organization,
            roles=["budget_officer"],
            actor=SYSTEM,
            at=NOW,
        )
        assert membership.actor(at=NOW).has("budget_officer")
        assert AuditEvent.objects.filter(kind="person.registered").count() == 1

    @pytest.mark.parametrize(
        ("username", "password", "field"),
        [("wang", "short", "password"), ("w ang", "a long and quiet word", "username")],
    )
    def test_a_weak_password_or_an_impossible_name_is_named(self, username, password, field):
        with pytest.raises(Invalid) as refusal:
            register_person(
                username=username,
                password=password,
                organization=make_organization(),
                roles=[],
                actor=SYSTEM,
                at=NOW,
            )
        assert refusal.value.field == field

    def test_an_enterprise_has_no_budget_officer(self):
        membership = make_membership(make_organization("enterprise"))
        with pytest.raises(Invalid):
            grant_role(
                user=membership.user,
                organization=membership.organization,
                role="budget_officer",
                actor=SYSTEM,
                at=NOW,
            )

    def test_a_role_ends_when_it_ends(self):
        membership = make_membership(make_organization("government"))
        grant_role(
            user=membership.user,
            organization=membership.organization,
            role="auditor",
            actor=SYSTEM,
            at=NOW,
            ends_at=NOW + timedelta(hours=1),
        )
        assert not membership.actor(at=NOW - timedelta(seconds=1)).has("auditor")
        assert membership.actor(at=NOW).has("auditor")
        assert not membership.actor(at=NOW + timedelta(hours=1)).has("auditor")

    def test_a_role_is_not_held_twice_at_once(self):
        membership = make_membership(make_organization("government"), "auditor")
        grant = membership.grants.get()
        with (
            pytest.raises(DatabaseError, match="a_role_is_not_granted_twice_at_once"),
            transaction.atomic(),
        ):
            RoleGrant.objects.create(membership=membership, role="auditor", valid=grant.valid)

    def test_the_system_holds_no_role_and_sees_everything(self):
        assert sees_everything(SYSTEM)
        for role in Role:
            with pytest.raises(NotPermitted):
                require_role(SYSTEM, role)

    def test_an_officer_of_one_body_is_nobody_in_another(self):
        actor = make_actor(make_organization("government"), "reviewer")
        require_role(actor, Role.REVIEWER)
        with pytest.raises(NotPermitted):
            require_role(actor, Role.AUDITOR)
        assert not sees_everything(actor)


@pytest.mark.django_db
def test_only_the_hash_of_a_key_is_stored():
    plain = make_key(make_membership(make_organization())).removeprefix("Api-Key ")
    stored = ApiKey.objects.values().get()
    assert plain.split(".")[1] not in str(stored)
