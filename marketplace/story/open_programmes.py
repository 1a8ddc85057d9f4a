"""Steps 1 and 2: programmes from presets, budgets under four eyes, and a voucher."""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from marketplace.story.client import Client
from marketplace.story.stage import Stage
from vouchers.models import PolicyVersion

HANGZHOU_FEN = 2_000_000_00
ZHONGWEI_FEN = 5_000_000_00
FACTS = {
    "entity_type": "enterprise",
    "size": "small",
    "annual_contract_total_fen": 400_000_00,
    "contract_actual_amount_fen": 400_000_00,
    "voucher_kind": "compute",
    "compute_kind": "intelligent",
}


def open_programmes(stage: Stage) -> None:
    """Hangzhou's vouchers and Zhongwei's reward, each drafted, approved by two, and funded."""
    stage.made["hangzhou"] = _open(
        stage,
        prefix="",
        preset="hangzhou-2025",
        name="杭州算力券（示例）",
        amount_fen=HANGZHOU_FEN,
        tries=[(FACTS | {"use_type": "inference", "rate_bracket": "low"}, 200_000_00)],
        supplied=[
            {
                "pointer": "/payment/mode",
                "value": "deduct_at_order",
                "source": "演示设定：来源未载明兑付方式 (demo setting; the source does not say)",
            }
        ],
    )
    stage.made["zhongwei"] = _open(
        stage,
        prefix="zw-",
        preset="zhongwei-platform-trade-1pct",
        name="中卫算力平台交易额奖励（示例）",
        amount_fen=ZHONGWEI_FEN,
        tries=[
            ({"annual_trade_volume_fen": 10_000_000_00 - 1}, 0),
            ({"annual_trade_volume_fen": 10_000_000_00}, 100_000_00),
        ],
        supplied=[],
    )
    _four_eyes_in_the_database(stage)


def _open(
    stage: Stage,
    *,
    prefix: str,
    preset: str,
    name: str,
    amount_fen: int,
    tries: list[tuple[dict[str, Any], int]],
    supplied: list[Any],
) -> dict[str, Any]:
    drafter, approver = stage.as_(f"{prefix}drafter"), stage.as_(f"{prefix}approver")
    officer, officer2 = stage.as_(f"{prefix}officer"), stage.as_(f"{prefix}officer2")
    stage.say(f"  programme {name} from preset {preset}")
    programme = drafter.post(
        "/programmes",
        {
            "preset": preset,
            "code": f"{preset}-demo",
            "name": name,
            "effective_from": stage.since.isoformat(),
            "supplied": supplied,
        },
        step=f"{preset}:draft",
    )
    version = programme["versions"][0]
    drafter.post(f"/policy-versions/{version}/submit", step=f"{preset}:submit")
    approver.post(f"/policy-versions/{version}/approve", step=f"{preset}:approve1")
    stage.check_refused(
        f"{preset}: the first approver may not approve again",
        approver.refused(f"/policy-versions/{version}/approve"),
        "same_person",
        "stale_state",
    )
    stage.check_refused(
        f"{preset}: terms nobody tried are not approved",
        stage.as_(f"{prefix}approver2").refused(f"/policy-versions/{version}/approve"),
        "not_simulated",
        "stale_state",
    )
    _try_out(stage, drafter, preset, version, tries)
    stage.as_(f"{prefix}approver2").post(
        f"/policy-versions/{version}/approve", step=f"{preset}:approve2"
    )
    envelope = officer.post(
        "/envelopes",
        {"budget_year": stage.since.year, "name": name, "programme_code": programme["code"]},
        step=f"{preset}:envelope",
    )
    source = officer.post(
        "/funding-sources", {"name": f"{name}·市级财政", "level": "city"}, step=f"{preset}:source"
    )
    appropriation = officer.post(
        "/appropriations",
        {"envelope": envelope["id"], "funding_source": source["id"], "amount_fen": amount_fen},
        step=f"{preset}:appropriate",
    )
    stage.check_refused(
        f"{preset}: nobody approves their own appropriation",
        officer.refused(f"/appropriations/{appropriation['id']}/approve"),
        "same_person",
        "stale_state",
    )
    officer2.post(
        f"/appropriations/{appropriation['id']}/approve", step=f"{preset}:appropriation-approve"
    )
    officer.post(f"/envelopes/{envelope['id']}/open", step=f"{preset}:open")
    drafter.post(
        f"/programmes/{programme['id']}/activate",
        {"envelope": envelope["id"]},
        step=f"{preset}:activate",
    )
    return {"programme": programme["id"], "version": version, "envelope": envelope["id"]}


