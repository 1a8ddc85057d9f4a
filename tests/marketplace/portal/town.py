"""A town with something on every page, for those who look at all of them."""

from datetime import date

from audit.decisions import SYSTEM
from identity.models import Organization
from scheduling.actions.list_pool import list_pool
from tests.factories import NOW, make_organization
from tests.marketplace.portal.conftest import Spent
from tests.providers.supply import make_facility, make_offer, make_pool
from tests.scheduling.builders import make_platform, make_workload
from tests.scheduling.test_run_matching import match
from tests.vouchers.claims import Case
from tests.vouchers.office import make_programme, organization_of, zhongwei
from tests.vouchers.rules.sheets import WAN, document, rate_line
from tests.vouchers.windows import make_window
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.load_presets import load_presets
from vouchers.actions.review_award import approve_award


def make_town(spent: Spent) -> dict[str, Organization]:
    """An organization of each kind with something on each of its pages."""
    office = spent.office
    load_presets(actor=SYSTEM, at=NOW)
    case = Case(office)
    case.claim()
    case.passed()
    programme = make_programme(office, document(rate_line("0.2")))
    make_window(office=office, programme=programme, tranche_fen=3 * WAN)
    rewarded = make_programme(office, zhongwei(), holding_fen=1000 * WAN)
    award = propose_award(
        version=rewarded.versions.get(),
        beneficiary=case.seller,
        period_start=date(2025, 1, 1),
        period_end=date(2026, 1, 1),
        facts={"annual_trade_volume_fen": 10_000_000_00},
        actor=office.reviewer,
        at=NOW,
    )
    for approver in (office.decider, office.city.finance_1):
        approve_award(award=award, actor=approver, at=NOW)
        award.refresh_from_db()
    enterprise = organization_of(spent.applicant)
    platform = make_platform()
    pool = make_pool(make_facility(adcode="150100"), units=6)
    make_offer(pool, price_fen=700)
    list_pool(pool=pool, platform=platform, actor=SYSTEM, at=NOW)
    for units in (2, 50):
        make_workload(enterprise=enterprise, units=units)
    match()
    return {
        "government": office.city.organization,
        "enterprise": enterprise,
        "provider": pool.facility.provider,
        "platform": make_organization("platform"),
    }
