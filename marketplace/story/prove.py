"""Step 9: follow a fen, verify the chain offline, prove the books."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from audit.actions.make_checkpoint import make_checkpoint
from audit.chain import export_chain
from audit.decisions import SYSTEM
from audit.seal import seal_events
from ledger.models import Account, Posting
from marketplace.actions.verify_all_books import verify_all_books
from marketplace.models import Charge, Payment
from marketplace.story.stage import Stage
from treasury.models import Envelope
from treasury.queries import envelope_figures
from vouchers.models import Redemption

VERIFIER = Path(settings.BASE_DIR) / "docs" / "verify_chain.py"


def prove(stage: Stage) -> None:
    """The auditor's work, and the report's figures."""
    _follow_a_fen(stage)
    _verify_the_chain(stage)
    report = verify_all_books(actor=SYSTEM, at=timezone.now())
    stage.check(f"verify_books: {report.proofs} proofs hold", report.sound)
    stage.figures |= _figures(stage)
    for envelope in stage.figures["envelopes"]:
        stage.check(
            f"every fen of {envelope['name']} is accounted for", not envelope["unaccounted_fen"]
        )


def _follow_a_fen(stage: Stage) -> None:
    """From the appropriation to the bank and back, by postings alone."""
    redemption = (
        Redemption.objects.filter(state="settled")
        .select_related("payable", "voucher__envelope")
        .first()
    )
    stage.check("a redemption is settled", redemption is not None)
    if redemption is None or redemption.payable is None:
        return
    trail = [redemption.payable.account_code]
    account = Account.objects.get(book=redemption.payable.book, code=trail[0])
    seen = {account.pk}
    while True:
        posting = (
            Posting.objects.filter(destination=account)
            .exclude(source__in=seen)
            .select_related("source")
            .order_by("pk")
            .first()
        )
        if posting is None:
            break
        account = posting.source
        seen.add(account.pk)
        trail.append(account.code)
    stage.say("  one fen: " + " ← ".join(trail))
    stage.made["redemption"] = redemption.pk
    stage.check("the trail ends at a funding source", trail[-1].startswith("fund:"))


def _verify_the_chain(stage: Stage) -> None:
    """Export the chain and let the script judge it, and its checkpoint, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.jsonl"
        signed = _signed(Path(folder) / "note.txt")
        seal_events()
        with chain.open("w", encoding="utf-8") as out:
            head = export_chain(out)
        command = [sys.executable, str(VERIFIER), str(chain), "--head", head.head_hash, *signed]
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    stage.say(f"  {result.stdout.strip()}")
    stage.check("the audit chain verifies offline", result.returncode == 0)
    stage.figures["audit_head"] = {"sequence": head.head_sequence, "hash": head.head_hash}


def _signed(note: Path) -> list[str]:
    """Words that make the script check a signed checkpoint too, where there is a key to sign."""
    if not settings.CHECKPOINT_KEY:
        return []
    checkpoint = make_checkpoint(at=timezone.now())
    note.write_text(checkpoint.note, encoding="utf-8")
    return ["--checkpoint", str(note), "--key", checkpoint.verifier_key]


def _figures(stage: Stage) -> dict[str, Any]:
    charges = Charge.objects.aggregate(
        count=Count("pk"),
        total_fen=Sum("total_fen"),
        voucher_fen=Sum("voucher_fen"),
        own_fen=Sum("own_fen"),
        energy_kwh=Sum("energy_kwh"),
        carbon_kg=Sum("carbon_kg"),
        accelerator_hours=Sum("accelerator_hours"),
    )
    by_provider = {
        row["order__provider__name"]: row["sum"]
        for row in Charge.objects.values("order__provider__name")
        .annotate(sum=Sum("total_fen"))
        .order_by("order__provider__name")
    }
    return {
        "charges": {
            key: value if value is None or isinstance(value, int) else format(value, "f")
            for key, value in charges.items()
        },
        "providers_fen": by_provider,
        "paid_by_enterprise_fen": Payment.objects.filter(state="succeeded").aggregate(
            sum=Sum("amount_fen")
        )["sum"]
        or 0,
        "voucher": stage.as_("enterprise").get(f"/vouchers/{stage.made['voucher']}"),
        "envelopes": [
            {
                "name": envelope.name,
                **(figures := envelope_figures(envelope)).as_dict(),
                "unaccounted_fen": figures.unaccounted_fen,
            }
            for envelope in Envelope.objects.order_by("pk")
        ],
    }
