"""``python -m scheduling.matching --pools P.csv ...``, or with the one word ``show_shift``.

See docs/guides/match-files.md and docs/guides/matching.md.
"""

import sys

from .match_files import main
from .show_shift import tell

if sys.argv[1:] == ["show_shift"]:
    sys.stdout.write(tell() + "\n")
else:
    sys.exit(main())
