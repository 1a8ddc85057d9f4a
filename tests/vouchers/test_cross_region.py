"""Vouchers spent outside their region: accepted by agreement, cleared by windows, to zero in both
books.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from audit.decisions import SYSTEM, Actor, Invalid, NotFound, SamePerson, StaleState
from audit.proofs import prove
from identity.models import Membership, Organization
from ledger.models import Account
from ledger.refusals import ReferenceReused
from tests.factories import NOW, make_actor, make_key, make_organization
from tests.treasury.conftest import City, give_account
from tests.vouchers.office import Office, make_office, make_programme, make_voucher, reserve
from tests.vouchers.rules.sheets import WAN, document, rate_line
from tests.vouchers.test_races import at_once
from treasury.actions.approve_payable import approve_payable
from treasury.actions.confirm_items import confirm_items
from treasury.actions.export_batch import export_batch
from treasury.actions.make_batch import make_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.sign_batch import check_batch, freeze_batch, release_batch
from treasury.bank_files import BankRow
from treasury.models import Payable
from treasury.proofs import PROOFS as TREASURY_PROOFS
from vouchers.actions.accept_spending import acceptance_for
from vouchers.actions.accrue_clearing import reverse_entry
from vouchers.actions.agree_acceptance import (
    approve_acceptance,
    end_acceptance,
    propose_acceptance,
)
from vouchers.actions.clear_regions import (
    close_clearing,
    confirm_clearing,
    dispute_entry,
    settle_dispute,
)
from vouchers.actions.commit_redemption import commit_redemption, release_redemption
from vouchers.actions.propose_redemption_payable import propose_redemption_payable
from vouchers.actions.quote_voucher_part import quote_voucher_part
from vouchers.actions.redeem_vouchers import redeem_voucher
from vouchers.actions.settle_payable import settle_payable
from vouchers.matching_terms import matching_terms
from vouchers.models import (
    AcceptanceAgreement,
    ClearingEntry,
    Redemption,
    RegionalClearing,
    Voucher,
)
from vouchers.proofs import PROOFS
from vouchers.refusals import (
    AcceptanceCapReached,
    NothingToNet,
    ReversedTooMuch,
    SpentOutside,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
EAST, WEST = "330100", "640500"
DAY = NOW.date()


@dataclass(frozen=True)
class Region:
    """An office somewhere, a provider there, and a voucher that stays at home by its terms."""

    office: Office
    adcode: str
    provider: Organization
    voucher: Voucher
    holder: Actor

    @property
    def organization(self) -> Organization:
        return self.office.organization

    @property
    def finance(self) -> tuple[Actor, Actor, Actor]:
        office = self.office
        return office.decider, office.second_decider, office.third_decider


def make_region(adcode: str) -> Region:
    office = make_office()
    Organization.objects.filter(pk=office.organization.pk).update(adcode=adcode)
    office.organization.refresh_from_db()
    terms = document(rate_line("0.2"), cross_region={"spend_within": adcode})
    voucher, holder = make_voucher(office, programme=make_programme(office, terms))
    voucher.refresh_from_db()
    return Region(office, adcode, make_organization("provider", adcode=adcode), voucher, holder)


@pytest.fixture
def east() -> Region:
    return make_region(EAST)


@pytest.fixture
def west() -> Region:
    return make_region(WEST)


def agree(issuer: Region, spender: Region, **changed: Any) -> AcceptanceAgreement:
    asked = {
        "issuer": issuer.organization,
        "spender": spender.organization,
        "programmes": [],
        "first_day": DAY,
        "last_day": DAY + timedelta(days=300),
        "rate": Decimal(1),
        "cap_fen": 1 * WAN,
        "actor": issuer.finance[0],
        "at": NOW,
    }
    agreement = propose_acceptance(**{**asked, **changed})
    approve_acceptance(agreement=agreement, actor=issuer.finance[1], at=NOW)
    return approve_acceptance(agreement=agreement, actor=spender.finance[0], at=NOW)


def spend(region: Region, at_region: Region, amount_fen: int) -> Redemption:
    """Held, run, and owed: `region`'s voucher pays `at_region`'s provider."""
    redemption = reserve(region.voucher, region.holder, amount_fen, provider=at_region.provider)
    commit_redemption(redemption=redemption, amount_fen=amount_fen, actor=SYSTEM, at=NOW)
    redemption.refresh_from_db()
    propose_redemption_payable(redemption=redemption, actor=SYSTEM, at=NOW)
    redemption.refresh_from_db()
    return redemption


LATER = NOW + timedelta(days=1)


def close(region: Region, other: Region) -> RegionalClearing:
    return close_clearing(
        region=region.organization,
        with_region=other.organization,
        budget_year=region.voucher.envelope.book.budget_year,
        upto=LATER,
        actor=region.finance[0],
        at=LATER,
    )


def confirm(clearing: RegionalClearing, *regions: Region) -> RegionalClearing:
    for region in regions:
        clearing = confirm_clearing(clearing=clearing, actor=region.finance[1], at=LATER)
    return clearing


def pay(region: Region, payable: Payable) -> None:
    city: City = region.office.city
    for approver in (city.finance_1, city.finance_2):
        approve_payable(payable=payable, actor=approver, at=LATER)
        payable.refresh_from_db()
    give_account(city, payable.payee)
    batch = make_batch(issuer=city.organization, payables=[payable], actor=city.maker, at=LATER)
    for act, actor in (
        (freeze_batch, city.maker),
        (check_batch, city.checker),
        (release_batch, city.releaser),
        (export_batch, city.maker),
        (mark_sent, city.maker),
    ):
        act(batch=batch, actor=actor, at=LATER)
        batch.refresh_from_db()
    item = batch.items.get()
    row = BankRow(item.end_to_end_id, "paid", item.amount_fen, None, f"BANK-{item.pk}")
    confirm_items(batch=batch, rows=[row], actor=city.maker, at=LATER)
    payable.refresh_from_db()
    settle_payable(payable=payable, actor=SYSTEM, at=LATER)


def same_year(*regions: Region) -> None:
    """Offices of tests keep books of different years; these two keep the same."""
    years = {region.voucher.envelope.book.budget_year for region in regions}
    assert len(years) == 1, years


def broken() -> set[str]:
    return {
        each.name
        for each in [*prove("vouchers", PROOFS), *prove("treasury", TREASURY_PROOFS)]
        if each.violations
    }


def test_a_voucher_that_stays_home_is_refused_outside_with_its_clause(
    east: Region, west: Region
) -> None:
    with pytest.raises(SpentOutside) as refused:
        reserve(east.voucher, east.holder, 100, provider=west.provider)
    assert "/cross_region" in refused.value.sentence("en")
    assert "互认" in refused.value.sentence("zh-hans")
    part = quote_voucher_part(
        voucher=east.voucher, order_amount_fen=1000, provider=west.provider, at=NOW
    )
    assert (part.decision, part.amount_fen) == ("refused", 0)
    assert [each.clause for each in part.reasons if each.status == "unmet"] == ["/cross_region"]
    assert reserve(east.voucher, east.holder, 100, provider=east.provider).reserved_fen == 100


def test_an_agreement_of_both_sides_lets_it_be_spent_there(east: Region, west: Region) -> None:
    agree(east, west)
    part = quote_voucher_part(
        voucher=east.voucher, order_amount_fen=1000, provider=west.provider, at=NOW
    )
    assert part.amount_fen == 200
    redemption = reserve(east.voucher, east.holder, 100, provider=west.provider)
    assert redemption.accepted.agreement.spender_id == west.organization.pk
    assert WEST in matching_terms(east.voucher, at=NOW)["regions"]


def test_where_the_compute_is_decides_not_where_its_owner_is_registered(
    east: Region, west: Region
) -> None:
    part = quote_voucher_part(
        voucher=east.voucher,
        order_amount_fen=1000,
        provider=west.provider,
        spent_in="330110",
        at=NOW,
    )
    assert part.amount_fen == 200


def test_a_rate_takes_its_share_of_what_is_paid_there(east: Region, west: Region) -> None:
    agree(east, west, rate=Decimal("0.5"))
    part = quote_voucher_part(
        voucher=east.voucher, order_amount_fen=1005, provider=west.provider, at=NOW
    )
    assert (part.amount_fen, part.own_part_fen) == (100, 905)
    assert part.steps[-1].name == "accepted_part"
    assert WEST not in matching_terms(east.voucher, at=NOW)["regions"]


@pytest.mark.parametrize("day", [-1, 301])
def test_an_agreement_holds_from_its_first_to_its_last_day(
    east: Region, west: Region, day: int
) -> None:
    agree(east, west)
    assert acceptance_for(east.voucher, spent_in=WEST, at=NOW) is not None
    with pytest.raises(SpentOutside):
        acceptance_for(east.voucher, spent_in=WEST, at=NOW + timedelta(days=day))


def test_an_agreement_that_is_not_signed_or_ended_or_of_another_programme_lets_nothing_through(
    east: Region, west: Region
) -> None:
    agreement = agree(east, west)
    end_acceptance(agreement=agreement, reason="over", actor=west.finance[2], at=NOW)
    other = make_programme(east.office)
    agree(east, west, programmes=[other])
    propose_acceptance(
        issuer=east.organization,
        spender=west.organization,
        programmes=[],
        first_day=DAY,
        last_day=DAY,
        rate=Decimal(1),
        cap_fen=1,
        actor=east.finance[0],
        at=NOW,
    )
    with pytest.raises(SpentOutside):
        reserve(east.voucher, east.holder, 1, provider=west.provider)


def test_the_cap_counts_holds_and_gets_back_what_is_released(east: Region, west: Region) -> None:
    agree(east, west, cap_fen=300)
    first = reserve(east.voucher, east.holder, 200, provider=west.provider)
    with pytest.raises(AcceptanceCapReached):
        reserve(east.voucher, east.holder, 101, provider=west.provider)
    release_redemption(redemption=first, actor=SYSTEM, at=NOW)
    assert reserve(east.voucher, east.holder, 300, provider=west.provider).reserved_fen == 300


def test_what_is_redeemed_at_once_is_accepted_too(east: Region, west: Region) -> None:
    agree(east, west, cap_fen=150)
    asked = {
        "voucher": east.voucher,
        "order_amount_fen": 1000,
        "amount_fen": 100,
        "provider": west.provider,
        "actor": east.holder,
        "at": NOW,
    }
    assert redeem_voucher(order_reference="one", **asked).accepted.amount_fen == 100
    with pytest.raises(AcceptanceCapReached):
        redeem_voucher(order_reference="two", **asked)
    assert Redemption.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_share_a_cap_that_holds_one() -> None:
    east, west = make_region(EAST), make_region(WEST)
    agree(east, west, cap_fen=150)
    answers = at_once(
        *(lambda: reserve(east.voucher, east.holder, 100, provider=west.provider) for _ in range(2))
    )
    assert sorted(type(each).__name__ for each in answers) == ["AcceptanceCapReached", "Redemption"]


def test_agreements_are_signed_by_three_people_of_both_sides(east: Region, west: Region) -> None:
    agreement = agree(east, west)
    assert agreement.state == "in_force"
    again = {
        "issuer": east.organization,
        "spender": west.organization,
        "programmes": [],
        "first_day": DAY,
        "last_day": DAY,
        "rate": Decimal(1),
        "cap_fen": 1,
        "actor": east.finance[0],
        "at": NOW,
    }
    second = propose_acceptance(**again)
    with pytest.raises(SamePerson):
        approve_acceptance(agreement=second, actor=east.finance[0], at=NOW)
    approve_acceptance(agreement=second, actor=east.finance[1], at=NOW)
    with pytest.raises(SamePerson):
        approve_acceptance(agreement=second, actor=east.finance[1], at=NOW)
    with pytest.raises(NotFound):
        approve_acceptance(agreement=second, actor=make_office().decider, at=NOW)
    with pytest.raises(Invalid):  # these days are covered
        approve_acceptance(agreement=second, actor=west.finance[0], at=NOW)


def balance(region: Region, code: str) -> int:
    """From postings: unbounded accounts keep no balance."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(SUM(CASE WHEN p.destination_id = a.id THEN p.amount_fen"
            " ELSE -p.amount_fen END), 0) FROM ledger_account a JOIN ledger_book b"
            " ON b.id = a.book_id JOIN ledger_posting p ON a.id IN (p.source_id, p.destination_id)"
            " WHERE a.code = %s AND b.issuer_adcode = %s",
            [code, region.adcode],
        )
        return int(cursor.fetchone()[0])


