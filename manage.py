#!/usr/bin/env python3
"""Django's front door."""

import os
import sys

# Commands that read files and write files: they serve nothing and open no database.
OFFLINE = {"match_files", "evaluate_rule", "policy_coverage"}
# Commands for the owner of the tables; all else runs as the application's role, which owns nothing.
OWNERS = {"migrate", "grant_application_role"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OFFLINE:
        os.environ.setdefault("SECRET_KEY", "signs nothing")
        os.environ.setdefault("DATABASE_URL", "postgresql:///opened-by-nobody")
    elif len(sys.argv) > 1 and sys.argv[1] in OWNERS and os.environ.get("MIGRATION_DATABASE_URL"):
        os.environ["APPLICATION_DATABASE_URL"] = os.environ.get("DATABASE_URL", "")
        os.environ["DATABASE_URL"] = os.environ["MIGRATION_DATABASE_URL"]
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
