"""The bank's own language: pain.001 out, pain.002 and camt.054 in, and what it cannot name."""

from datetime import timedelta
from importlib import resources

import pytest
import xmlschema
from django.db import DatabaseError, connection, transaction

from audit.decisions import SamePerson, StaleState
from ledger.actions.open_account import open_account
from tests.factories import NOW, make_actor
from tests.treasury.conftest import give_account, make_payee
from tests.treasury.test_payouts import (
    answer,
    check_batch,
    freeze,
    ids,
    in_transit,
    make,
    paid,
    release_batch,
    send,
)
from treasury.actions.clear_suspense import clear_suspense
from treasury.actions.confirm_items import confirm_items
from treasury.actions.enquire_item import answer_enquiry, enquire_item
from treasury.actions.export_batch import cut_off_after, export_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.read_bank_notice import read_bank_notice
from treasury.actions.recall_batch import recall_batch
from treasury.actions.reconcile_batch import close_batch, reconcile_batch
from treasury.actions.reject_batch import reject_batch
from treasury.actions.sign_batch import freeze_batch
from treasury.bank_files import BankRow
from treasury.iso20022.read_pain002 import read_pain002
from treasury.iso20022.read_xml import read_xml
from treasury.models import SUSPENSE_CODE, BankEnquiry, Payable, PayoutBatch, SuspenseEntry
from treasury.refusals import (
    AlreadyAsked,
    AnswersAnother,
    CutOffPassed,
    ItemsUnresolved,
    MalformedBankFile,
    NotTheSameAmount,
    NotUnknown,
)

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)
PAIN002 = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
CAMT054 = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"


@pytest.fixture
def batch(city, owe):
    """A batch of three payments at the bank, paid from the city's own verified account."""
    give_account(city, city.organization, number="11110000222233")
    return send(city, make(city, owe(100), owe(20), owe(3)))


def report(message_id, *lines, group=""):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{PAIN002}"><CstmrPmtStsRpt>
<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-03-02T11:00:00+08:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}</OrgnlPmtInfId>
{"".join(lines)}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


def status(end_to_end_id, code, reason=""):
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId>"
        f"<TxSts>{code}</TxSts>{why}</TxInfAndSts>\n"
    )