def _try_out(
    stage: Stage,
    drafter: Client,
    preset: str,
    version: int,
    tries: list[tuple[dict[str, Any], int]],
) -> None:
    """Worked examples, and a run over the same facts as claims of one day."""
    for number, (facts, expected_fen) in enumerate(tries):
        case = drafter.post(
            "/rule-test-cases",
            {
                "policy_version": version,
                "name": f"example {number + 1}",
                "facts": facts,
                "asked_at": stage.since.isoformat(),
                "expected_fen": expected_fen,
            },
            step=f"{preset}:example{number}",
        )
        stage.check(f"{preset}: example {number + 1} comes out as worked out", case["passes"])
    names = list(tries[0][0])
    rows = [
        f"E{number},{stage.since:%Y-%m-%d},{','.join(str(facts[name]) for name in names)}"
        for number, (facts, _expected) in enumerate(tries)
    ]
    run = drafter.post(
        "/simulation-runs",
        {
            "policy_version": version,
            "data_set": "演示数据（虚构） · demo claims, made up",
            "csv_text": "\n".join([",".join(["enterprise", "on", *names]), *rows, ""]),
        },
        step=f"{preset}:simulate",
    )
    stage.check(
        f"{preset}: the simulation costs what the examples earn",
        run["cost_fen"] == sum(expected for _facts, expected in tries),
    )


def _four_eyes_in_the_database(stage: Stage) -> None:
    """Past the API and past Python: the database refuses it too."""
    version = PolicyVersion.objects.get(pk=stage.made["hangzhou"]["version"])
    refused = False
    try:
        with transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(approved_by_1=version.drafted_by_id)
    except IntegrityError:
        refused = True
    except Exception as error:  # a trigger may refuse first, under another name
        refused = "stays" in str(error)
    stage.check("the database refuses terms approved by who drafted them", refused)


def get_a_voucher(stage: Stage) -> None:
    """The enterprise asks, applies, is reviewed by two, and claims its voucher."""
    enterprise, programme = stage.as_("enterprise"), stage.made["hangzhou"]["programme"]
    answer = enterprise.post("/entitlements", {"programme": programme, "facts": FACTS}, step="ask")
    stage.say(f"  entitled: {answer['decision']}, {answer['amount_fen'] / 100:,.2f} CNY")
    application = enterprise.post(
        "/applications", {"programme": programme, "facts": FACTS}, step="apply"
    )
    where = f"/applications/{application['id']}"
    stage.as_("reviewer").post(f"{where}/recommend", step="recommend")
    stage.as_("finance").post(f"{where}/approve", step="approve")
    voucher = stage.as_("finance").post(
        f"{where}/issue",
        {"valid_through": date(stage.since.year + 1, 6, 30).isoformat()},
        step="issue",
    )
    enterprise.post(f"/vouchers/{voucher['id']}/claim", step="claim")
    stage.made["voucher"] = voucher["id"]
    stage.check(
        "the voucher's face value is what the entitlement said",
        voucher["face_fen"] == answer["amount_fen"],
    )
    problem = stage.as_("auditor").refused(
        "/applications", {"programme": programme, "facts": FACTS}
    )
    stage.check_refused("an auditor writes nothing", problem, "not_permitted")
