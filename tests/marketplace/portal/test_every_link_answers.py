"""Whoever logs in can open whatever their pages link to, in both languages."""

import pytest

from audit.decisions import Actor
from identity.roles import ROLES_BY_KIND
from marketplace.portal.access import PAGES, Visitor
from tests.factories import make_actor
from tests.marketplace.portal.conftest import Spent, browser
from tests.marketplace.portal.crawl import crawl
from tests.marketplace.portal.town import make_town

pytestmark = pytest.mark.django_db
PEOPLE = [(kind, role) for kind, roles in ROLES_BY_KIND.items() for role in sorted(roles)]
# Drawn alike for everybody, from every preset there is: read once, as a stranger.
PUBLIC = ("/", "/coverage", "/login")


def follow(actor: Actor | None, language: str) -> dict[str, int]:
    client = browser(actor, language=language)

    def read(address: str) -> tuple[int, str]:
        if actor and address in PUBLIC:
            return 200, ""
        answer = client.get(address, follow=True)
        told = answer.headers.get("Content-Type", "")
        page = told.startswith("text/html")
        return answer.status_code, answer.content.decode() if page else ""

    own = [f"/{page}" for page in PAGES if actor and Visitor(actor, None).may_open(page)]
    return crawl(own or PUBLIC, read)


def broken(answers: dict[str, int]) -> dict[str, int]:
    return {address: status for address, status in answers.items() if status != 200}


@pytest.mark.slow
def test_every_page_there_is_answers_an_auditor(spent: Spent) -> None:
    town = make_town(spent)
    reader = make_actor(town["government"], "auditor")
    reached = dict[str, int]()
    for language in ("zh-hans", "en"):
        reached |= follow(reader, language) | follow(None, language)
        assert not broken(reached), language
    for page in (
        *("/enterprise/carbon", "/provider/imports", "/provider/meters", "/windows/"),
        *("/officer/cases", "/officer/terms/", "/officer/awards/", "/officer/regions"),
        *("/officer/treasury", "/auditor/cases", "/auditor/trace/award/", "/week/"),
        *("/api/v1/export-bundle", "/api/v1/simulation-runs/"),
    ):
        assert any(address.startswith(page) for address in reached), f"nothing links to {page}"


@pytest.mark.slow
def test_everybody_can_open_what_their_pages_link_to(spent: Spent) -> None:
    town = make_town(spent)
    for kind, role in PEOPLE:
        assert not broken(follow(make_actor(town[kind], role), "zh-hans")), role
