"""Steps 7 and 8: clearing, payout under three pairs of eyes, and Zhongwei's 1 % reward."""

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils import timezone

from marketplace.story.client import wait_until
from marketplace.story.stage import Stage

# Zhongwei's rule at its edges: CNY traded in a year → CNY earned.
REWARDS = (
    ("platform-a", 9_999_999_99, 0),
    ("platform-b", 10_000_000_00, 100_000_00),
    ("platform-c", 200_000_000_00, 2_000_000_00),
)


def clear_and_pay(stage: Stage) -> None:
    """What the government owes each provider is approved by two, paid in one batch, confirmed."""
    charges = list(stage.as_("auditor").all("/charges"))
    owed_fen = sum(each["voucher_fen"] for each in charges)
    if not list(stage.as_("maker").all("/clearing-runs")):
        stage.as_("maker").post(
            "/clearing-runs", {"upto": timezone.now().isoformat()}, step="clear"
        )
    runs = list(stage.as_("maker").all("/clearing-runs"))
    cleared_fen = sum(run["government_fen"] or 0 for run in runs)
    stage.say(f"  government owes {cleared_fen / 100:,.2f} CNY")
    stage.check("clearing adds up to what vouchers paid", cleared_fen == owed_fen)
    _pay(stage, "", _payables(stage, "finance"))
    paid = list(stage.as_("finance").all("/payables", state="paid"))
    stage.check("every fen owed was paid", sum(row["amount_fen"] for row in paid) == owed_fen)


def reward_platforms(stage: Stage) -> None:
    """A year of trade under Zhongwei's rule: nothing, 1 %, and the cap."""
    year, officer = stage.since.year - 1, stage.as_("zw-finance")
    version = stage.made["zhongwei"]["version"]
    for slug, volume_fen, earned_fen in REWARDS:
        award = officer.post(
            "/subsidy-awards",
            {
                "policy_version": version,
                "beneficiary": stage.cast.bodies[slug],
                "period_start": date(year, 1, 1).isoformat(),
                "period_end": date(year + 1, 1, 1).isoformat(),
                "facts": {"annual_trade_volume_fen": volume_fen},
            },
            step=f"award:{slug}",
        )
        stage.say(f"  {volume_fen / 100:,.2f} CNY traded earns {award['amount_fen'] / 100:,.2f}")
        stage.check(
            f"{volume_fen / 100:,.2f} CNY earns exactly {earned_fen / 100:,.2f}",
            award["amount_fen"] == earned_fen,
        )
        if not award["amount_fen"]:
            continue
        where = f"/subsidy-awards/{award['id']}/approve"
        stage.check_refused(
            "who proposed an award does not approve it", officer.refused(where), "same_person"
        )
        stage.as_("zw-finance2").post(where, step=f"award:{slug}:approve1")
        stage.as_("zw-finance3").post(where, step=f"award:{slug}:approve2")
    _gather_from_the_books(stage, version)
    _pay(stage, "zw-", _payables(stage, "zw-finance"))
    expected_fen = sum(earned for _slug, _volume, earned in REWARDS)
    wait_until("the awards to be paid", lambda: _paid_awards_fen(stage) == expected_fen)
    stage.figures["zhongwei_awards_fen"] = {
        str(row["beneficiary"]): row["amount_fen"]
        for row in stage.as_("zw-finance").all("/subsidy-awards", state="paid")
    }
    stage.check("the rewards were paid in full", _paid_awards_fen(stage) == expected_fen)


def _gather_from_the_books(stage: Stage, version: int) -> None:
    """This year's trade on Zhongwei's platform, as the books tell it: every charge, no typing."""
    year, officer = stage.since.year, stage.as_("zw-finance")
    asked = {
        "policy_version": version,
        "beneficiary": stage.cast.bodies["platform-a"],
        "period_start": date(year, 1, 1).isoformat(),
        "period_end": date(year + 1, 1, 1).isoformat(),
    }
    basis = officer.post("/award-bases", asked, step="basis")["document"]
    stage.say(
        f"  the books: {basis['gross_fen'] / 100:,.2f} CNY traded, "
        f"{basis['excluded_fen'] / 100:,.2f} not counted, {basis['basis_fen'] / 100:,.2f} counted"
    )
    charged_fen = sum(row["total_fen"] for row in basis["trades"] if not row["cancelled"])
    known_fen = {each["order"]: each["total_fen"] for each in stage.as_("auditor").all("/charges")}
    stage.check(
        "the gathered basis is what was charged, to the fen",
        charged_fen
        == sum(known_fen[row["order"]] for row in basis["trades"] if not row["cancelled"]),
    )
    stage.check(
        "the gathered basis is its trades less what does not count",
        basis["basis_fen"]
        == basis["gross_fen"] - sum(row["amount_fen"] for row in basis["exclusions"]),
    )
    award = officer.post("/award-bases/propose", asked, step="award:from-books")
    stage.check("below the threshold the books earn nothing", award["amount_fen"] == 0)
    stage.figures["zhongwei_basis"] = {
        key: basis[key] for key in ("gross_fen", "excluded_fen", "basis_fen")
    }