def test_the_region_there_pays_its_provider_and_is_owed_by_the_issuer(
    east: Region, west: Region
) -> None:
    agree(east, west)
    redemption = spend(east, west, 500)
    assert redemption.payable is not None
    assert redemption.payable.issuer_id == west.organization.pk
    assert balance(east, f"clear:{EAST}:{WEST}") == 500
    assert balance(west, f"clear:{EAST}:{WEST}") == -500
    assert broken() == set()
    pay(west, redemption.payable)
    redemption.refresh_from_db()
    assert redemption.state == "settled"
    assert broken() == set()


def test_a_window_nets_both_ways_and_one_payment_settles_it(east: Region, west: Region) -> None:
    same_year(east, west)
    agree(east, west)
    agree(west, east)
    spend(east, west, 500)
    spend(west, east, 300)
    clearing = close(east, west)
    assert sorted([clearing.one_owes_fen, clearing.other_owes_fen]) == [300, 500]
    with pytest.raises(NothingToNet):
        close(west, east)
    clearing = confirm(clearing, west, east)
    assert clearing.payable is not None
    assert (clearing.state, clearing.payable.amount_fen) == ("confirmed", 200)
    assert clearing.payable.issuer_id == east.organization.pk
    for region in (east, west):
        for code in (f"clear:{EAST}:{WEST}", f"clear:{WEST}:{EAST}"):
            assert balance(region, code) == 0
    assert balance(west, f"net:{clearing.pk}:due") == -200
    assert broken() == set()
    pay(east, clearing.payable)
    clearing.refresh_from_db()
    assert clearing.state == "settled"
    assert balance(west, f"net:{clearing.pk}:due") == 0
    assert broken() == set()


