"""Run one of tests/benchmarks: `make bench BENCH=name`. Without a name it lists them.

A benchmark is a module with a `main()`, or a package with a `__main__`; it gets an
embedded PostgreSQL with fsync on, unless DATABASE_URL names a server.
"""

import os
import subprocess
import sys

from deploy.local import postgres
from deploy.local.plan import ROOT, Folders


def main(words: list[str]) -> int:
    folder = ROOT / "tests" / "benchmarks"
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    names += sorted(path.parent.name for path in folder.glob("*/__main__.py"))
    if not words:
        print("make bench BENCH=" + "|".join(names or ["(none yet)"]))
        return 0
    if words[0] not in names:
        print(f"No benchmark {words[0]!r}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    folders = Folders()
    log = folders.log / "bench-postgres.log"
    try:
        with postgres.provide(folders.var / "bench-postgres", log=log) as server:
            environment = {
                "SECRET_KEY": "only-for-benchmarks",
                "DEMO": "1",
                "CELERY_BROKER_URL": "memory://",
                "DJANGO_SETTINGS_MODULE": "marketplace.settings",
                **os.environ,
                "DATABASE_URL": server.url,
            }
            command = [sys.executable, "-m", f"tests.benchmarks.{words[0]}", *words[1:]]
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    except postgres.NoPostgres as reason:
        print(f"✗ {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
