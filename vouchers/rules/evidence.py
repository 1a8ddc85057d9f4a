"""What evidence proves: one fingerprint for one real thing, and the amount all of it supports."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vouchers.rules.terms import Terms

KINDS = ("contract", "invoice", "payment", "usage")
STAGES_WITHOUT_OFFICE = frozenset({"public_notice", "platform"})
LEAST_STAGES = ("municipal", "finance")
# 公示期不少于5个工作日: seven civil days, where the terms do not say another number.
NOTICE_DAYS = 7


def fingerprint(kind: str, *words: str) -> str:
    """SHA-256 of what names a thing, blind to width, case, spaces and punctuation."""
    plain = (re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", word)).upper() for word in words)
    return hashlib.sha256("|".join((kind, *plain)).encode()).hexdigest()


def substantiated_fen(evidence: Iterable[tuple[str, int]]) -> int:
    """The smallest of what contract, invoices, payments and usage add up to; 0 if one is missing.

    `evidence` is (kind, fen). No claimant's figure can raise it above the invoices' own.
    """
    sums = dict.fromkeys(KINDS, 0)
    for kind, fen in evidence:
        sums[kind] += fen
    return min(sums.values())


def review_stages(terms: Terms) -> tuple[str, ...]:
    """The offices that review a claim, in order: the terms' own, and never fewer than two."""
    stages: Sequence[str] = terms.clause("review").get("stages") or ()
    named = tuple(each for each in stages if each not in STAGES_WITHOUT_OFFICE)
    if len(named) >= len(LEAST_STAGES):
        return named
    if not named:
        return LEAST_STAGES
    return (*named, "municipal" if named == ("finance",) else "finance")


def award_stages(terms: Terms) -> tuple[str, ...]:
    """The offices that sign an award, in order: the terms' own, or finance twice."""
    stages: Sequence[str] = terms.clause("review").get("stages") or ()
    if not any(each not in STAGES_WITHOUT_OFFICE for each in stages):
        return ("finance", "finance")
    return review_stages(terms)


def is_shown_to_the_public(terms: Terms) -> bool:
    """Whether the terms ask for a public notice before money is paid."""
    review: Mapping[str, Any] = terms.clause("review")
    return bool(review.get("public_notice_days")) or "public_notice" in (review.get("stages") or ())


def notice_days(terms: Terms) -> int:
    """Civil days of public notice."""
    review: Mapping[str, Any] = terms.clause("review")
    return int(review.get("public_notice_days") or NOTICE_DAYS)
