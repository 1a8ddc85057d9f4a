"""Steps 4 to 6: workloads are matched, accepted, dispatched, metered, charged and paid."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from marketplace.sample import SampleWorkload, sample_workloads
from marketplace.story.client import wait_until
from marketplace.story.stage import Stage

CHOSEN_FROM = 400
WORKLOADS = 40
LONGEST_HOURS = 48


def match_workloads(stage: Stage) -> None:
    """Submit workloads of the real trace; the worker places each or says why not."""
    enterprise = stage.as_("enterprise")
    known = {row["reference"] for row in enterprise.all("/workloads")}
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for workload in _largest(sample_workloads(CHOSEN_FROM, starts_at=now + timedelta(hours=2))):
        if workload.key not in known:
            enterprise.post(
                "/workloads", _body(stage, workload), step=f"{workload.key}:{now:%Y%m%d%H}"
            )
    rows = wait_until("matching", lambda: _all_decided(stage), seconds=180)
    placed = [row for row in rows if row["state"] not in ("unplaced", "submitted")]
    stage.say(f"  {len(placed)} of {len(rows)} workloads placed")
    for row in rows:
        if row["state"] == "unplaced":
            reason = row["unplaced_reason"] or {}
            stage.say(f"    {row['reference']} unplaced: {reason.get('text_en')}")
    stage.check("most workloads are placed", len(placed) * 2 > len(rows))
    stage.check(
        "every unplaced workload has its reason",
        all(row["unplaced_reason"] for row in rows if row["state"] == "unplaced"),
    )


def _largest(workloads: Sequence[SampleWorkload]) -> list[SampleWorkload]:
    """The workloads with the most card-hours that last at most LONGEST_HOURS."""
    fitting = [each for each in workloads if each.duration_hours <= LONGEST_HOURS]
    fitting.sort(key=lambda each: (-each.cards * each.duration_hours, each.key))
    return fitting[:WORKLOADS]


def _body(stage: Stage, workload: SampleWorkload) -> dict[str, Any]:
    return {
        "reference": workload.key,
        "kinds": list(workload.accelerator_ids),
        "units": workload.cards,
        "duration_hours": workload.duration_hours,
        "earliest_at": workload.earliest_at.isoformat(),
        "deadline_at": workload.deadline_at.isoformat(),
        "regions": list(workload.region_adcodes),
        "min_green_tier": workload.min_green_tier,
        "max_price_fen_per_unit_hour": workload.max_price_fen_per_card_hour,
        "voucher_id": stage.made["voucher"],
        "sample": True,
        "origin": f"Alibaba PAI-2020 trace, job {workload.trace_job_id} (CC-BY-4.0)",
    }


def _all_decided(stage: Stage) -> list[dict[str, Any]] | None:
    rows = list(stage.as_("enterprise").all("/workloads"))
    return None if any(row["state"] == "submitted" for row in rows) else rows


def accept_placements(stage: Stage) -> None:
    """Accept every proposed placement: hold and capacity together."""
    enterprise = stage.as_("enterprise")
    proposed = list(enterprise.all("/placements", state="proposed"))
    if proposed:
        _show(stage, proposed[-1])
        problem = stage.as_("rival").refused("/orders", {"placement": proposed[0]["id"]})
        stage.check_refused("another enterprise's placement is unknown", problem, "not_found")
    for placement in proposed:
        enterprise.post("/orders", {"placement": placement["id"]}, step=f"order:{placement['id']}")
    stage.say(f"  {len(proposed)} placements accepted")


def _show(stage: Stage, placement: dict[str, Any]) -> None:
    stage.say(
        f"  for example {placement['workload_reference']} → {placement['facility']}, "
        f"{placement['price_fen'] / 100:,.2f} CNY before voucher, "
        f"{placement['own_fen'] / 100:,.2f} after, {placement['energy_kwh']} kWh, "
        f"{placement['carbon_kg']} kgCO2"
    )


def run_jobs(stage: Stage) -> None:
    """The platform runs them and reports; every order ends charged or cancelled."""
    orders = wait_until("jobs to run and be charged", lambda: _all_ended(stage), seconds=300)
    charged = [order for order in orders if order["state"] == "charged"]
    charges = list(stage.as_("enterprise").all("/charges"))
    stage.say(f"  {len(charged)} of {len(orders)} orders charged")
    stage.check("every charged order has one charge", len(charges) == len(charged))
    stage.check(
        "every charge is voucher part plus own part",
        all(each["total_fen"] == each["voucher_fen"] + each["own_fen"] for each in charges),
    )


def _all_ended(stage: Stage) -> list[dict[str, Any]] | None:
    orders = list(stage.as_("enterprise").all("/orders"))
    ended = orders and all(order["state"] in ("charged", "cancelled") for order in orders)
    return orders if ended else None


def pay_own_part(stage: Stage) -> None:
    """The enterprise pays through the gateway; its webhook says when each payment succeeded."""
    enterprise = stage.as_("enterprise")
    for payment in enterprise.all("/payments"):
        if payment["state"] in ("requested", "failed"):
            enterprise.post(
                f"/payments/{payment['id']}/pay",
                {"payment_method": "pm_card_visa"},
                step=f"pay:{payment['id']}",
            )
    payments = wait_until("the gateway's webhooks", lambda: _all_paid(stage), seconds=60)
    stage.say(f"  {len(payments)} payments succeeded")


def _all_paid(stage: Stage) -> list[dict[str, Any]] | None:
    payments = list(stage.as_("enterprise").all("/payments"))
    return payments if all(each["state"] == "succeeded" for each in payments) else None
