"""What the storefront refuses, by name."""

from audit.decisions import Refusal


class VoucherPartChanged(Refusal):
    """The voucher would now pay less than the placement showed."""

    text_en = "The voucher would now pay {now_fen} fen, not {quoted_fen}. Match the workload again."
    text_zh = "算力券现在可抵扣 {now_fen} 分，而非 {quoted_fen} 分。请重新匹配。"


class RefundBeyondCharge(Refusal):
    """More would be refunded than was charged and not yet refunded."""

    http_status = 422
    text_en = "Only {left_fen} fen of this charge can still be refunded."
    text_zh = "该笔计费最多还可退 {left_fen} 分。"


class RefundAfterPayable(Refusal):
    """What the voucher paid is already owed to the provider; it comes back as a recovery."""

    text_en = "The voucher's part is {state} already: open a recovery for it."
    text_zh = "算力券部分已处于“{state}”状态：请立案追回。"


class NothingToClear(Refusal):
    """Every charge has been cleared."""

    text_en = "There is no charge to clear before {upto}."
    text_zh = "{upto} 之前没有待清算的计费。"


class PaymentRefused(Refusal):
    """The gateway declined or refused the payment."""

    http_status = 402
    text_en = "The payment was refused: {reason}"
    text_zh = "支付被拒绝：{reason}"


class GatewayDown(Refusal):
    """The payment gateway gave no answer; the payment may be tried again."""

    http_status = 503
    text_en = "The payment gateway cannot be reached. Try again."
    text_zh = "支付网关暂时无法访问，请重试。"