def test_equal_debts_settle_without_a_payment(east: Region, west: Region) -> None:
    same_year(east, west)
    agree(east, west)
    agree(west, east)
    spend(east, west, 300)
    spend(west, east, 300)
    clearing = confirm(close(east, west), east, west)
    assert (clearing.state, clearing.payable) == ("settled", None)
    assert broken() == set()


def test_who_closed_it_does_not_confirm_and_a_side_confirms_once(
    east: Region, west: Region
) -> None:
    agree(east, west)
    spend(east, west, 300)
    clearing = close(east, west)
    with pytest.raises(SamePerson):
        confirm_clearing(clearing=clearing, actor=east.finance[0], at=LATER)
    confirm(clearing, east)
    with pytest.raises(StaleState):
        confirm_clearing(clearing=clearing, actor=east.finance[2], at=LATER)
    with pytest.raises(NotFound):
        confirm_clearing(clearing=clearing, actor=make_office().decider, at=LATER)


@pytest.mark.django_db(transaction=True)
def test_a_window_closed_from_both_sides_at_once_is_one_window() -> None:
    east, west = make_region(EAST), make_region(WEST)
    agree(east, west)
    spend(east, west, 300)
    year = east.voucher.envelope.book.budget_year

    def closing(region: Region, other: Region) -> RegionalClearing:
        return close_clearing(
            region=region.organization,
            with_region=other.organization,
            budget_year=year,
            upto=LATER,
            actor=region.finance[0],
            at=LATER,
        )

    answers = at_once(lambda: closing(east, west), lambda: closing(west, east))
    assert sorted(type(each).__name__ for each in answers) == ["NothingToNet", "RegionalClearing"]
    clearing = RegionalClearing.objects.get()
    both = at_once(
        *(
            lambda region=region: confirm_clearing(
                clearing=RegionalClearing.objects.get(), actor=region.finance[1], at=LATER
            )
            for region in (east, west)
        )
    )
    assert not [each for each in both if isinstance(each, Exception)], both
    clearing.refresh_from_db()
    assert clearing.state == "confirmed"
    assert Payable.objects.filter(kind="region_clearing").count() == 1
    assert broken() == set()


