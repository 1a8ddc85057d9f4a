"""One fen is followed from the appropriation to the bank, with everybody who signed."""

from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.chain import verify_chain
from audit.models import AuditLink
from audit.seal import seal_events
from identity.models import User
from ledger.models import Posting
from marketplace.trace import follow_award, follow_redemption
from tests.factories import NOW
from tests.marketplace.portal.conftest import SPENT_FEN, auditor, browser
from tests.vouchers.office import make_applicant as make_applicant_actor
from tests.vouchers.office import make_office, make_programme, organization_of, zhongwei
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.review_award import approve_award

pytestmark = pytest.mark.slow

CODES = [
    "appropriation",
    "envelope",
    "policy_version",
    "application",
    "voucher",
    "hold",
    "redemption",
    "payable",
    "payout_batch",
    "bank",
]


def test_the_trail_has_every_stop_in_the_order_of_the_money(spent):
    trail = follow_redemption(spent.redemption)
    assert [step.code for step in trail.steps] == CODES
    assert trail.complete
    assert trail.amount_fen == SPENT_FEN


def test_each_movement_begins_where_the_one_before_ended(spent):
    trail = follow_redemption(spent.redemption)
    path = [move for step in trail.steps for move in step.movements]
    given_back = [move for move in path if move.source.endswith(":reserved")][1:]
    kept = [move for move in path if move not in given_back]
    assert [move.amount_fen for move in given_back] == [1_00]
    for before, after in pairwise(kept):
        assert after.source == before.destination
    assert kept[0].source.startswith("fund:")
    assert kept[-1].destination == f"treasury:{spent.batch.pk}:paid"
    assert kept[-1].amount_fen == SPENT_FEN
    for move in path:
        assert Posting.objects.filter(
            transfer__reference=move.reference,
            source__code=move.source,
            destination__code=move.destination,
            amount_fen=move.amount_fen,
        ).exists()


def test_every_signature_is_named(spent):
    signed = {
        step.code: [each.person.pk for each in step.signatures if each.person]
        for step in follow_redemption(spent.redemption).steps
    }
    city = spent.office.city
    assert signed["payable"] == [
        city.maker.person_id,
        city.finance_1.person_id,
        city.finance_2.person_id,
    ]
    assert signed["payout_batch"] == [
        city.maker.person_id,
        city.checker.person_id,
        city.releaser.person_id,
    ]
    for code, count in (("appropriation", 2), ("policy_version", 3), ("application", 3)):
        assert len(set(signed[code])) == count


@pytest.mark.django_db(transaction=True)
def test_every_step_carries_its_links_of_the_chain(spent):
    seal_events()
    assert not verify_chain().faults
    for step in follow_redemption(spent.redemption).steps:
        assert step.entries, step.code
        for entry in step.entries:
            assert AuditLink.objects.get(sequence=entry.sequence).hash == entry.hash


def test_the_page_reads_forward_and_back(spent):
    client, address = browser(auditor()), f"/auditor/trace/{spent.redemption.pk}"
    forward = client.get(address).content.decode()
    back = client.get(address, {"from": "bank"}).content.decode()
    assert forward.index("<h2>Appropriation") < forward.index("<h2>Bank confirmation")
    assert back.index("<h2>Bank confirmation") < back.index("<h2>Appropriation")
    for text in ("BANK-77", spent.batch.content_hash, f"rdm:{spent.redemption.pk}:earned"):
        assert text in forward
        assert text in back
    assert User.objects.get(pk=spent.office.city.releaser.person_id).username in forward
    assert client.get(address, {"from": "nowhere"}).status_code == 404


def test_following_takes_the_same_queries_for_a_payout_of_any_size(spent):
    with CaptureQueriesContext(
        connection,
    ) as first:
        follow_redemption(spent.redemption)
    assert len(first) <= 14


def test_an_award_is_followed_too(db):
    office = make_office()
    programme = make_programme(office, zhongwei())
    beneficiary = organization_of(make_applicant_actor())
    award = propose_award(
        version=programme.versions.get(),
        beneficiary=beneficiary,
        period_start=NOW.date().replace(year=NOW.year - 1, month=1, day=1),
        period_end=NOW.date().replace(month=1, day=1),
        facts={"annual_trade_volume_fen": 10_000_000_00},
        actor=office.reviewer,
        at=NOW,
    )
    assert award.amount_fen == 100_000_00
    for approver in (office.decider, office.city.finance_1):
        approve_award(award=award, actor=approver, at=NOW)
        award.refresh_from_db()
    trail = follow_award(award)
    assert [step.code for step in trail.steps] == [
        "appropriation",
        "envelope",
        "policy_version",
        "award",
        "payable",
    ]
    assert not trail.complete