def notice(*entries, account="11110000222233"):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{CAMT054}"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>N1</MsgId><CreDtTm>2026-03-03T11:00:00+08:00</CreDtTm></GrpHdr>
<Ntfctn><Id>1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct>
{"".join(entries)}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"""


def entry(direction, yuan, end_to_end_id, reference, *, reason="", state="BOOK", currency="CNY"):
    returned = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{yuan}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'
        f"<Sts><Cd>{state}</Cd></Sts><AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd/>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>{returned}"
        f"</TxDtls></NtryDtls></Ntry>\n"
    )


def read(city, content):
    return read_bank_notice(issuer=city.organization, content=content, actor=city.maker, at=LATER)


class TestPain001:
    def test_is_valid_against_the_schema_and_adds_up_to_the_control_total(self, batch):
        content = batch.bank_files.get(format="pain.001").content
        schema = resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"
        xmlschema.XMLSchema(schema.read_text()).validate(content)
        message = read_xml(content, message="pain.001")
        assert message.said("GrpHdr", "CtrlSum") == "1.23"
        assert message.said("GrpHdr", "NbOfTxs") == "3"
        lines = list(message.all("PmtInf", "CdtTrfTxInf"))
        assert [line.said("PmtId", "EndToEndId") for line in lines] == ids(batch)
        assert {line.first("Amt", "InstdAmt").attributes["Ccy"] for line in lines} == {"CNY"}
        assert message.said("PmtInf", "DbtrAcct", "Id", "Othr", "Id") == "11110000222233"

    def test_escapes_what_would_be_markup_and_keeps_chinese(self, city, owe, envelope):
        give_account(city, city.organization)
        payee = make_payee(city)
        type(payee).objects.filter(pk=payee.pk).update(name="中卫 <算力> & 公司")
        batch = send(city, make(city, owe(5, payee)))
        content = batch.bank_files.get(format="pain.001").content
        named = read_xml(content, message="pain.001").said("PmtInf", "CdtTrfTxInf", "Cdtr", "Nm")
        assert named == "中卫 <算力> & 公司"

    def test_without_an_account_to_pay_from_there_is_only_the_csv(self, city, owe):
        batch = send(city, make(city, owe(5)))
        assert [file.format for file in batch.bank_files.all()] == ["csv"]


def confirm(city, batch, rows, text):
    return confirm_items(
        batch=batch, rows=rows, content=text, format="pain.002", actor=city.maker, at=NOW
    )


class TestPain002:
    def test_paid_returned_unknown_and_still_under_way(self, city, batch):
        one, two, three = ids(batch)
        text = report(
            batch.message_id,
            status(one, "ACSC"),
            status(two, "RJCT", "AC04"),
            status(three, "ACSP"),
        )
        rows = read_pain002(text, message_id=batch.message_id)
        confirm_items(
            batch=batch, rows=rows, content=text, format="pain.002", actor=city.maker, at=NOW
        )
        assert [item.state for item in batch.items.order_by("position")] == [
            "paid",
            "returned",
            "sent",
        ]
        assert batch.items.get(position=2).bank_code == "AC04"

    def test_a_rejected_file_returns_every_payment(self, city, batch):
        text = report(batch.message_id, group="<GrpSts>RJCT</GrpSts>")
        rows = read_pain002(text, message_id=batch.message_id)
        confirm_items(
            batch=batch, rows=rows, content=text, format="pain.002", actor=city.maker, at=NOW
        )
        assert set(batch.items.values_list("state", flat=True)) == {"returned"}
        assert (in_transit(batch), paid(batch)) == (0, 0)

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("", 1),
            ("<a", 1),
            ("<a>\n\n<b></a>", 3),
            ("<Document/>", 1),
            (f'<Document xmlns="{CAMT054}"><x/></Document>', 1),
            (f'<Document xmlns="{PAIN002}"/>', 1),
            (
                '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>\n<a>&d;</a>',
                1,
            ),
            (report("SQ1", status("", "ACSC")), 7),
            (report("SQ1", status("A", "ACSC"), status("B", "WHAT")), 8),
            (report("SQ1", status("A", "ACSC"), status("A", "RJCT")), 8),
        ],
    )
    def test_refuses_what_it_cannot_read_and_names_the_line(self, text, line):
        with pytest.raises(MalformedBankFile) as refusal:
            read_pain002(text, message_id="SQ1")
        assert refusal.value.facts["row"] == line

    def test_refuses_a_report_on_another_message(self):
        with pytest.raises(AnswersAnother) as refusal:
            read_pain002(report("SQ2", status("A", "ACSC")), message_id="SQ1")
        assert refusal.value.facts["row"] == 4


class TestCamt054:
    def test_a_debit_is_paid_a_credit_is_its_return_and_a_stranger_is_suspended(self, city, batch):
        one, two, three = ids(batch)
        content = notice(
            entry("CRDT", "0.20", two, "C2", reason="AC01"),
            entry("DBIT", "1.00", one, "D1"),
            entry("DBIT", "0.20", two, "D2"),
            entry("DBIT", "0.03", three, "D3", state="PDNG"),
            entry("CRDT", "7.50", "NOTPROVIDED", "C9"),
            entry("DBIT", "9.99", "FEE", "D9"),
        )
        done = read(city, content)
        assert (done.answers, len(done.batches)) == (3, 1)
        states = [item.state for item in batch.items.order_by("position")]
        assert states == ["paid", "returned", "sent"]
        (entry_,) = done.suspended
        assert (entry_.amount_fen, entry_.bank_reference) == (750, "C9")
        again = read(city, content)
        assert SuspenseEntry.objects.count() == 1
        assert again.suspended == (entry_,)

    @pytest.mark.parametrize(
        ("bad", "line"),
        [
            (entry("DBIT", "1.00", "{one}", "D1", currency="USD"), 5),
            (entry("DBIT", "1.001", "{one}", "D1"), 5),
            (entry("", "1.00", "{one}", "D1"), 5),
        ],
    )
    def test_a_wrong_entry_leaves_nothing_of_the_notice_applied(self, city, batch, bad, line):
        one, _two, three = ids(batch)
        bad = bad.replace("{one}", one)
        with pytest.raises(MalformedBankFile) as refusal:
            read(city, notice(bad, entry("DBIT", "0.03", three, "D3")))
        assert refusal.value.facts["row"] == line
        assert in_transit(batch) == 123

    def test_a_notice_about_another_account_is_refused(self, city, batch):
        with pytest.raises(MalformedBankFile):
            read(city, notice(account="999"))

    def test_a_payment_of_another_city_is_not_ours(self, city, batch):
        done = read(city, notice(entry("DBIT", "1.00", "SQ99999999-00001", "D1")))
        assert done.answers == 0


class TestSuspense:
    @pytest.fixture
    def suspended(self, city, batch):
        answer(city, batch, *(BankRow(each, "paid") for each in ids(batch)))
        (entry_,) = read(city, notice(entry("CRDT", "0.20", "NOTPROVIDED", "C9"))).suspended
        return entry_

    def balance(self, entry_):
        return open_account(book=entry_.book, code=SUSPENSE_CODE).balance_fen

    def test_another_person_finds_the_payment_and_it_is_owed_again(self, city, batch, suspended):
        item = batch.items.get(position=2)
        with pytest.raises(SamePerson):
            clear_suspense(entry=suspended, item=item, explanation="", actor=city.maker, at=LATER)
        with pytest.raises(NotTheSameAmount):
            clear_suspense(
                entry=suspended,
                item=batch.items.get(position=1),
                explanation="",
                actor=city.checker,
                at=LATER,
            )
        assert self.balance(suspended) == 20
        clear_suspense(
            entry=suspended, item=item, explanation="by phone", actor=city.checker, at=LATER
        )
        item.refresh_from_db()
        assert (self.balance(suspended), item.state, paid(batch)) == (0, "returned", 103)

    def test_or_hands_it_over_to_its_owner(self, city, suspended):
        clear_suspense(
            entry=suspended, explanation="the tax office's", actor=city.checker, at=LATER
        )
        assert (self.balance(suspended), suspended.state) == (0, "handed_over")
        with pytest.raises(StaleState):
            clear_suspense(entry=suspended, explanation="", actor=city.checker, at=LATER)


class TestRecall:
    @pytest.fixture
    def exported(self, city, owe):
        batch = freeze(city, make(city, owe(100)))
        check_batch(batch=batch, actor=city.checker, at=NOW)
        release_batch(batch=batch, actor=city.releaser, at=NOW)
        export_batch(batch=batch, actor=city.maker, at=NOW)
        return batch

    def test_before_the_cut_off_its_payables_wait_again(self, city, exported):
        recall_batch(batch=exported, reason="wrong month", actor=city.releaser, at=NOW)
        item = exported.items.get()
        assert (exported.state, item.state, item.payable.state) == (
            "recalled",
            "withdrawn",
            "approved",
        )
        with pytest.raises(StaleState):
            mark_sent(batch=exported, actor=city.maker, at=NOW)
        assert make(city, item.payable, replaces=exported).lineage == exported.pk

    def test_not_from_the_cut_off_on(self, city, exported):
        assert exported.cut_off_at == cut_off_after(NOW)
        with pytest.raises(CutOffPassed):
            recall_batch(batch=exported, reason="", actor=city.maker, at=exported.cut_off_at)
        with (
            pytest.raises(DatabaseError, match="recalled_before_its_cut_off"),
            transaction.atomic(),
        ):
            PayoutBatch.objects.filter(pk=exported.pk).update(
                state="recalled",
                recalled_by_id=city.maker.person_id,
                recalled_at=exported.cut_off_at,
            )


class TestEnquiries:
    @pytest.fixture
    def unknown(self, city, batch):
        one, two, three = ids(batch)
        answer(city, batch, BankRow(one, "paid"), BankRow(two, "unknown"), BankRow(three, "paid"))
        return batch.items.get(position=2)

    def test_an_unknown_payment_is_asked_about_and_never_sent_again(self, city, batch, unknown):
        enquiry = enquire_item(item=unknown, question="where?", actor=city.maker, at=NOW)
        with pytest.raises(AlreadyAsked):
            enquire_item(item=unknown, question="where?", actor=city.checker, at=NOW)
        answer_enquiry(enquiry=enquiry, answer="paid today", actor=city.maker, at=LATER)
        with pytest.raises(StaleState):
            answer_enquiry(enquiry=enquiry, answer="or not", actor=city.maker, at=LATER)
        with pytest.raises(ItemsUnresolved):
            reconcile_batch(batch=batch, actor=city.checker, at=LATER)
        answer(city, batch, BankRow(unknown.end_to_end_id, "paid"), at=LATER)
        reconcile_batch(batch=batch, actor=city.checker, at=LATER)
        close_batch(batch=batch, actor=city.checker, at=LATER)

    def test_what_is_known_is_not_asked(self, city, batch, unknown):
        with pytest.raises(NotUnknown):
            enquire_item(item=batch.items.get(position=1), question="?", actor=city.maker, at=NOW)

    def test_the_database_keeps_the_batch_open_and_one_question_at_a_time(
        self, city, batch, unknown
    ):
        with (
            pytest.raises(DatabaseError, match="payments of unknown outcome"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE treasury_payoutbatch SET state = 'reconciled'")
        enquire_item(item=unknown, question="where?", actor=city.maker, at=NOW)
        with (
            pytest.raises(DatabaseError, match="a_payment_has_one_open_enquiry"),
            transaction.atomic(),
        ):
            BankEnquiry.objects.create(
                item=unknown, question="?", asked_by_id=city.maker.person_id, asked_at=NOW
            )


class TestHistory:
    def test_a_payments_maker_does_not_check_it_in_another_batch(self, city, owe):
        """No `replaces` is named: the payment itself remembers."""
        payable = owe(10)
        first = freeze(city, make(city, payable))
        check_batch(batch=first, actor=city.checker, at=NOW)
        reject_batch(batch=first, reason="wrong", actor=city.checker, at=NOW)
        payable.refresh_from_db()
        Payable.objects.filter(pk=payable.pk).update(state="in_batch")
        second = PayoutBatch.objects.create(
            issuer=first.issuer, book=first.book, made_by_id=city.checker.person_id, made_at=NOW
        )
        with (
            pytest.raises(DatabaseError, match="checked or released this payment before"),
            transaction.atomic(),
        ):
            second.items.create(
                position=1,
                payable=payable,
                bank_account=first.items.get().bank_account,
                amount_fen=10,
            )

    def test_nor_does_the_first_maker_release_it_in_another_batch(self, city, owe):
        payable = owe(10)
        first = freeze(city, make(city, payable))
        reject_batch(batch=first, reason="wrong", actor=city.checker, at=NOW)
        payable.refresh_from_db()
        other = make_actor(city.organization, "batch_maker")
        second = freeze_batch(batch=make(city, payable, actor=other), actor=other, at=NOW)
        with (
            pytest.raises(DatabaseError, match="signed these payments in another role"),
            transaction.atomic(),
        ):
            PayoutBatch.objects.filter(pk=second.pk).update(
                state="approved_1", checked_by_id=city.maker.person_id
            )
