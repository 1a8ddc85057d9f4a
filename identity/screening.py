"""Is a person tied to an organization? Pure: facts in, one finding for each criterion out.

Six criteria: the same person acts for it, works for it, owns a part of it, or shares its address,
telephone or bank account. Each is "match", "clear", or "unknown" when either side has not said:
unknown is never clean. Numbers and addresses are compared, and kept, as SHA-256 of their
normalised form, so that a stored screen can be repeated without holding them in plain text.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

Known = tuple[str, ...] | None  # None: not declared


@dataclass(frozen=True)
class PersonSide:
    """What is known of the person; digests for telephones, addresses and accounts."""

    organization_ids: tuple[int, ...]
    employers: Known
    shareholdings: Known
    phones: Known
    addresses: Known
    accounts: Known


@dataclass(frozen=True)
class OrganizationSide:
    """What is known of the organization."""

    organization_id: int
    uscc: str
    phones: Known
    addresses: Known
    accounts: Known


@dataclass(frozen=True)
class Screening:
    """The result: "conflict" beats "unknown" beats "clear"; and the finding for each criterion."""

    result: str
    findings: dict[str, str]
    inputs: dict[str, Any]


def screen(person: PersonSide, organization: OrganizationSide) -> Screening:
    """Compare the two sides."""
    member = organization.organization_id in person.organization_ids
    findings = {
        "same_person": "match" if member else "clear",
        "employer": _among(person.employers, organization.uscc),
        "uscc": _among(person.shareholdings, organization.uscc),
        "address": _overlap(person.addresses, organization.addresses),
        "phone": _overlap(person.phones, organization.phones),
        "bank_account": _overlap(person.accounts, organization.accounts),
    }
    said = set(findings.values())
    result = "conflict" if "match" in said else "unknown" if "unknown" in said else "clear"
    return Screening(
        result, findings, {"person": asdict(person), "organization": asdict(organization)}
    )


def digests(values: Iterable[str] | None) -> Known:
    """Sorted SHA-256 of each value's normalised form; None stays None (not declared)."""
    if values is None:
        return None
    return tuple(sorted({hashlib.sha256(plain(each).encode()).hexdigest() for each in values}))


def plain(value: str) -> str:
    """Full width made half, case folded, and all but letters, digits and Chinese dropped."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    kept = re.sub(r"[\W_]+", "", folded)
    # +86 or 0086 before a telephone number is how the same number is written abroad.
    return re.sub(r"^(0086|86)(?=1\d{10}$)", "", kept)


def _among(known: Known, wanted: str) -> str:
    if known is None:
        return "unknown"
    return "match" if wanted in known else "clear"


def _overlap(one: Known, other: Known) -> str:
    if one is None or other is None:
        return "unknown"
    return "match" if set(one) & set(other) else "clear"
