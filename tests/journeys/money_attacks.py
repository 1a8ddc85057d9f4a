"""What somebody with a shell could try, by the guard that refuses it; and how to remove a guard."""

from collections.abc import Callable
from dataclasses import dataclass

Statements = list[tuple[str, list[object]]]


@dataclass(frozen=True)
class Target:
    """Whom to attack: ids of the machine's own rows. redemptions: (id, state)."""

    voucher: int
    redemptions: list[tuple[int, str]]
    book: int
    person: int | None

    def redemption(self, *states: str) -> int | None:
        return next((pk for pk, state in self.redemptions if state in states), None)


TRANSFER = (
    "INSERT INTO ledger_transfer (reference, body_hash, kind, book_id, effective_at)"
    " VALUES ('attack', '', 'attack', %s, now())"
)
POSTING = (
    "INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)"
    " SELECT t.id, v.available_id, v.reserved_id, {amount}"
    "   FROM ledger_transfer t, vouchers_voucher v, ledger_account a"
    "  WHERE t.reference = 'attack' AND v.id = %s AND a.id = v.available_id"
)
RESOLUTION = (
    "INSERT INTO ledger_holdresolution (hold_id, outcome, posted_fen, transfer_id, resolved_at)"
    " SELECT r.hold_id, {outcome}, {posted}, t.id, h.deadline_at - interval '1 second'"
    "   FROM vouchers_redemption r JOIN ledger_hold h ON h.id = r.hold_id,"
    "        ledger_transfer t WHERE t.reference = 'attack' AND r.id = %s"
)


def _post(target: Target, amount: str) -> Statements:
    return [(TRANSFER, [target.book]), (POSTING.format(amount=amount), [target.voucher])]


def _on(statement: str, pk: int | None) -> Statements:
    return [] if pk is None else [(statement, [pk])]


def _resolve(target: Target, pk: int | None, outcome: str, posted: str) -> Statements:
    if pk is None:
        return []
    return [*_post(target, "1"), (RESOLUTION.format(outcome=outcome, posted=posted), [pk])]


def _sign(target: Target) -> Statements:
    pk = target.redemption("payable")
    return _on(
        "UPDATE treasury_payable SET approved_by_2_id = approved_by_1_id FROM vouchers_redemption r"
        " WHERE r.payable_id = treasury_payable.id AND treasury_payable.approved_by_2_id IS NULL"
        "   AND r.id = %s",
        pk,
    )


# name → the statements, or none where there is nothing to attack yet.
ATTACKS: dict[str, Callable[[Target], Statements]] = {
    "spend more than there is": lambda t: _post(t, "a.balance_fen + 1"),
    "post less than nothing": lambda t: _post(t, "-1"),
    "move nothing": lambda t: [(TRANSFER, [t.book])],
    "set a balance": lambda t: [
        (
            "UPDATE ledger_account SET balance_fen = balance_fen + 1 FROM vouchers_voucher v"
            " WHERE v.available_id = ledger_account.id AND v.id = %s",
            [t.voucher],
        )
    ],
    "edit a posting": lambda t: [
        (
            "UPDATE ledger_posting SET amount_fen = amount_fen + 1 FROM vouchers_voucher v"
            " WHERE v.available_id = ledger_posting.destination_id AND v.id = %s",
            [t.voucher],
        )
    ],
    "delete a transfer": lambda t: [
        ("DELETE FROM ledger_transfer WHERE book_id = %s AND kind = 'issue'", [t.book])
    ],
    "resolve a hold twice": lambda t: _resolve(
        t, t.redemption("committed", "released", "payable"), "'voided'", "0"
    ),
    "post more than a hold holds": lambda t: _resolve(
        t, t.redemption("reserved"), "'posted'", "h.amount_fen + 1"
    ),
    "redeem more than was reserved": lambda t: _on(
        "UPDATE vouchers_redemption SET committed_fen = reserved_fen + 1 WHERE id = %s",
        t.redemption("committed"),
    ),
    "return more than was redeemed": lambda t: _on(
        "UPDATE vouchers_redemption SET returned_fen = committed_fen + 1 WHERE id = %s",
        t.redemption("committed"),
    ),
    "reopen a redemption": lambda t: _on(
        "UPDATE vouchers_redemption SET state = 'reserved' WHERE id = %s",
        t.redemption("committed", "released", "payable", "returned"),
    ),
    "raise a face value": lambda t: [
        ("UPDATE vouchers_voucher SET face_fen = face_fen + 1 WHERE id = %s", [t.voucher])
    ],
    "approve alone": _sign,
    "owe the same twice": lambda t: _on(
        "INSERT INTO treasury_payable SELECT (jsonb_populate_record(NULL::treasury_payable,"
        " to_jsonb(p) || jsonb_build_object('id', nextval('treasury_payable_id_seq'),"
        " 'state', 'proposed', 'transfer_id', NULL, 'approved_by_1_id', NULL,"
        " 'approved_by_2_id', NULL))).*"
        "   FROM treasury_payable p JOIN vouchers_redemption r ON r.payable_id = p.id"
        "  WHERE r.id = %s",
        t.redemption("payable"),
    ),
}


