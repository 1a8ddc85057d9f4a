"""A payout batch from draft to closed, past three people and the bank."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM, NotPermitted, SamePerson, StaleState
from identity.actions.grant_role import grant_role
from identity.models import Membership
from ledger.actions.open_account import open_account
from ledger.queries import balance_fen
from tests.factories import NOW, make_actor, make_organization
from tests.treasury.conftest import give_account, make_city, make_envelope, make_payee, propose
from treasury.actions.confirm_items import confirm_items
from treasury.actions.export_batch import export_batch
from treasury.actions.make_batch import make_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.reconcile_batch import close_batch, reconcile_batch
from treasury.actions.reject_batch import reject_batch
from treasury.actions.sign_batch import check_batch, freeze_batch, release_batch
from treasury.bank_files import BankRow, read_answers
from treasury.models import BankFile, Payable, PayoutBatch, PayoutItem
from treasury.queries import batch_warnings, envelope_figures
from treasury.refusals import (
    AccountNotReverified,
    AnswerContradicts,
    BatchAltered,
    ItemsUnresolved,
    MalformedBankFile,
    MixedBooks,
    NothingToPay,
    NoVerifiedAccount,
    UnknownItem,
)

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def make(city, *payables, **more):
    return make_batch(
        issuer=city.organization,
        payables=payables,
        actor=more.pop("actor", city.maker),
        at=NOW,
        **more,
    )


def freeze(city, batch):
    return freeze_batch(batch=batch, actor=city.maker, at=NOW)


def send(city, batch):
    freeze(city, batch)
    check_batch(batch=batch, actor=city.checker, at=NOW)
    release_batch(batch=batch, actor=city.releaser, at=NOW)
    export_batch(batch=batch, actor=city.maker, at=NOW)
    return mark_sent(batch=batch, actor=city.maker, at=NOW)


def answer(city, batch, *rows, at=NOW):
    return confirm_items(batch=batch, rows=rows, actor=city.maker, at=at)


def ids(batch):
    return [item.end_to_end_id for item in batch.items.order_by("position")]


def in_transit(batch):
    account = open_account(book=batch.book, code=batch.account_code("in_transit"))
    return balance_fen(account)


def paid(batch):
    return balance_fen(
        open_account(book=batch.book, code=batch.account_code("paid"), floor_fen=None)
    )


def test_a_batch_goes_from_draft_to_closed_and_the_money_with_it(city, envelope, owe):
    one, two = owe(3000), owe(1234)
    batch = send(city, make(city, one, two))
    assert (batch.state, in_transit(batch), paid(batch)) == ("sent", 4234, 0)
    answer(city, batch, *(BankRow(each, "paid") for each in ids(batch)))
    assert (batch.state, in_transit(batch), paid(batch)) == ("confirmed", 0, 4234)
    reconcile_batch(batch=batch, actor=city.checker, at=NOW)
    close_batch(batch=batch, actor=city.checker, at=NOW)
    one.refresh_from_db()
    assert (one.state, batch.state) == ("paid", "closed")
    figures = envelope_figures(envelope)
    assert (figures.payable_fen, figures.paid_fen, figures.unaccounted_fen) == (0, 4234, 0)


def test_the_file_carries_the_control_total_and_is_kept_byte_for_byte(city, owe):
    batch = freeze(city, make(city, owe(300_00), owe(12_34)))
    check_batch(batch=batch, actor=city.checker, at=NOW)
    release_batch(batch=batch, actor=city.releaser, at=NOW)
    file = export_batch(batch=batch, actor=city.maker, at=NOW)
    lines = file.content.splitlines()
    assert lines[0].startswith("\ufeffend_to_end_id")
    assert ",300.00," in lines[1]
    assert lines[-1].startswith("total 合计,2,")
    assert ",312.34," in lines[-1]
    assert (batch.control_total_fen, batch.item_count) == (31_234, 2)
    with pytest.raises(DatabaseError, match="is_never_edited"), transaction.atomic():
        BankFile.objects.update(content="")


def test_no_batch_without_payables_or_with_those_of_another_issuer(city, owe):
    with pytest.raises(NothingToPay):
        make(city)
    other = make_city()
    theirs = propose(other, make_envelope(other, holding_fen=10), make_payee(other), 10)
    with pytest.raises(MixedBooks):
        make(city, owe(1), theirs)


def test_only_an_approved_payable_is_paid_and_only_once(city, envelope, payee, owe):
    with pytest.raises(StaleState):
        make(city, propose(city, envelope, payee, 10))
    payable = owe(10)
    make(city, payable)
    with pytest.raises(StaleState):
        make(city, payable)


def test_nobody_is_paid_into_an_unverified_account(city, owe):
    stranger = make_organization("provider")
    payable = owe(10, stranger)
    with pytest.raises(NoVerifiedAccount):
        make(city, payable)
    payable.refresh_from_db()
    assert payable.state == Payable.State.APPROVED


class TestThreePeople:
    @pytest.fixture
    def batch(self, city, owe):
        return freeze(city, make(city, owe(100)))

    @pytest.fixture
    def jack(self, city):
        """Somebody who holds every role, which helps nothing."""
        return make_actor(city.organization, "batch_maker", "batch_checker", "batch_releaser")

    def test_the_maker_does_not_check(self, city, owe, jack):
        batch = freeze(city, make(city, owe(1), actor=jack))
        with pytest.raises(SamePerson):
            check_batch(batch=batch, actor=jack, at=NOW)

    def test_the_checker_does_not_release(self, batch, jack):
        check_batch(batch=batch, actor=jack, at=NOW)
        with pytest.raises(SamePerson):
            release_batch(batch=batch, actor=jack, at=NOW)

    def test_a_role_lent_later_does_not_restore_what_was_lost(self, city, batch):
        maker = Membership.objects.get(user_id=city.maker.person_id)
        grant_role(
            user=maker.user,
            organization=city.organization,
            role="batch_checker",
            actor=SYSTEM,
            at=NOW,
        )
        with pytest.raises(SamePerson):
            check_batch(batch=batch, actor=maker.actor(at=LATER), at=LATER)

    def test_a_checker_of_one_version_does_not_make_the_next(self, city, batch, jack, owe):
        check_batch(batch=batch, actor=jack, at=NOW)
        reject_batch(batch=batch, reason="a wrong name", actor=city.releaser, at=NOW)
        payables = list(Payable.objects.filter(state="approved"))
        with pytest.raises(SamePerson):
            make(city, *payables, actor=jack, replaces=batch)
        second = freeze(city, make(city, *payables, replaces=batch))
        check_batch(batch=second, actor=city.checker, at=NOW)
        with pytest.raises(SamePerson):
            release_batch(batch=second, actor=jack, at=NOW)

    def test_the_database_remembers_over_all_versions(self, city, batch, jack):
        check_batch(batch=batch, actor=jack, at=NOW)
        reject_batch(batch=batch, reason="a wrong name", actor=city.releaser, at=NOW)
        with (
            pytest.raises(DatabaseError, match="nobody_changes_hats_on_a_batch"),
            transaction.atomic(),
        ):
            PayoutBatch.objects.create(
                issuer=batch.issuer,
                book=batch.book,
                lineage=batch.pk,
                made_by_id=jack.person_id,
                made_at=NOW,
            )

    @pytest.mark.parametrize(
        ("statement", "refusal"),
        [
            (
                "UPDATE treasury_payoutbatch SET state = 'approved_1', checked_by_id = made_by_id",
                "maker_checker_and_releaser_are_three_people",
            ),
            (
                "UPDATE treasury_payoutbatch SET state = 'approved_1'",
                "a_checked_batch_names_its_checker",
            ),
            ("UPDATE treasury_payoutbatch SET state = 'exported'", "moves_along_drawn_lines"),
            ("UPDATE treasury_payoutbatch SET made_by_id = NULL", "is_written_once"),
            ("UPDATE treasury_payoutbatch SET control_total_fen = 1", "is_written_once"),
            ("UPDATE treasury_payoutitem SET amount_fen = 1", "is_written_once"),
            ("UPDATE treasury_payoutitem SET state = 'paid'", "moves_along_drawn_lines"),
            ("DELETE FROM treasury_payoutitem", "is_never_deleted"),
            ("DELETE FROM treasury_signature", "is_never_edited"),
            (
                "INSERT INTO treasury_payoutitem (batch_id, position, payable_id, bank_account_id,"
                " amount_fen, state) SELECT batch_id, 2, payable_id, bank_account_id, amount_fen,"
                " 'queued' FROM treasury_payoutitem",
                "item does not pay an approved payable",
            ),
        ],
    )
    def test_a_shell_session_cannot_sign_or_alter(self, batch, statement, refusal):
        with (
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    def test_an_auditor_and_the_system_sign_nothing(self, city, batch):
        for actor in (SYSTEM, make_actor(city.organization, "auditor")):
            with pytest.raises(NotPermitted):
                check_batch(batch=batch, actor=actor, at=NOW)


class TestControlTotal:
    def test_a_batch_is_frozen_only_with_its_own_total(self, city, owe):
        batch = make(city, owe(100))
        with pytest.raises(DatabaseError, match="does not add up"), transaction.atomic():
            PayoutBatch.objects.filter(pk=batch.pk).update(
                state="frozen", control_total_fen=101, item_count=1, content_hash="0" * 64
            )

    def test_a_batch_altered_behind_the_guards_is_not_signed(self, city, owe):
        batch = freeze(city, make(city, owe(100)))
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("UPDATE treasury_bankaccount SET number = '99999999'")
            cursor.execute("SET session_replication_role = origin")
        with pytest.raises(BatchAltered):
            check_batch(batch=batch, actor=city.checker, at=NOW)

    def test_the_hash_is_of_what_the_bank_will_see(self, city, owe, payee):
        one, two = (freeze(city, make(city, owe(100))) for _ in range(2))
        assert one.content_hash != two.content_hash


class TestTheBankAnswers:
    @pytest.fixture
    def batch(self, city, owe):
        return send(city, make(city, owe(100), owe(20), owe(3)))

    def test_a_return_brings_the_money_back_and_waits_for_a_verified_account(
        self, city, batch, payee
    ):
        one, two, three = ids(batch)
        answer(
            city,
            batch,
            BankRow(one, "paid"),
            BankRow(two, "returned", code="AC04"),
            BankRow(three, "paid"),
        )
        assert (batch.state, in_transit(batch)) == ("partially_confirmed", 0)
        item = batch.items.get(position=2)
        assert (item.bank_code, item.payable.state) == ("AC04", "approved")
        with pytest.raises(AccountNotReverified):
            make(city, item.payable)
        give_account(city, payee, at=LATER)  # the same person as before
        with pytest.raises(AccountNotReverified):
            make(city, item.payable)
        give_account(city, payee, at=LATER, verifier=city.finance_1)
        again = make(city, item.payable)
        item.refresh_from_db()
        assert (item.state, again.items.get().reissues) == ("reissued", item)
        send(city, again)
        answer(city, again, BankRow(ids(again)[0], "paid"))
        reconcile_batch(batch=batch, actor=city.checker, at=NOW)
        assert paid(batch) + paid(again) == 123

    def test_unknown_blocks_closing_until_the_bank_knows(self, city, batch):
        one, two, three = ids(batch)
        answer(city, batch, BankRow(one, "paid"), BankRow(two, "unknown"), BankRow(three, "paid"))
        assert in_transit(batch) == 20
        with pytest.raises(ItemsUnresolved):
            reconcile_batch(batch=batch, actor=city.checker, at=NOW)
        answer(city, batch, BankRow(two, "paid"), at=LATER)
        assert (batch.state, in_transit(batch), paid(batch)) == ("confirmed", 0, 123)
        reconcile_batch(batch=batch, actor=city.checker, at=NOW)

    def test_an_unknown_payment_is_not_paid_again(self, city, batch):
        answer(city, batch, BankRow(ids(batch)[0], "unknown"))
        item = batch.items.get(position=1)
        with pytest.raises(StaleState):
            make(city, item.payable)
        with pytest.raises(DatabaseError), transaction.atomic():
            PayoutItem.objects.create(
                batch=make_draft(city, batch),
                position=1,
                payable=item.payable,
                bank_account=item.bank_account,
                amount_fen=item.amount_fen,
            )

    def test_silence_blocks_closing_too(self, city, batch):
        answer(city, batch, BankRow(ids(batch)[0], "paid"))
        with pytest.raises(ItemsUnresolved):
            reconcile_batch(batch=batch, actor=city.checker, at=NOW)

    def test_the_same_answer_twice_changes_nothing(self, city, batch):
        rows = [BankRow(each, "paid") for each in ids(batch)]
        answer(city, batch, *rows)
        answer(city, batch, *rows)
        assert paid(batch) == 123

    def test_a_wrong_row_leaves_nothing_of_the_file_applied(self, city, batch):
        one, two, _three = ids(batch)
        with pytest.raises(UnknownItem) as refusal:
            answer(city, batch, BankRow(one, "paid"), BankRow("SQ-nobody", "paid"))
        assert refusal.value.facts["row"] == 2
        with pytest.raises(AnswerContradicts):
            answer(city, batch, BankRow(one, "paid"), BankRow(two, "paid", amount_fen=21))
        with pytest.raises(MalformedBankFile):
            answer(city, batch, BankRow(one, "paid"), BankRow(one, "returned"))
        assert (in_transit(batch), paid(batch)) == (123, 0)
        assert set(batch.items.values_list("state", flat=True)) == {"sent"}

    def test_a_payment_returned_after_it_was_paid_is_owed_again(self, city, batch, envelope):
        answer(city, batch, *(BankRow(each, "paid") for each in ids(batch)))
        reconcile_batch(batch=batch, actor=city.checker, at=NOW)
        close_batch(batch=batch, actor=city.checker, at=NOW)
        answer(city, batch, BankRow(ids(batch)[0], "returned", code="AC06"), at=LATER)
        item = batch.items.get(position=1)
        assert (batch.state, item.state, item.payable.state) == ("closed", "returned", "approved")
        assert paid(batch) == 23
        figures = envelope_figures(envelope)
        assert (figures.payable_fen, figures.paid_fen, figures.unaccounted_fen) == (100, 23, 0)

    def test_a_returned_payment_is_not_paid_afterwards(self, city, batch):
        answer(city, batch, BankRow(ids(batch)[0], "returned"))
        with pytest.raises(AnswerContradicts):
            answer(city, batch, BankRow(ids(batch)[0], "paid"))
        assert paid(batch) == 0

    def test_a_batch_not_sent_has_no_answers(self, city, owe):
        draft = make(city, owe(1))
        with pytest.raises(StaleState):
            answer(city, draft, BankRow(ids(draft)[0], "paid"))


def make_draft(city, batch):
    return PayoutBatch.objects.create(
        issuer=batch.issuer, book=batch.book, made_by_id=city.maker.person_id, made_at=NOW
    )


def test_a_rejected_batch_frees_its_payables(city, owe):
    payable = owe(10)
    batch = freeze(city, make(city, payable))
    reject_batch(batch=batch, reason="wrong", actor=city.checker, at=NOW)
    with pytest.raises(StaleState):
        freeze(city, batch)
    assert make(city, Payable.objects.get(pk=payable.pk)).state == "draft"


def test_warns_of_shared_and_changed_accounts(city, payee, owe):
    first = send(city, make(city, owe(10)))
    answer(city, first, BankRow(ids(first)[0], "paid"))
    give_account(city, payee, number="6222999988887777", at=LATER)
    make_payee(city, number="6222999988887777")
    codes = {each.code for each in batch_warnings(make(city, owe(5)))}
    assert codes == {"account_shared", "account_changed"}


class TestAnswerFiles:
    def test_reads_what_a_bank_writes(self):
        text = (
            "\ufeffend_to_end_id,status,amount_yuan,code,bank_reference\r\n"
            "SQ00000001-00001,paid,12.34,,B1\r\nSQ00000001-00002,returned,0.05,AC01,\r\n"
        )
        first, second = read_answers(text)
        assert first == BankRow("SQ00000001-00001", "paid", 1234, None, "B1")
        assert second == replace(second, amount_fen=5, code="AC01", bank_reference=None)

    @pytest.mark.parametrize(
        ("text", "row"),
        [
            ("", 1),
            ("status\npaid\n", 1),
            ("end_to_end_id,status\n", 1),
            ("end_to_end_id,status,amount_yuan\na,paid,1.2\n", 2),
            ("end_to_end_id,status,amount_yuan\na,paid,1.20\nb,paid,-1.00\n", 3),
            ("end_to_end_id,status\na,settled\n", 2),
        ],
    )
    def test_refuses_what_it_cannot_read_and_says_where(self, text, row):
        with pytest.raises(MalformedBankFile) as refusal:
            read_answers(text)
        assert refusal.value.facts["row"] == row
