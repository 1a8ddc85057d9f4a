#!/usr/bin/env python3
"""Django's front door."""

import os
import sys

# Commands that read files and write files: they serve nothing and open no database.
OFFLINE = {"match_files", "evaluate_rule", "policy_coverage"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OFFLINE:
        os.environ.setdefault("SECRET_KEY", "signs nothing")
        os.environ.setdefault("DATABASE_URL", "postgresql:///opened-by-nobody")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
