"""manage.py settle_year ISSUER YEAR [--members FILE.csv] [--version CODE@N]; goes on if begun."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.decisions import SYSTEM, Refusal
from identity.models import Organization
from ledger.models import Book
from marketplace.actions.award_from_books import award_from_books
from vouchers.actions.settle_year import CHUNK_POSTINGS, open_settlement, settle_year
from vouchers.models import PolicyVersion


class Command(BaseCommand):
    help = (
        "Settle a budget year: what each provider earned, each platform's trade and the award "
        "proposed for it. Progress on stderr, one JSON object on stdout. It may be killed at any "
        "moment; the same command goes on at the checkpoint."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("issuer", help="GB/T 2260 code of the issuing government")
        parser.add_argument("year", type=int)
        parser.add_argument(
            "--members", type=Path, help="CSV: USCC of a platform, USCC of a provider it lists"
        )
        parser.add_argument("--terms", help="CODE@NUMBER of the terms that reward platforms")
        parser.add_argument("--chunk", type=int, default=CHUNK_POSTINGS, help="postings at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            book = Book.objects.get(issuer_adcode=options["issuer"], budget_year=options["year"])
        except Book.DoesNotExist:
            raise CommandError(f"{options['issuer']} has no book of {options['year']}") from None
        at = timezone.now()
        try:
            settlement = open_settlement(
                book=book,
                members=_members(options["members"]) if options["members"] else {},
                version=_version(options["terms"]) if options["terms"] else None,
                actor=SYSTEM,
                at=at,
            )
            settlement = settle_year(
                settlement=settlement,
                propose=award_from_books,
                actor=SYSTEM,
                at=at,
                chunk_postings=max(options["chunk"], 1),
                tell=self._tell,
            )
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        lines = settlement.lines.filter(is_platform=False)
        platforms = settlement.lines.filter(is_platform=True).select_related("award")
        told = {
            "book": str(book),
            "state": settlement.state,
            "postings": settlement.last_posting,
            "providers": lines.count(),
            "earned_fen": sum(lines.values_list("earned_fen", flat=True)),
            "platforms": platforms.count(),
            "awards_fen": sum(each.award.amount_fen for each in platforms if each.award),
        }
        self.stdout.write(json.dumps(told, ensure_ascii=False))

    def _tell(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()


def _version(label: str) -> PolicyVersion:
    code, _, number = label.partition("@")
    try:
        return PolicyVersion.objects.get(programme__code=code, number=int(number))
    except (PolicyVersion.DoesNotExist, ValueError):
        raise CommandError(f"there are no terms {label}") from None


def _members(path: Path) -> dict[Organization, Organization]:
    """Provider → platform, as the file says. Raises CommandError for a line that names nobody."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path}: {error}") from None
    codes = {code.strip() for row in rows for code in row[:2]}
    known = {each.uscc: each for each in Organization.objects.filter(uscc__in=codes)}
    members: dict[Organization, Organization] = {}
    for number, row in enumerate(rows, 1):
        try:
            platform, provider = (known[code.strip()] for code in row)
        except (KeyError, ValueError):
            raise CommandError(f"{path}, line {number}: not two known USCCs") from None
        if members.setdefault(provider, platform) != platform:
            raise CommandError(f"{path}, line {number}: {provider.uscc} is listed twice")
    return members
