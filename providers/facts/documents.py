"""Where a number was printed, and how well it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class FactsDocument:
    """Title, issuer, date as printed ("2025", "2024-12-20" or None) and evidence of a source.

    evidence: full_text | excerpt | secondary | report_only | proposal | none
    """

    title: str
    issuer: str
    printed_date: str | None
    evidence: str
    part: str | None = None


def document_from(record: Mapping[str, Any]) -> FactsDocument:
    return FactsDocument(
        title=record["title"],
        issuer=record["issuer"],
        printed_date=record["date"],
        evidence=record["evidence"],
        part=record.get("part"),
    )


def civil_date(text: str) -> date:
    """An ISO civil day (Asia/Shanghai) from a facts file."""
    return date.fromisoformat(text)