def test_what_is_given_back_after_a_clearing_goes_into_the_next(east: Region, west: Region) -> None:
    agree(east, west)
    spend(east, west, 500)
    clearing = confirm(close(east, west), east, west)
    pay(east, clearing.payable)  # type: ignore[arg-type]
    entry = ClearingEntry.objects.get()
    asked: dict[str, Any] = {
        "entry": entry,
        "reference": "refund-1",
        "reason": "the pool was down",
        "actor": west.finance[0],
        "at": NOW,
    }
    reversal = reverse_entry(amount_fen=200, **asked)
    assert reverse_entry(amount_fen=200, **asked) == reversal
    with pytest.raises(ReferenceReused):
        reverse_entry(amount_fen=100, **asked)
    with pytest.raises(ReversedTooMuch):
        reverse_entry(amount_fen=301, **{**asked, "reference": "refund-2"})
    assert broken() == set()
    second = close(east, west)
    assert (second.number, second.one_owes_fen + second.other_owes_fen) == (2, 200)
    second = confirm(second, west, east)
    assert second.payable is not None
    assert (second.payable.issuer_id, second.payable.amount_fen) == (west.organization.pk, 200)
    assert broken() == set()


def test_a_disputed_entry_leaves_its_window_and_comes_back_in_the_next(
    east: Region, west: Region
) -> None:
    agree(east, west)
    spend(east, west, 500)
    spend(east, west, 70)
    clearing = confirm(close(east, west), west)
    disputed = ClearingEntry.objects.get(amount_fen=70)
    dispute_entry(entry=disputed, reason="not ours", actor=east.finance[1], at=LATER)
    clearing.refresh_from_db()
    assert clearing.state == "closed"  # the confirmation was of other figures
    assert clearing.one_owes_fen + clearing.other_owes_fen == 500
    confirm(clearing, west, east)
    entry = ClearingEntry.objects.get(amount_fen=500)
    with pytest.raises(StaleState):
        dispute_entry(entry=entry, reason="too late", actor=east.finance[1], at=LATER)
    with pytest.raises(NothingToNet):
        close(east, west)
    settle_dispute(entry=disputed, reason="it is", actor=east.finance[1], at=LATER)
    assert close(east, west).number == 2
    assert broken() == set()


