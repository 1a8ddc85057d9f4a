"""``python -m scheduling.matching --pools P.csv ...``: see docs/guides/match-files.md."""

import sys

from .match_files import main

sys.exit(main())
