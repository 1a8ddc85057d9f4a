"""What the register of people refuses, by name."""

from audit.decisions import Refusal


class KeyNeedsPerson(Refusal):
    """A key is issued to a person who signed in, never to another key."""

    http_status = 403
    text_en = "Sign in to issue a key: a key cannot issue another."
    text_zh = "请登录后签发密钥：密钥不能签发密钥。"


class ConflictOfInterest(Refusal):
    """Who is tied to an organization does not decide about its money."""

    http_status = 403
    keeps_its_record = True
    text_en = "You are tied to {organization} ({criteria}); somebody else must do this."
    text_zh = "您与 {organization} 存在关联（{criteria}），须由他人办理。"


class ScreenIncomplete(Refusal):
    """Where an office asks for clean screens, what is not known is not clean."""

    http_status = 403
    keeps_its_record = True
    text_en = "It is not known whether you are tied to {organization} ({criteria})."
    text_zh = "您与 {organization} 是否存在关联尚不明确（{criteria}）。"


class NothingToLend(Refusal):
    """A role is lent by who was granted it, to a colleague; what was borrowed is not lent on."""

    text_en = "{lender} was not granted {role} here, or the borrower is no colleague."
    text_zh = "{lender} 未被授予角色“{role}”，或受托人不是同事。"


class LentOrTakenAlready(Refusal):
    """One loan of a role between two people, one emergency for a role, at a time."""

    text_en = "This role is held that way already."
    text_zh = "该角色已以此方式持有。"
