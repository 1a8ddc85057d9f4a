"""A signed, stateless pass to claim in one window for one enterprise.

It is issued after the usual authentication and admission, and checked without a look-up. Its end is
an instant of the database's clock; a host's own clock is never asked.
"""

from dataclasses import dataclass

from django.core.signing import BadSignature, Signer

from vouchers.refusals import TokenExpired, TokenInvalid

LIFETIME_SECONDS = 30 * 60
SCHEME = "Claim"  # Authorization: Claim <token>
_signer = Signer(salt="vouchers.claiming.claim_token")


@dataclass(frozen=True, slots=True)
class ClaimToken:
    """Who may claim where until when (`expires` in epoch seconds of the database's clock)."""

    window_id: int
    enterprise_id: int
    person_id: int
    expires: int

    def signed(self) -> str:
        """The token as text."""
        return _signer.sign(
            f"{self.window_id}.{self.enterprise_id}.{self.person_id}.{self.expires}"
        )


def read_token(authorization: str, *, window_id: int, now: float) -> ClaimToken:
    """The token in an Authorization header, valid for `window_id` at `now` (epoch seconds).

    Raises TokenInvalid (absent, forged, or for another window), TokenExpired.
    """
    scheme, _, text = authorization.partition(" ")
    if scheme != SCHEME:
        raise TokenInvalid()
    try:
        token = ClaimToken(*map(int, _signer.unsign(text).split(".")))
    except (BadSignature, ValueError, TypeError):
        raise TokenInvalid() from None
    if token.window_id != window_id:
        raise TokenInvalid()
    if now >= token.expires:
        raise TokenExpired()
    return token