PLANTED = {
    "a posting of one book only": (
        "UPDATE ledger_posting SET amount_fen = 501 WHERE transfer_id ="
        " (SELECT creditors_transfer_id FROM vouchers_clearingentry ORDER BY id LIMIT 1)"
    ),
    "an entry made bigger": "UPDATE vouchers_clearingentry SET amount_fen = amount_fen + 1",
    "an entry that left its window": "UPDATE vouchers_clearingentry SET clearing_id = NULL",
    "a window that owes less": (
        "UPDATE vouchers_regionalclearing SET one_owes_fen = 0, other_owes_fen = 0"
    ),
    "a window said to be settled": "UPDATE vouchers_regionalclearing SET state = 'settled'",
    "a cap lowered below what was spent": "UPDATE vouchers_acceptanceagreement SET cap_fen = 499",
}


@pytest.mark.parametrize("damage", PLANTED)
def test_the_proof_names_planted_damage(east: Region, west: Region, damage: str) -> None:
    agree(east, west)
    spend(east, west, 500)
    confirm(close(east, west), east, west)
    assert broken() == set()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(PLANTED[damage])
        cursor.execute("SET session_replication_role = origin")
    assert "I11" in broken()


# --- over HTTP


def caller(actor: Actor, language: str = "en") -> APIClient:
    membership = Membership.objects.get(
        user_id=actor.person_id, organization_id=actor.organization_id
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=make_key(membership), HTTP_ACCEPT_LANGUAGE=language)
    return client


