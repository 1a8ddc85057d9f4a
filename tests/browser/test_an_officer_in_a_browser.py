"""An officer writes terms and tries them, in a real browser, in both languages."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.decisions import SYSTEM
from identity.models import User
from tests.factories import NOW
from tests.vouchers.office import Office, make_office, make_programme
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.actions.load_presets import load_presets
from vouchers.models import PolicyVersion, SimulationRun

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh-hans"])
CHINESE = re.compile("[\u4e00-\u9fff]")


def enter(page, live_server, office: Office, language: str, path: str) -> None:
    """Log in as the office's drafter and read `path` in `language`."""
    person = User.objects.get(pk=office.drafter.person_id)
    person.set_password("a long test password")
    person.save(update_fields=["password"])
    page.context.add_cookies(
        [{"name": "django_language", "value": language, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/login?next={path}")
    page.fill("#id_username", person.get_username())
    page.fill("#id_password", "a long test password")
    page.click("form.login button.primary")
    page.wait_for_url(f"**{path}")


@LANGUAGES
def test_terms_are_checked_while_they_are_written_and_read_as_sentences(
    live_server, page, shoot_wide_and_narrow, language
):
    office = make_office()
    programme = make_programme(office)
    load_presets(actor=SYSTEM, at=NOW)
    enter(page, live_server, office, language, "/officer/terms")
    page.select_option("#preset", "zhangzhou-2025")
    page.wait_for_selector("#clauses li")
    told = page.inner_text("#clauses")
    assert bool(CHINESE.search(told)) is (language == "zh-hans")
    period = page.locator('[data-pointer="/caps/0/per"][aria-invalid="true"]')
    period.wait_for()  # its source does not say
    shoot_wide_and_narrow(f"terms-unknown-{language}")

    page.select_option('[data-pointer="/caps/0/per"]', "natural_year")
    page.wait_for_selector("#problems:not(:has(li))", state="attached")
    assert page.inner_text("#verdict")
    rate = page.locator('[data-pointer="/benefit/lines/0/rate"]')
    right = rate.input_value()
    rate.fill("1.5")
    page.wait_for_selector('#problems li:has-text("/benefit/lines/0/rate")')
    page.wait_for_selector('[data-pointer="/benefit/lines/0/rate"][aria-invalid="true"]')
    assert page.locator("#save button").is_disabled()
    shoot_wide_and_narrow(f"terms-wrong-{language}")

    rate.fill(right)
    page.wait_for_selector("#problems:not(:has(li))", state="attached")
    page.select_option("#programme", str(programme.pk))
    page.fill("#effective", (timezone.now() + timedelta(days=400)).date().isoformat())
    page.wait_for_selector("#save button:enabled")
    page.click("#save button")
    page.wait_for_selector(f"#saved:has-text('{programme.code}')")
    draft = PolicyVersion.objects.get(programme=programme, state="draft")
    assert draft.terms["caps"][0]["per"] == "natural_year"
    shoot_wide_and_narrow(f"terms-saved-{language}")


@LANGUAGES
def test_a_simulation_says_how_far_it_is_and_draws_what_it_found(
    live_server, page, shoot_wide_and_narrow, language
):
    office = make_office()
    caps = [year_cap(2 * WAN)]
    version = draft_policy_version(
        programme=make_programme(office),
        terms=document(rate_line("0.3"), caps=caps),
        effective_from=timezone.now() + timedelta(days=30),
        actor=office.drafter,
        at=timezone.now(),
    )
    enter(page, live_server, office, language, f"/officer/terms/{version.pk}")
    shoot_wide_and_narrow(f"trial-empty-{language}")
    seen: list[str] = []
    page.expose_function("noteProgress", lambda told: seen.append(told))
    page.evaluate(
        "new MutationObserver(() => noteProgress(document.getElementById('told').textContent))"
        ".observe(document.getElementById('told'), {childList: true})"
    )
    page.fill("#data-set", "2025")
    page.set_input_files(
        "#file", {"name": "claims.csv", "mimeType": "text/csv", "buffer": claims().encode()}
    )
    page.click("#simulate button.primary")
    page.wait_for_selector("dl.figures", timeout=20_000)
    assert any("%" in each for each in seen)
    run = SimulationRun.objects.get(version=version)
    assert run.claims == 2_000
    assert page.locator("figure svg").count() == page.locator("figure").count() >= 3
    shoot_wide_and_narrow(f"trial-{language}")


def claims() -> str:
    """2,000 claims of 500 enterprises of four sizes in three districts, over a year."""
    sizes, districts = ("micro", "small", "medium", "large"), ("131002", "131003", "131022")
    rows = (
        f"E{number % 500},2025-{number % 12 + 1:02d}-15,{(number * 7919 % 900 + 1) * 10_000},"
        f"{sizes[number % 4]},{districts[number % 3]}"
        for number in range(2_000)
    )
    return "\n".join(["enterprise,on,contract_amount_fen,size,registered_adcode", *rows, ""])
