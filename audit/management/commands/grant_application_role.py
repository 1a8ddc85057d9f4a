"""Give the application's database role its rights; to be run as the owner after migrate."""

import os
from argparse import ArgumentParser
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.management.base import BaseCommand, CommandError

from audit.rights import DEFAULT_ROLE, grant_application_role


class Command(BaseCommand):
    help = (
        "Make the application's role (the user of APPLICATION_DATABASE_URL, else suanquan_app) and "
        "give it the rights it needs and no others. Run as the owner of the tables, after migrate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--role")

    def handle(self, *args: Any, **options: Any) -> None:
        url = urlsplit(os.environ.get("APPLICATION_DATABASE_URL", ""))
        role = options["role"] or (unquote(url.username) if url.username else DEFAULT_ROLE)
        password = unquote(url.password) if url.password else None
        try:
            tables = grant_application_role(role, password=password)
        except ValueError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{role}: rights on {tables} tables")
