"""What the ledger refuses, by name."""

from audit.decisions import Refusal


class InsufficientFunds(Refusal):
    """A posting would take an account below its floor; held value counts as gone."""

    text_en = "Account {account} does not hold {amount_fen} fen."
    text_zh = "账户 {account} 余额不足 {amount_fen} 分。"


class ReferenceReused(Refusal):
    """The same reference came again with another body."""

    http_status = 422
    text_en = "Reference {reference} was used before for something else."
    text_zh = "业务编号 {reference} 已用于其他内容。"


class InvalidPosting(Refusal):
    """A posting must move a positive whole number of fen between two accounts of one book."""

    http_status = 422
    text_en = "Invalid posting: {why}"
    text_zh = "分录无效：{why}"


class BookClosed(Refusal):
    """The book's year is closed."""

    text_en = "Book {book} is closed."
    text_zh = "账套 {book} 已结账。"


class HoldResolved(Refusal):
    """A hold is posted, voided or expired exactly once."""

    text_en = "The hold was already {outcome}."
    text_zh = "该预占已经处理（{outcome}）。"


class HoldExpired(Refusal):
    """The deadline of the hold has passed; it can only expire."""

    text_en = "The hold expired at {deadline}."
    text_zh = "该预占已于 {deadline} 到期。"


class HoldNotDue(Refusal):
    """A hold expires at its deadline, not before."""

    text_en = "The hold is good until {deadline}."
    text_zh = "该预占在 {deadline} 之前有效。"


class PeriodClosed(Refusal):
    """The period is closed; a correction is posted in the open one."""

    text_en = "That period of book {book} is closed; post a correction in the open one."
    text_zh = "账套 {book} 的该期间已结账；更正须记入未结期间。"


class AlreadyReversed(Refusal):
    """A transfer is reversed at most once."""

    text_en = "It was reversed before, by {reference}."
    text_zh = "已由 {reference} 冲正。"
