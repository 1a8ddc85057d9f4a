"""Run the money benches named on the command line, or all of them."""

import importlib
import pkgutil
import sys

from tests.benchmarks import money
from tests.benchmarks.money.reference import Reference

NOT_BENCHES = {"reference", "__main__"}
# What fills the ledger comes last.
LAST = ("growing", "settling", "verifying")


def main(words: list[str]) -> int:
    names = sorted(
        each.name
        for each in pkgutil.iter_modules(money.__path__)
        if each.name not in NOT_BENCHES and not each.name.startswith("_")
    )
    for word in words:
        if word not in names:
            print(f"No money bench {word!r}; there are: {', '.join(names)}", file=sys.stderr)
            return 2
    ordered = sorted(names, key=lambda name: (name in LAST, name))
    with Reference() as reference:
        for name in words or ordered:
            importlib.import_module(f"{money.__name__}.{name}").figures(reference)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
