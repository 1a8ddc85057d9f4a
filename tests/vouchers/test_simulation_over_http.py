"""A simulation from a file, told live, exported, and looked at on its page."""

import csv
import io
import json
from datetime import date, timedelta

import pyarrow
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pyarrow import parquet
from rest_framework.test import APIClient

from audit.decisions import Actor
from tests.factories import NOW
from tests.marketplace.portal.conftest import browser
from tests.vouchers.office import (
    Office,
    apply,
    decide,
    draft,
    make_applicant,
    make_office,
    make_programme,
)
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from tests.vouchers.test_api import as_
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.actions.recompute_decisions import recompute_decisions
from vouchers.models import PolicyVersion, SimulationRun
from vouchers.rules import RuleError
from vouchers.rules.data_set import read_csv, read_parquet

pytestmark = pytest.mark.slow

CLAIMS = {
    "enterprise": ["A", "B", "B"],
    "on": [date(2026, 1, 5), date(2026, 2, 5), date(2026, 2, 6)],
    "contract_amount_fen": [4 * WAN, 2 * WAN, 3 * WAN],
    "size": ["small", "micro", "micro"],
}


def parquet_of(**columns: object) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pyarrow.table({**CLAIMS, **columns}), out)
    return out.getvalue()


def csv_of() -> str:
    rows = zip(*CLAIMS.values(), strict=True)
    return "\n".join([",".join(CLAIMS), *(",".join(map(str, row)) for row in rows), ""])


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


@pytest.fixture
def version(office: Office) -> PolicyVersion:
    return draft(office)


def drafter(office: Office) -> APIClient:
    return as_(office.drafter)


def upload(client: APIClient, version: PolicyVersion, data: bytes, *, where: str = ""):
    body = {
        "policy_version": version.pk,
        "data_set": "made up",
        "file": SimpleUploadedFile("claims", data),
    }
    return client.post(f"/api/v1/simulation-runs{where}", body, format="multipart")


def test_parquet_and_csv_say_the_same() -> None:
    one, other = read_csv(csv_of()), read_parquet(parquet_of())
    assert sorted(one.columns) == sorted(other.columns)
    for name, column in one.columns.items():
        assert column.tolist() == other.columns[name].tolist()
    assert one.on.tolist() == other.on.tolist()
    assert one.enterprise.tolist() == other.enterprise.tolist()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"contract_amount_fen": [1.0, 2.0, 3.0]}, "contract_amount_fen"),
        ({"contract_amount_fen": [1, None, 3]}, "contract_amount_fen"),
        ({"contract_amount_fen": [1, -2, 3]}, "contract_amount_fen"),
        ({"contract_amount_cny": [1, 2, 3]}, "contract_amount_cny"),
        ({"on": ["2026-13-01"] * 3}, "on"),
    ],
)
def test_a_wrong_parquet_column_is_named(changed: dict[str, object], field: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_parquet(parquet_of(**changed))
    assert caught.value.field == field


def test_what_is_no_parquet_file_is_refused() -> None:
    with pytest.raises(RuleError, match="not a Parquet file"):
        read_parquet(b"PAR1 and nothing else")


@pytest.mark.parametrize("data", [parquet_of(), csv_of().encode()])
def test_a_file_is_read_by_what_it_is(office: Office, version: PolicyVersion, data: bytes) -> None:
    answer = upload(drafter(office), version, data)
    assert answer.status_code == 201, answer.content.decode()
    # A fifth each, at most 1 WAN a year: 8,000 and 4,000 + 6,000.
    assert answer.json()["cost_fen"] == 1_800_000
    assert answer.json()["report"]["engine"]["name"] == "vectorised"


def test_a_file_that_is_neither_is_refused(office: Office, version: PolicyVersion) -> None:
    answer = upload(drafter(office), version, b"\xff\xfe\x00")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "file"


def test_an_export_holds_what_the_report_says(office: Office, version: PolicyVersion) -> None:
    client = drafter(office)
    run = upload(client, version, parquet_of()).json()
    text = client.get(f"/api/v1/simulation-runs/{run['id']}/export").content.decode()
    rows = {(row["table"], row["key"]): row["value"] for row in csv.DictReader(io.StringIO(text))}
    assert rows["cost", "all"] == "1800000"
    assert rows["cost_by_month", "2026-01"] == "800000"
    assert rows["by_size", "micro"] == "1000000"


def test_another_city_sees_no_simulation(office: Office, version: PolicyVersion) -> None:
    run = upload(drafter(office), version, parquet_of()).json()
    stranger = drafter(make_office())
    assert stranger.get(f"/api/v1/simulation-runs/{run['id']}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_live_simulation_tells_how_far_it_is() -> None:
    office = make_office()
    version = draft(office)
    answer = upload(drafter(office), version, parquet_of(), where="/live")
    lines = [json.loads(line) for line in answer.getvalue().decode().splitlines()]
    percents = [line["percent"] for line in lines[:-1]]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert SimulationRun.objects.get(pk=lines[-1]["run"]).cost_fen == 1_800_000


@pytest.mark.django_db(transaction=True)
def test_a_live_simulation_says_what_was_wrong() -> None:
    office = make_office()
    version = draft(office)
    answer = upload(
        drafter(office),
        version,
        b"enterprise,on,contract_amount_cny\nA,2026-01-01,1\n",
        where="/live",
    )
    (line,) = (json.loads(each) for each in answer.getvalue().decode().splitlines())
    assert "contract_amount_cny" in line["problem"]["text_zh"]


@pytest.mark.parametrize(("language", "words"), [("en", "Cost by month"), ("zh-hans", "按月支出")])
def test_the_page_shows_the_pictures_and_the_examples(
    office: Office, version: PolicyVersion, language: str, words: str
) -> None:
    upload(drafter(office), version, parquet_of())
    page = page_of(office.drafter, version, language)
    assert words in page
    assert "2026-01" in page
    assert 'id="simulate"' in page


def test_the_page_of_retroactive_terms_lists_what_they_change(office: Office) -> None:
    programme = make_programme(office)
    decide(office, apply(programme, make_applicant()))
    version = draft_policy_version(
        programme=programme,
        terms=document(rate_line("0.1"), caps=[year_cap(1 * WAN)]),
        effective_from=NOW,
        retroactive=True,
        actor=office.drafter,
        at=NOW + timedelta(days=9),
    )
    recompute_decisions(version=version, actor=office.drafter, at=NOW + timedelta(days=9))
    page = page_of(office.drafter, version, "en")
    assert "1 decisions decided again" in page
    assert "5,000.00" in page


def test_the_page_of_another_citys_trial_does_not_exist(
    office: Office, version: PolicyVersion
) -> None:
    stranger = browser(make_office().drafter)
    assert stranger.get(f"/officer/terms/{version.pk}").status_code == 404


def page_of(actor: Actor, version: PolicyVersion, language: str) -> str:
    client = browser(actor)
    client.cookies["django_language"] = language
    answer = client.get(f"/officer/terms/{version.pk}")
    assert answer.status_code == 200
    return answer.content.decode()