def without_constraint(table: str, name: str) -> str:
    """SQL that removes one constraint."""
    return f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'


def without_trigger(table: str, name: str) -> str:
    """SQL that disables the trigger called `name` (pgtrigger adds a hash to names)."""
    return f"""DO $$ DECLARE found text; BEGIN
        SELECT tgname INTO STRICT found FROM pg_trigger
         WHERE tgrelid = '{table}'::regclass AND tgname LIKE 'pgtrigger_{name}_%';
        EXECUTE format('ALTER TABLE {table} DISABLE TRIGGER %I', found);
    END $$"""


# The guard that is removed → how, and the attack that must get through then ("" for none: the
# honest steps alone must find it).
MUTATIONS: dict[str, tuple[str, str]] = {
    "an_account_never_falls_below_its_floor": (
        without_constraint("ledger_account", "an_account_never_falls_below_its_floor"),
        "spend more than there is",
    ),
    "a_posting_moves_a_positive_amount": (
        without_constraint("ledger_posting", "a_posting_moves_a_positive_amount"),
        "post less than nothing",
    ),
    "a_hold_is_resolved_once": (
        without_constraint("ledger_holdresolution", "ledger_holdresolution_hold_id_key"),
        "resolve a hold twice",
    ),
    "never_redeemed_beyond_what_was_reserved": (
        without_constraint("vouchers_redemption", "never_redeemed_beyond_what_was_reserved"),
        "redeem more than was reserved",
    ),
    "never_returned_beyond_what_was_redeemed": (
        without_constraint("vouchers_redemption", "never_returned_beyond_what_was_redeemed"),
        "return more than was redeemed",
    ),
    "a_payable_is_signed_by_three_people": (
        without_constraint("treasury_payable", "a_payable_is_signed_by_three_people"),
        "approve alone",
    ),
    "one_reason_is_paid_once": (
        without_constraint("treasury_payable", "one_reason_is_paid_once"),
        "owe the same twice",
    ),
    "account_balance_moves_only_by_postings": (
        without_trigger("ledger_account", "account_balance_moves_only_by_postings"),
        "set a balance",
    ),
    "posting_is_never_edited": (
        without_trigger("ledger_posting", "posting_is_never_edited"),
        "edit a posting",
    ),
    "posting_moves_the_balances": (
        without_trigger("ledger_posting", "posting_moves_the_balances"),
        "",
    ),
    "transfer_is_never_edited": (
        without_trigger("ledger_transfer", "transfer_is_never_edited"),
        "delete a transfer",
    ),
    "transfer_is_whole_at_commit": (
        without_trigger("ledger_transfer", "transfer_is_whole_at_commit"),
        "move nothing",
    ),
    "resolution_keeps_to_its_hold": (
        without_trigger("ledger_holdresolution", "resolution_keeps_to_its_hold"),
        "post more than a hold holds",
    ),
    "redemption_moves_along_drawn_lines": (
        without_trigger("vouchers_redemption", "redemption_moves_along_drawn_lines"),
        "reopen a redemption",
    ),
    "voucher_is_written_once": (
        without_trigger("vouchers_voucher", "voucher_is_written_once"),
        "raise a face value",
    ),
}
