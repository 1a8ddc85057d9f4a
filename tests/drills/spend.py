"""`python -m tests.drills.spend STAGE OUT FIRST END`: redeem and claim until each has its answer.

Eight threads. For each number of FIRST … END an order of one fen is redeemed; a number that names
an enterprise of the stage's window also claims for it. Whatever the database does meanwhile, a
request is repeated with its own key until it is answered; every answer is appended to OUT as one
JSON line as soon as it is known, and a request that failed as one with "error".
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

THREADS = 8
PATIENCE_SECONDS = 90


def main(stage_file: str, out_file: str, first: int, end: int) -> None:
    import django

    django.setup()
    from django.db import DatabaseError, InterfaceError, connection
    from django.utils import timezone

    from audit.decisions import Actor
    from audit.outbox import doorbell
    from vouchers.actions.answer_claims import answer_claims
    from vouchers.actions.redeem_vouchers import Wish, redeem_batch
    from vouchers.claiming.claim_batch import Answered, AskedClaim

    doorbell.listen(lambda: None)
    stage = json.loads(Path(stage_file).read_text())
    actor = Actor(stage["person"], stage["holder"], "drill")
    writing = threading.Lock()
    gives_up = time.monotonic() + PATIENCE_SECONDS
    work: SimpleQueue[int] = SimpleQueue()
    for number in range(first, end):
        work.put(number)

    def note(**line: Any) -> None:
        with writing, Path(out_file).open("a") as out:
            out.write(json.dumps(line) + "\n")

    def redeem(number: int) -> dict[str, Any]:
        wish = Wish(stage["voucher"], f"drill-{number}", stage["provider"], 1, actor)
        (answer,) = redeem_batch([wish], at=timezone.now())
        return {"redemption": answer.redemption_id, "outcome": answer.outcome}

    def claim(number: int) -> dict[str, Any]:
        asked = AskedClaim(stage["enterprises"][number], None, f"drill-{number}")
        (answer,) = answer_claims(window_id=stage["window"], claims=[asked])
        assert isinstance(answer, Answered), answer
        return {"claim": answer.id, "granted_fen": answer.granted_fen}

    def answered(number: int, ask: Callable[[int], dict[str, Any]]) -> None:
        while True:
            try:
                note(number=number, **ask(number))
                return
            except (DatabaseError, InterfaceError) as error:
                note(number=number, error=type(error.__cause__ or error).__name__)
                connection.close()
                if time.monotonic() > gives_up:
                    raise
                time.sleep(0.05)

    def run() -> None:
        try:
            while True:
                number = work.get_nowait()
                answered(number, redeem)
                if number < len(stage["enterprises"]):
                    answered(number, claim)
        except Empty:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
