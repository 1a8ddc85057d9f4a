"""A certificate counts for one facility and period, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import SYSTEM, Invalid, NotFound
from providers.actions.allocate_certificates import allocate_certificates
from providers.actions.register_certificates import NewCertificate, register_certificates
from providers.actions.register_facility import register_facility
from providers.actions.retire_certificates import retire_certificates
from providers.green import Period
from providers.models import CertificateAllocation, GreenCertificate
from providers.rating_inputs import claims_of
from providers.refusals import CertificateExists, CertificateNotAvailable
from tests.factories import NOW
from tests.providers.supply import YEAR_ENDS, YEAR_STARTS, make_facility, provider_admin


def register(facility, *serials, actor=SYSTEM):
    return register_certificates(
        owner=facility.provider,
        certificates=[NewCertificate(serial, date(2025, 6, 17)) for serial in serials],
        actor=actor,
        at=NOW,
    )


def allocate(facility, *serials, actor=SYSTEM):
    return allocate_certificates(
        facility=facility,
        starts_at=YEAR_STARTS,
        ends_at=YEAR_ENDS,
        serials=serials,
        actor=actor,
        at=NOW,
    )


@pytest.mark.django_db
def test_a_certificate_is_held_then_allocated_then_retired():
    facility = make_facility()
    register(facility, "A", "B")
    assert GreenCertificate.objects.get(serial="A").vintage == date(2025, 6, 1)
    allocate(facility, "A", "B")
    assert retire_certificates(facility=facility, serials=["A"], actor=SYSTEM, at=NOW) == 1
    states = dict(GreenCertificate.objects.values_list("serial", "state"))
    assert states == {"A": "retired", "B": "allocated"}


@pytest.mark.django_db
def test_a_serial_is_registered_once():
    facility = make_facility()
    register(facility, "A")
    with pytest.raises(CertificateExists):
        register(make_facility(), "A")
    with pytest.raises(Invalid):
        register(facility, "C", "C")


@pytest.mark.django_db
def test_one_certificate_that_is_taken_refuses_all():
    facility = make_facility()
    register(facility, "A", "B")
    allocate(facility, "A")
    with pytest.raises(CertificateNotAvailable) as refusal:
        allocate(facility, "A", "B")
    assert refusal.value.facts["missing"] == 1
    assert GreenCertificate.objects.get(serial="B").state == "held"


@pytest.mark.django_db
def test_a_certificate_of_somebody_else_does_not_count():
    mine, other = make_facility(), make_facility()
    register(other, "A")
    with pytest.raises(CertificateNotAvailable):
        allocate(mine, "A")
    with pytest.raises(NotFound):
        allocate(other, "A", actor=provider_admin(mine))


@pytest.mark.django_db
def test_the_database_refuses_a_second_allocation_and_a_foreign_one():
    facility, other = make_facility(), make_facility()
    register(facility, "A")
    allocate(facility, "A")
    certificate = GreenCertificate.objects.get()
    row = {"period": DateTimeTZRange(YEAR_STARTS, YEAR_ENDS), "allocated_at": NOW}
    with pytest.raises(IntegrityError, match="certificate_id"), transaction.atomic():
        CertificateAllocation.objects.create(certificate=certificate, facility=facility, **row)
    register(facility, "B")
    free = GreenCertificate.objects.get(serial="B")
    with pytest.raises(IntegrityError, match="somebody else"), transaction.atomic():
        CertificateAllocation.objects.create(certificate=free, facility=other, **row)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["state = 'held'", "serial = 'Z'", "vintage = '2024-01-01'"])
def test_a_certificate_never_goes_back(change):
    facility = make_facility()
    register(facility, "A")
    allocate(facility, "A")
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE providers_greencertificate SET {change}")


@pytest.mark.django_db(transaction=True)
def test_of_thirty_two_who_race_for_a_certificate_one_gets_it():
    facility = make_facility()
    register(facility, "A")
    start = Barrier(32)

    def race(_):
        try:
            start.wait()
            allocate(facility, "A")
            return "got it"
        except CertificateNotAvailable:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as threads:
        ends = list(threads.map(race, range(32)))
    assert ends.count("got it") == 1
    assert ends.count("refused") == 31
    assert CertificateAllocation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_thirty_two_who_race_for_overlapping_lots_count_no_certificate_twice():
    first = make_facility()
    facilities = [
        first,
        register_facility(
            provider=first.provider, name="two", adcode="150100", site={}, actor=SYSTEM, at=NOW
        ),
    ]
    serials = [f"S-{number:02d}" for number in range(16)]
    register(first, *serials)
    start = Barrier(32)

    def race(number):
        lot = [serials[(number + step) % 16] for step in (0, 1, 5)]
        try:
            start.wait()
            return allocate(facilities[number % 2], *lot)
        except CertificateNotAvailable:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as threads:
        counted = sum(threads.map(race, range(32)))
    period = Period(YEAR_STARTS, YEAR_ENDS)
    used = [each.id for facility in facilities for each in claims_of(facility, period).certificates]
    assert 3 <= len(used) == len(set(used)) == counted <= 16
    assert GreenCertificate.objects.filter(state="allocated").count() == counted
