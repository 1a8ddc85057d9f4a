"""What the suppliers' room refuses, by name."""

from audit.decisions import Refusal


class NameTaken(Refusal):
    """A name is given once."""

    text_en = "{thing} {name} exists already."
    text_zh = "{thing} {name} 已存在。"


class OfferHasNoPrice(Refusal):
    """An offer is listed with a price."""

    text_en = "The offer of pool {pool} has no price from now on."
    text_zh = "资源池 {pool} 的报价没有有效价格，不能上架。"


class PriceInThePast(Refusal):
    """What was offered stays as it was offered."""

    http_status = 422
    text_en = "A price starts now or later, not at {starts_at}."
    text_zh = "价格只能从当前或将来开始生效，不能从 {starts_at} 开始。"


class PricesOverlap(Refusal):
    """An offer has one price at a time."""

    text_en = "Another price of this offer holds at some time from {starts_at} on."
    text_zh = "自 {starts_at} 起该报价已有其他价格。"


class CertificateExists(Refusal):
    """A serial number is registered once."""

    text_en = "Registered already: {serials}."
    text_zh = "证书编号已登记：{serials}。"


class CertificateNotAvailable(Refusal):
    """A certificate counts for one facility and period, once."""

    text_en = "{missing} of {asked} certificates are not held by this provider or not free."
    text_zh = "{asked} 张绿证中有 {missing} 张不属于该供应方或已被分配。"


class Unrated(Refusal):
    """A facility without evidence is unrated; there is nothing to submit or approve."""

    text_en = "Facility {facility} is unrated for want of evidence: {missing}."
    text_zh = "设施 {facility} 因缺少证据未评级：{missing}。"


class RatingExpired(Refusal):
    """A rating that has run out is not brought into force."""

    text_en = "The rating expired at {expires_at}."
    text_zh = "评级已于 {expires_at} 到期。"


class VerifierOfProvider(Refusal):
    """Nobody verifies their own house."""

    http_status = 403
    text_en = "A verifier must not belong to the provider."
    text_zh = "核验人不得隶属于被评级的供应方。"


class SignatureNotVerified(Refusal):
    """A batch is taken from a known key, signed over its very bytes, and fresh."""

    http_status = 401
    text_en = "The signature does not verify, is not fresh, or the key is unknown or revoked."
    text_zh = "签名无效、已过时，或密钥未知或已撤销。"
