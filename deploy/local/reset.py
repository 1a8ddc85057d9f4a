"""Forget the demo's data (`make demo-reset`): database, broker, sandboxes, secrets, report."""

import contextlib
import shutil
import sys

from deploy.local import postgres
from deploy.local.child import CannotRun, end_leftovers
from deploy.local.plan import Folders
from deploy.local.processes import bearing
from deploy.local.supervisor import only_one


def reset(folders: Folders) -> None:
    """Raises CannotRun while the demo runs. A database of DATABASE_URL is not touched."""
    folders.demo.mkdir(parents=True, exist_ok=True)
    with only_one(folders):
        end_leftovers(folders.pids, list(bearing(folders.mark)))
        postgres.forget(folders.postgres)
        shutil.rmtree(folders.demo)
        folders.report.unlink(missing_ok=True)


def main() -> int:
    try:
        reset(Folders())
    except (CannotRun, postgres.NoPostgres) as reason:
        print(f"✗ {reason}", file=sys.stderr)
        return 1
    with contextlib.suppress(BrokenPipeError):
        print("· the demo's data is forgotten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
