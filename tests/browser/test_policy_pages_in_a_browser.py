"""The programme office's pages on a desk and a telephone, in both languages: nothing is wider than
the window, every control has a name, and the keyboard shows where it is."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from audit.decisions import SYSTEM, Actor
from identity.models import User
from tests.factories import NOW, make_actor, make_organization
from tests.vouchers.claims import Case
from tests.vouchers.office import make_office, make_programme, try_out, zhongwei
from tests.vouchers.rules.sheets import WAN, document, rate_line
from tests.vouchers.windows import admit, claim, make_window
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.actions.load_presets import load_presets
from vouchers.actions.object_in_notice import object_to
from vouchers.actions.recompute_decisions import recompute_decisions

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
UNNAMED = """[...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
    .filter((each) => !(each.ariaLabel || each.labels?.[0]?.textContent.trim()
        || (each.tagName === "BUTTON" && each.textContent.trim())))
    .map((each) => each.outerHTML)"""
UNSEEN = """[...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((each) => each.checkVisibility() && !each.disabled)
    .filter((each) => {
        each.focus({ focusVisible: true });
        return document.activeElement === each && getComputedStyle(each).outlineStyle === "none";
    })
    .map((each) => each.outerHTML)"""


def log_in(page, live_server, actor: Actor) -> None:
    person = User.objects.get(pk=actor.person_id)
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/login?next=/week")
    page.fill("#id_username", person.get_username())
    page.fill("#id_password", "a long test password")
    page.click("form.login button.primary")
    page.wait_for_url("**/week")


@pytest.fixture
def case() -> Case:
    """An office with something on every page."""
    load_presets(actor=SYSTEM, at=NOW)
    return Case(make_office())


@pytest.fixture
def paths(case: Case) -> dict[str, str]:
    office, soon = case.office, timezone.now() + timedelta(minutes=5)
    case.claim()
    noticed = case.passed()
    object_to(
        noticed=noticed,
        text="The machines are the claimant's own.",
        actor=make_actor(make_organization("enterprise"), "enterprise_applicant"),
        at=NOW,
    )
    programme = make_programme(office, document(rate_line("0.2")))
    _, window = make_window(
        office=office, programme=programme, admission="terms", tranche_fen=3 * WAN, face_fen=None
    )
    enterprises = [case.claimant, *(None for _ in range(2))]
    claim(window, *(admit(window, each, contract_amount_fen=10 * WAN) for each in enterprises))
    version = draft_policy_version(
        programme=programme,
        terms=document(rate_line("0.3")),
        effective_from=NOW,
        retroactive=True,
        actor=office.drafter,
        at=soon,
    )
    try_out(office, version)
    recompute_decisions(version=version, actor=office.drafter, at=soon)
    rewarded = make_programme(office, zhongwei(), holding_fen=1000 * WAN)
    award = propose_award(
        version=rewarded.versions.get(),
        beneficiary=case.seller,
        period_start=date(2025, 1, 1),
        period_end=date(2026, 1, 1),
        facts={"annual_trade_volume_fen": 10_000_000_00},
        actor=office.decider,
        at=NOW,
    )
    return {
        "officer": "/officer",
        "window": f"/windows/{window.pk}",
        "trial": f"/officer/terms/{version.pk}",
        "award": f"/officer/awards/{award.pk}",
        "regions": "/officer/regions",
        "treasury": "/officer/treasury",
        "coverage": "/coverage",
    }


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_fits_and_names_its_controls(
    live_server, page, shoot_wide_and_narrow, case, paths, language
):
    def look(name: str, path: str) -> None:
        answer = page.goto(live_server.url + path)
        assert answer.status == 200, path
        shoot_wide_and_narrow(f"{name}-{language}")
        assert page.evaluate(UNNAMED) == []
        assert page.evaluate(UNSEEN) == []

    for reader, mine in (
        (case.office.decider, paths),
        (case.office.drafter, {"trial-form": paths["trial"], "terms": "/officer/terms"}),
        (case.claimant, {"enterprise": "/enterprise", "claim": paths["window"]}),
    ):
        log_in(page, live_server, reader)
        page.context.add_cookies(
            [{"name": "django_language", "value": language, "url": live_server.url}]
        )
        for name, path in mine.items():
            look(name, path)
