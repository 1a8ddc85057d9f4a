"""Each page is for its roles, shows only what is theirs, and only reads."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from tests.factories import make_actor, make_organization
from tests.marketplace.portal.conftest import auditor, browser, provider_of
from tests.scheduling.builders import make_placement, make_pool, make_workload
from tests.vouchers.office import make_voucher, organization_of

pytestmark = pytest.mark.django_db
PAGES = ("enterprise", "provider", "officer", "auditor")
ROLES = {
    "enterprise": ("enterprise", "enterprise_applicant"),
    "provider": ("provider", "provider_admin"),
    "officer": ("government", "budget_officer"),
    "auditor": ("government", "auditor"),
}


def somebody(page: str):
    kind, role = ROLES[page]
    return make_actor(make_organization(kind), role)


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_asked_to_log_in(page):
    answer = browser(None).get(reverse(page))
    assert answer.status_code == 302
    assert answer.url == f"{reverse('login')}?next={reverse(page)}"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", PAGES)
def test_a_page_is_for_its_roles_and_auditors_read_all(page, who):
    answer = browser(somebody(who)).get(reverse(page))
    assert answer.status_code == (200 if who in (page, "auditor") else 403)


def test_a_person_without_an_organization_sees_the_public_page_only(django_user_model):
    client = browser(None)
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert client.get("/").status_code == 200
    assert client.get("/officer").status_code == 403


def test_the_trail_is_for_auditors(spent):
    address = reverse("trace", args=[spent.redemption.pk])
    assert browser(spent.office.city.maker).get(address).status_code == 403
    assert browser(auditor()).get(address).status_code == 200
    assert browser(auditor()).get(reverse("trace", args=[0])).status_code == 404


@pytest.mark.parametrize("page", ["public", *PAGES])
def test_no_page_can_be_written_to(page):
    assert browser(auditor()).post(reverse(page)).status_code == 405


def test_an_enterprise_sees_its_vouchers_and_nobody_elses(spent):
    other, _applicant = make_voucher(spent.office)
    shown = browser(spent.applicant).get("/enterprise").content.decode()
    assert spent.redemption.voucher.serial in shown
    assert other.serial not in shown
    assert "¥123.45" in shown


def test_an_enterprise_sees_its_placements_and_nobody_elses(spent):
    mine = make_workload(enterprise=organization_of(spent.applicant))
    foreign = make_workload()
    for workload in (mine, foreign):
        make_placement(make_pool(), workload)
    shown = browser(spent.applicant).get("/enterprise").content.decode()
    assert mine.reference in shown
    assert foreign.reference not in shown


def test_a_provider_sees_what_it_is_owed_and_nobody_elses(spent):
    reference = f"redemption:{spent.redemption.pk}"
    assert reference in browser(provider_of(spent.redemption)).get("/provider").content.decode()
    assert reference not in browser(somebody("provider")).get("/provider").content.decode()


def test_a_facility_without_a_rating_is_unrated_not_zero():
    pool = make_pool()
    owner = make_actor(pool.facility.provider, "provider_admin")
    shown = browser(owner).get("/provider").content.decode()
    assert "Unrated" in shown
    assert "Tier" not in shown


def test_an_office_sees_its_own_envelopes_only(spent):
    mine = browser(spent.office.city.budget_officer).get("/officer").content.decode()
    assert spent.batch.content_hash in mine
    assert "The parts add up" in mine
    assert (
        spent.batch.content_hash
        not in browser(somebody("officer")).get("/officer").content.decode()
    )


def test_looking_changes_nothing(spent):
    client = browser(auditor())
    before = AuditEvent.objects.count()
    for page in ("public", *PAGES):
        assert client.get(reverse(page)).status_code == 200
    assert AuditEvent.objects.count() == before


def test_who_logs_in_lands_on_their_page(client, django_user_model):
    actor = somebody("provider")
    user = django_user_model.objects.get(pk=actor.person_id)
    answer = client.post(
        reverse("login"), {"username": user.username, "password": "a long test password"}
    )
    assert answer.url == reverse("provider")


def test_demo_people_are_named_in_a_demo_only(client, settings):
    organization = make_organization("enterprise")
    type(organization).objects.filter(pk=organization.pk).update(sample=True)
    make_actor(organization, "enterprise_applicant")
    settings.DEMO = True
    assert organization.name in client.get(reverse("login")).content.decode()
    settings.DEMO = False
    assert organization.name not in client.get(reverse("login")).content.decode()
