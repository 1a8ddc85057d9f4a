"""Every page anybody's links lead to, on a desk and a telephone, in both languages: it answers,
nothing is wider than the window, and nothing fails in the console."""

import re

import pytest

from identity.models import User
from identity.roles import Role
from tests.factories import make_actor
from tests.marketplace.portal.conftest import spend_and_pay
from tests.marketplace.portal.crawl import crawl
from tests.marketplace.portal.town import make_town

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
LOOKS = (
    ("government", Role.AUDITOR, "/auditor"),
    ("government", Role.BUDGET_OFFICER, "/officer"),
    ("enterprise", Role.ENTERPRISE_APPLICANT, "/enterprise"),
    ("provider", Role.PROVIDER_ADMIN, "/provider"),
    ("platform", Role.PLATFORM_OPERATOR, "/week"),
)


def test_every_page_anybody_reaches_fits_its_window(live_server, page):
    town, complaints = make_town(spend_and_pay()), list[str]()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("console", lambda told: told.type == "error" and complaints.append(told.text))

    def read(address: str) -> tuple[int, str]:
        if address.startswith("/api/"):
            return page.request.get(live_server.url + address).status, ""
        answer = page.goto(live_server.url + address)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                complaints.append(f"{address} is wider than {width} px")
        return answer.status, page.content()

    for kind, role, start in LOOKS:
        person = User.objects.get(pk=make_actor(town[kind], role).person_id)
        for language in ("zh-hans", "en"):
            page.context.clear_cookies()
            page.goto(f"{live_server.url}/login?next={start}")
            page.context.add_cookies(
                [{"name": "django_language", "value": language, "url": live_server.url}]
            )
            page.fill("#id_username", person.get_username())
            page.fill("#id_password", "a long test password")
            page.click("form.login button.primary")
            page.wait_for_url(re.compile(start))
            answers = crawl([start], read)
            broken = {address: status for address, status in answers.items() if status != 200}
            assert not broken, (role, language)
            assert not complaints, (role, language)