def _paid_awards_fen(stage: Stage) -> int:
    return sum(
        row["amount_fen"] for row in stage.as_("zw-finance").all("/subsidy-awards", state="paid")
    )


def _payables(stage: Stage, username: str) -> list[dict[str, Any]]:
    return [row for row in stage.as_(username).all("/payables") if row["state"] != "paid"]


def _pay(stage: Stage, prefix: str, payables: list[dict[str, Any]]) -> None:
    """Approve, batch, freeze, check, release, export, send, confirm, reconcile and close."""
    if not payables:
        return
    makers = stage.as_(f"{prefix}maker")
    _verified_accounts(stage, prefix, {row["payee"]: row["payee_name"] for row in payables})
    approvers = (f"{prefix}finance", f"{prefix}finance2", f"{prefix}finance3")
    for row in payables:
        for username in _two_others(stage, approvers, row):
            stage.as_(username).post(
                f"/payables/{row['id']}/approve", step=f"payable:{row['id']}:{username}"
            )
    ready = list(stage.as_(f"{prefix}finance").all("/payables", state="approved"))
    if not ready:
        return
    ids = sorted(row["id"] for row in ready)
    # A key is at most 200 characters, whatever the number of payables and the size of their ids.
    named = hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:32]
    batch = makers.post("/payout-batches", {"payables": ids}, step=f"{prefix}batch:{named}")
    where = f"/payout-batches/{batch['id']}"
    frozen = makers.post(f"{where}/freeze", step=f"{where}:freeze")
    stage.check(
        f"the frozen batch's control total is the sum of its payables ({prefix or 'hangzhou'})",
        frozen["control_total_fen"] == sum(row["amount_fen"] for row in ready),
    )
    stage.check_refused(
        "who made a batch does not check it", makers.refused(f"{where}/check"), "not_permitted"
    )
    stage.as_(f"{prefix}checker").post(f"{where}/check", step=f"{where}:check")
    stage.as_(f"{prefix}releaser").post(f"{where}/release", step=f"{where}:release")
    makers.post(f"{where}/export", step=f"{where}:export")
    makers.post(f"{where}/mark-sent", step=f"{where}:sent")
    items = list(makers.all("/payout-items", batch=batch["id"]))
    rows = [
        {
            "end_to_end_id": item["end_to_end_id"],
            "status": "paid",
            "amount_fen": item["amount_fen"],
            "bank_reference": f"DEMO-{item['id']}",
        }
        for item in items
    ]
    makers.post(f"{where}/answers", {"rows": rows}, step=f"{where}:answers")
    stage.as_(f"{prefix}checker").post(f"{where}/reconcile", step=f"{where}:reconcile")
    closed = stage.as_(f"{prefix}checker").post(f"{where}/close", step=f"{where}:close")
    stage.say(
        f"  batch {batch['id']}: {closed['item_count']} payments, "
        f"{closed['control_total_fen'] / 100:,.2f} CNY, hash {str(closed['content_hash'])[:12]}…"
    )


def _two_others(
    stage: Stage, approvers: Iterable[str], row: dict[str, Any]
) -> tuple[str, str] | tuple[()]:
    """Two approvers who did not propose the payable."""
    if row["state"] != "proposed":
        return ()
    people = {name: stage.as_(name).get("/me")["person_id"] for name in approvers}
    first, second = [name for name in approvers if people[name] != row["proposed_by"]][:2]
    return first, second


def _verified_accounts(stage: Stage, prefix: str, payees: dict[int, str]) -> None:
    """Each payee's account is entered by one officer and verified by another."""
    for payee, name in payees.items():
        account = stage.as_(f"{prefix}maker").post(
            "/bank-accounts",
            {
                "organization": payee,
                "name": name,
                "number": f"62220200{payee:010d}",
                "bank": "示例银行",
            },
            step=f"{prefix}account:{payee}",
        )
        stage.as_(f"{prefix}checker").post(
            f"/bank-accounts/{account['id']}/verify", step=f"{prefix}account:{payee}:verify"
        )
