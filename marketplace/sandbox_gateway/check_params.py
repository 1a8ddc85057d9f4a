"""Parameters as Stripe checks them: unknown, missing or malformed ones are named."""

from collections.abc import Iterable
from typing import Any

from marketplace.sandbox_gateway.refusals import Refused, wrong_param

MAX_AMOUNT = 99_999_999
"""Stripe takes at most eight digits: 999,999.99 CNY in one payment."""


def only(params: dict[str, Any], allowed: Iterable[str]) -> None:
    """Refuse a parameter the verb does not know."""
    for name in params:
        if name not in {*allowed, "expand"}:
            raise wrong_param(name, f"Received unknown parameter: {name}", "parameter_unknown")


def amount(params: dict[str, Any], name: str = "amount", *, most: int = MAX_AMOUNT) -> int:
    """A required whole number of fen from 1 to `most`."""
    value = params.get(name)
    if value is None:
        raise _missing(name)
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16):
        raise wrong_param(name, f"Invalid integer: {value}", "parameter_invalid_integer")
    if int(value) < 1:
        raise wrong_param(
            name, "This value must be greater than or equal to 1.", "parameter_invalid_integer"
        )
    if int(value) > most:
        raise wrong_param(
            name,
            f"Amount must be no more than {most / 100:,.2f} cny",
            "amount_too_large",
        )
    return int(value)


def currency(params: dict[str, Any]) -> str:
    """`cny`, which is all this sandbox knows."""
    value = params.get("currency")
    if value is None:
        raise _missing("currency")
    if str(value).lower() != "cny":
        raise wrong_param("currency", f"Invalid currency: {value}. This sandbox supports: cny")
    return "cny"


def text(params: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    """A text, or None where it is left out or empty."""
    value = params.get(name)
    if value in (None, ""):
        if required:
            raise _missing(name)
        return None
    if not isinstance(value, str):
        raise wrong_param(name, f"Invalid string: {name}")
    if len(value) > 5000:
        raise wrong_param(name, f"{name} is too long.", "parameter_invalid_string_too_long")
    return value


def choice(params: dict[str, Any], name: str, allowed: Iterable[str], default: str | None) -> Any:
    """One of the words `allowed`."""
    value = text(params, name)
    if value is None:
        return default
    if value not in tuple(allowed):
        raise wrong_param(name, f"Invalid {name}: must be one of {', '.join(allowed)}")
    return value


def boolean(params: dict[str, Any], name: str) -> bool:
    """`true` or `false`, false where it is left out."""
    value: bool = choice(params, name, ("true", "false"), "false") == "true"
    return value


def metadata(params: dict[str, Any]) -> dict[str, str]:
    """At most 50 keys of 40 characters with values of 500, which are Stripe's limits."""
    given = params.get("metadata") or {}
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise wrong_param("metadata", "Invalid hash")
    if len(given) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in given.items()):
        raise wrong_param("metadata", "Metadata exceeds 50 keys, 40 or 500 characters.")
    return given


def _missing(name: str) -> Refused:
    return wrong_param(name, f"Missing required param: {name}.", "parameter_missing")
