"""Why the audit room says no."""

from audit.decisions import Refusal


class CheckpointKeyMissing(Refusal):
    """A checkpoint is signed or it is not made."""

    http_status = 503
    text_en = (
        "No checkpoint without a key: set CHECKPOINT_KEY to the base64 of an Ed25519 seed ({why})."
    )
    text_zh = "没有密钥不生成检查点：请将 CHECKPOINT_KEY 设为 Ed25519 种子的 base64（{why}）。"


class NothingToCheckpoint(Refusal):
    """The chain has no link yet."""

    text_en = "The chain has no link yet: there is nothing to sign."
    text_zh = "审计链尚无链节，无可签名的内容。"


class ChainIsBroken(Refusal):
    """What does not verify is not signed."""

    text_en = "Link {sequence} {what}: what does not verify is not signed."
    text_zh = "链节 {sequence} 未通过校验（{what}）：不予签名。"


class NotInACheckpoint(Refusal):
    """The event is not covered by a checkpoint yet."""

    text_en = "Event {event} is not in a signed checkpoint yet; the next one will hold it."
    text_zh = "事件 {event} 尚未纳入已签名的检查点，将由下一个检查点纳入。"


class NoSuchCheckpoint(Refusal):
    """There is no checkpoint of this size."""

    http_status = 404
    text_en = "There is no checkpoint over {size} links."
    text_zh = "没有覆盖 {size} 个链节的检查点。"