def asked_of(west: Region) -> dict[str, Any]:
    return {
        "spender": west.organization.pk,
        "first_day": DAY.isoformat(),
        "last_day": (DAY + timedelta(days=9)).isoformat(),
        "cap_fen": 1000,
    }


def test_two_regions_agree_spend_and_clear_over_http(east: Region, west: Region) -> None:
    ours, second = (caller(each) for each in east.finance[:2])
    theirs, their_second = (caller(each) for each in west.finance[:2])
    made = ours.post("/api/v1/acceptance-agreements", asked_of(west), format="json")
    assert made.status_code == 201, made.content
    where = f"/api/v1/acceptance-agreements/{made.json()['id']}"
    assert second.post(f"{where}/approve").json()["state"] == "half_approved"
    assert theirs.post(f"{where}/approve").json()["state"] == "in_force"
    spend(east, west, 500)
    body = {
        "with_region": west.organization.pk,
        "budget_year": east.voucher.envelope.book.budget_year,
        "upto": LATER.isoformat(),
    }
    (entry,) = ours.get("/api/v1/clearing-entries").json()["results"]
    assert (entry["amount_fen"], entry["debtor"]) == (500, east.organization.pk)
    closed = ours.post("/api/v1/regional-clearings", body, format="json")
    assert closed.status_code == 201, closed.content
    again = ours.post("/api/v1/regional-clearings", body, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_net")
    where = f"/api/v1/regional-clearings/{closed.json()['id']}"
    assert second.post(f"{where}/confirm").json()["state"] == "half_confirmed"
    assert their_second.post(f"{where}/confirm").json()["state"] == "confirmed"
    stranger = caller(make_office().decider)
    assert stranger.get(where).status_code == 404
    assert stranger.post(f"{where}/confirm").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spender", 0),
        ("programmes", [0]),
        ("first_day", "soon"),
        ("last_day", "2020-01-01"),
        ("rate", "1.5"),
        ("rate", "0"),
        ("cap_fen", 0),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_wrong_field_of_an_agreement_is_named(
    east: Region, west: Region, field: str, value: Any, language: str
) -> None:
    client = caller(east.finance[0], language)
    body = {**asked_of(west), field: value}
    answer = client.post("/api/v1/acceptance-agreements", body, format="json")
    assert (answer.status_code, field in str(answer.json()["errors"])) == (422, True)
    said = str([answer.json()["detail"], [each["detail"] for each in answer.json()["errors"]]])
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh-hans")


@pytest.mark.parametrize(
    ("role", "kind"), [("auditor", "government"), ("enterprise_applicant", "enterprise")]
)
def test_others_agree_to_nothing(west: Region, role: str, kind: str) -> None:
    client = caller(make_actor(make_organization(kind), role))
    answer = client.post("/api/v1/acceptance-agreements", asked_of(west), format="json")
    assert answer.status_code == 403
    assert AcceptanceAgreement.objects.count() == 0


def test_no_account_is_left_that_nobody_looks_at(east: Region, west: Region) -> None:
    agree(east, west)
    spend(east, west, 500)
    codes = set(Account.objects.filter(code__startswith="clear:").values_list("code", flat=True))
    assert codes == {f"clear:{EAST}:{WEST}"}
