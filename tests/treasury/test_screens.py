"""Who is tied to those whom a decision concerns does not take it, and the screen stays."""

from datetime import timedelta

import pytest

from identity.actions.declare_interests import declare_interests
from identity.models import ConflictScreen, Organization
from identity.refusals import ConflictOfInterest, ScreenIncomplete
from tests.factories import NOW, make_actor
from tests.treasury.conftest import make_city, make_envelope, make_payee, propose
from tests.treasury.test_payouts import freeze, make
from tests.treasury.test_recoveries import AFTER, DUE, debtor, paid, served  # noqa: F401
from treasury.actions.approve_payable import approve_payable
from treasury.actions.decide_recovery import contest_recovery, decide_recovery
from treasury.actions.issue_demand import issue_demand
from treasury.actions.sign_batch import check_batch, release_batch
from treasury.actions.write_off import approve_write_off, check_for_fraud, propose_write_off

pytestmark = pytest.mark.django_db


def tie(actor, organization):
    """The actor declares to work for `organization` from now on."""
    declare_interests(
        actor=actor,
        at=NOW,
        employer_usccs=[organization.uscc],
        shareholding_usccs=[],
        phones=[],
        addresses=[],
        bank_account_numbers=[],
    )


def refused(action, organization, actor, subject, **arguments):
    """The action works, but not for somebody tied to `organization`."""
    tie(actor, organization)
    before = dict(vars(subject))
    with pytest.raises(ConflictOfInterest):
        action(actor=actor, **arguments)
    subject.refresh_from_db()
    assert subject.state == before["state"]
    screen = ConflictScreen.objects.latest("pk")
    assert (screen.result, screen.organization_id) == ("conflict", organization.pk)
    assert screen.person_id == actor.person_id


def test_a_batch_is_checked_and_released_by_people_tied_to_none_of_its_payees(city):
    envelope = make_envelope(city, holding_fen=1000)
    payees = [make_payee(city) for _ in range(2)]
    payables = [propose(city, envelope, payee, 10) for payee in payees]
    for payable in payables:
        for approver in (city.finance_1, city.finance_2):
            approve_payable(payable=payable, actor=approver, at=NOW)
    batch = freeze(city, make(city, *payables))
    refused(check_batch, payees[1], city.checker, batch, batch=batch, at=NOW)
    check_batch(batch=batch, actor=make_actor(city.organization, "batch_checker"), at=NOW)
    refused(release_batch, payees[0], city.releaser, batch, batch=batch, at=NOW)
    release_batch(batch=batch, actor=make_actor(city.organization, "batch_releaser"), at=NOW)
    assert batch.state == "approved_2"


def test_a_recovery_is_decided_by_somebody_untied_to_the_debtor(city, served, debtor):  # noqa: F811
    contest_recovery(
        case=served, statement="we did deliver", actor=debtor, at=NOW + timedelta(days=1)
    )
    decision = {"case": served, "upheld_fen": 0, "decision": "right", "at": NOW}
    refused(decide_recovery, served.debtor, city.finance_2, served, **decision)
    other = make_actor(city.organization, "finance_reviewer")
    assert decide_recovery(actor=other, **decision).state == "dismissed"


def test_a_debt_is_checked_for_fraud_and_written_off_by_people_untied_to_the_debtor(city, served):  # noqa: F811
    case = issue_demand(case=served, due_date=DUE, actor=city.finance_2, at=AFTER)
    write_off = propose_write_off(
        case=case, amount_fen=800, reason="insolvent", actor=city.finance_1, at=AFTER
    )
    checked = {"write_off": write_off, "result": "clear", "note": "court file", "at": AFTER}
    analyst = make_actor(city.organization, "fraud_analyst")
    refused(check_for_fraud, case.debtor, analyst, write_off, **checked)
    check_for_fraud(actor=make_actor(city.organization, "fraud_analyst"), **checked)
    signature = {"write_off": write_off, "at": AFTER}
    refused(approve_write_off, case.debtor, city.finance_2, write_off, **signature)
    other = make_actor(city.organization, "finance_reviewer")
    assert approve_write_off(actor=other, **signature).state == "half_approved"


def test_a_strict_office_wants_to_know_of_every_payee(city):
    envelope = make_envelope(city, holding_fen=1000)
    payable = propose(city, envelope, make_payee(city), 10)
    for approver in (city.finance_1, city.finance_2):
        approve_payable(payable=payable, actor=approver, at=NOW)
    batch = freeze(city, make(city, payable))
    Organization.objects.filter(pk=city.organization.pk).update(facts={"conflict_screen": "strict"})
    batch.refresh_from_db()
    with pytest.raises(ScreenIncomplete):
        check_batch(batch=batch, actor=city.checker, at=NOW)
    assert ConflictScreen.objects.latest("pk").act == "check"


def test_somebody_of_another_office_leaves_no_screen(city):
    envelope = make_envelope(city, holding_fen=1000)
    payable = propose(city, envelope, make_payee(city), 10)
    stranger = make_city().finance_1
    with pytest.raises(Exception, match="object"):
        approve_payable(payable=payable, actor=stranger, at=NOW)
    assert not ConflictScreen.objects.exists()
