"""Pools by the file: fates first, then all or nothing."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.decisions import SYSTEM, StaleState
from identity.roles import Role
from providers.actions.add_pool import add_pool
from providers.actions.apply_import import apply_import
from providers.actions.check_import import check_import
from providers.actions.upload_import import upload_import
from providers.bulk import COLUMNS, read_table, write_csv, write_xlsx
from providers.export import pool_lines, problem_lines
from providers.models import ImportFile, ImportRow, Offer, Pool, PriceVersion
from providers.tasks import work_on_waiting_imports
from tests.factories import NOW
from tests.providers.supply import HOUR, a_card, make_facility, make_offer
from tests.providers.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.routes")]
CARD = "nvidia-a100-sxm4-80gb"
HEADER = ["facility", "code", "accelerator", "units", "kw_per_unit", "price_unit", "price_fen"]


@pytest.fixture
def facility():
    a_card()
    return make_facility()


def line(facility, code, *, units="8", kw="0.5", unit="card_hour", fen="900", card=CARD):
    return [facility.name, code, card, units, kw, unit, fen]


def bytes_of(lines, *, header=HEADER, encoding="utf-8"):
    held = io.StringIO()
    csv.writer(held).writerows([header, *lines])
    return held.getvalue().encode(encoding)


def checked(facility, data, filename="pools.csv"):
    file = upload_import(
        provider=facility.provider, filename=filename, content=data, actor=SYSTEM, at=NOW
    )
    return check_import(file=file, actor=SYSTEM, at=NOW)


def fates(file):
    return list(ImportRow.objects.filter(file=file).order_by("number").values_list("fate"))


def test_a_dry_run_tells_every_fate_and_writes_nothing(facility):
    file = checked(facility, bytes_of([line(facility, "a"), line(facility, "b", units="0")]))
    assert fates(file) == [("create",), ("refuse",)]
    assert (file.state, file.rows_checked, file.rows_total) == ("refused", 2, 2)
    assert not Pool.objects.exists()


def test_a_file_with_one_wrong_row_is_written_not_at_all(facility):
    file = checked(facility, bytes_of([line(facility, "a"), line(facility, "b", units="0")]))
    with pytest.raises(StaleState):
        apply_import(file=file, actor=SYSTEM, at=NOW)
    assert not Pool.objects.exists()
    other = checked(facility, bytes_of([line(facility, "a")]))
    with pytest.raises(IntegrityError, match="refused_row_is_not_written"), transaction.atomic():
        ImportFile.objects.filter(pk=other.pk).update(rows_refused=1)


def test_a_sound_file_becomes_pools_drafts_and_prices(facility):
    file = checked(facility, bytes_of([line(facility, "a"), line(facility, "b", fen="")]))
    assert apply_import(file=file, actor=SYSTEM, at=NOW).state == "applied"
    assert set(Pool.objects.values_list("code", "units")) == {("a", 8), ("b", 8)}
    assert list(Offer.objects.values_list("pool__code", "state")) == [("a", "draft")]
    assert PriceVersion.objects.get().price_fen_per_unit_hour == 900
    with pytest.raises(StaleState):
        apply_import(file=file, actor=SYSTEM, at=NOW)


def test_importing_again_changes_nothing_and_a_new_price_ends_the_old_one(facility):
    apply_import(file=checked(facility, bytes_of([line(facility, "a")])), actor=SYSTEM, at=NOW)
    at = NOW + HOUR
    again = upload_import(
        provider=facility.provider,
        filename="x.csv",
        content=bytes_of([line(facility, "a")]),
        actor=SYSTEM,
        at=at,
    )
    assert check_import(file=again, actor=SYSTEM, at=at).rows_unchanged == 1
    dearer = upload_import(
        provider=facility.provider,
        filename="x.csv",
        content=bytes_of([line(facility, "a", fen="950", units="9")]),
        actor=SYSTEM,
        at=at,
    )
    assert check_import(file=dearer, actor=SYSTEM, at=at).rows_changed == 1
    apply_import(file=dearer, actor=SYSTEM, at=at)
    assert Pool.objects.get().units == 9
    old, new = PriceVersion.objects.order_by("valid")
    assert (old.valid.upper, new.valid.lower, new.price_fen_per_unit_hour) == (at, at, 950)


def test_what_was_checked_and_has_moved_is_stale(facility):
    file = checked(facility, bytes_of([line(facility, "a"), line(facility, "b")]))
    add_pool(
        facility=facility,
        code="b",
        accelerator=a_card(),
        units=1,
        kw_per_unit=1,
        actor=SYSTEM,
        at=NOW,
    )
    assert apply_import(file=file, actor=SYSTEM, at=NOW).state == "stale"
    assert list(Pool.objects.values_list("code")) == [("b",)]


def test_one_physical_slice_has_one_identifier_whoever_lists_it(facility):
    other = make_offer().pool
    rows = [
        [*line(facility, "a"), other.slice_id],
        [*line(facility, "b"), "s"],
        [*line(facility, "c"), "s"],
    ]
    file = checked(facility, bytes_of(rows, header=[*HEADER, "slice_id"]))
    said = [(row[0], row[1], row[3]) for row in problem_lines(file)]
    assert said == [(2, "slice_id", "slice_exists"), (4, "slice_id", "twice_in_file")]


def test_the_error_file_names_row_column_and_reason(facility):
    rows = [
        line(facility, "a", kw="lots"),
        line(facility, "b", card="abacus"),
        line(facility, "=1+1"),
    ]
    file = checked(facility, bytes_of(rows))
    assert [row[:4] for row in problem_lines(file)] == [
        (2, "kw_per_unit", "lots", "not_a_number"),
        (3, "accelerator", "abacus", "unknown"),
        (4, "code", "=1+1", "formula"),
    ]
    text = "".join(write_csv(["row"], [["=cmd()"]]))
    assert "'=cmd()" in text


def test_a_price_per_petaflop_hour_needs_a_precision_the_catalogue_knows(facility):
    card = a_card()
    file = checked(
        facility,
        bytes_of(
            [line(facility, "a", unit="P·h@FP16", fen="3000"), line(facility, "b", unit="TB·月")]
        ),
    )
    rows = ImportRow.objects.filter(file=file).order_by("number")
    priced = float(card.peak["fp16_tflops"]) / 1000 * 3000
    assert rows[0].values["price_fen_per_unit_hour"] == round(priced)
    assert rows[1].fate == "refuse"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_csv_comes_in_utf8_or_gbk_with_chinese_columns(encoding):
    data = bytes_of([["内蒙古一号", "甲"]], header=["数据中心", "资源池编号"], encoding=encoding)
    assert list(read_table(data, "x.csv")) == [(2, {"数据中心": "内蒙古一号", "资源池编号": "甲"})]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "x.csv"),
        (b"\xff\xfe\x00", "x.csv"),
        (b"PK\x03\x04broken", "x.xlsx"),
        (b"[1]", "x.json"),
        (b"a,a\n1,2\n", "x.csv"),
        (b"{" * 100_000, "x.json"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_reason(facility, data, name):
    file = checked(facility, data or b"\n", name)
    assert (file.state, file.rows_total) == ("refused", 0)
    assert file.problem.startswith("file: ")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_an_export_imports_again_as_unchanged(facility, client, kind):
    apply_import(file=checked(facility, bytes_of([line(facility, "a")])), actor=SYSTEM, at=NOW)
    me = Caller(client, facility.provider, Role.PROVIDER_ADMIN)
    answer = me.get(f"pools/export?as={kind}")
    data = answer.content if kind == "xlsx" else b"".join(answer.streaming_content)
    sent = client.post(
        "/api/v1/imports",
        {"file": SimpleUploadedFile(f"pools.{kind}", data)},
        headers=me.headers,
    )
    assert sent.status_code == 201, sent.content
    assert (sent.json()["state"], sent.json()["rows_unchanged"]) == ("checked", 1), sent.json()


def test_over_http_rows_are_checked_told_and_written(facility, client):
    me = Caller(client, facility.provider, Role.PROVIDER_ADMIN)
    rows = [dict(zip(HEADER, line(facility, code), strict=True)) for code in ("a", "")]
    sent = me.post("imports", json.dumps({"rows": rows}))
    assert (sent.status_code, sent.json()["state"]) == (201, "refused")
    number = sent.json()["id"]
    told = me.get(f"import-rows?file={number}&fate=refuse").json()["results"]
    assert told[0]["problems"][0]["column"] == "code"
    errors = b"".join(me.get(f"imports/{number}/errors").streaming_content).decode()
    assert "3,code,,missing" in errors
    assert me.post(f"imports/{number}/apply").status_code == 409
    rows[1]["code"] = "b"
    good = me.post("imports", json.dumps({"rows": rows})).json()["id"]
    assert me.post(f"imports/{good}/apply").json()["state"] == "applied"
    stranger = Caller(client, make_facility().provider, Role.PROVIDER_ADMIN)
    assert stranger.get(f"imports/{good}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_large_file_waits_for_a_worker(facility, client, monkeypatch):
    monkeypatch.setattr("providers.api.import_views.AT_ONCE_BYTES", 10)
    monkeypatch.setattr("providers.api.import_views.AT_ONCE_ROWS", 0)
    me = Caller(client, facility.provider, Role.PROVIDER_ADMIN)
    rows = [dict(zip(HEADER, line(facility, "a"), strict=True))]
    sent = me.post("imports", json.dumps({"rows": rows}))
    assert (sent.status_code, sent.json()["state"]) == (202, "uploaded")
    assert work_on_waiting_imports(now=timezone.now) == 1
    assert me.post(f"imports/{sent.json()['id']}/apply").json()["state"] == "queued"
    assert work_on_waiting_imports(now=timezone.now) == 1
    assert Pool.objects.get().code == "a"


def test_a_workbook_never_holds_a_formula():
    data = write_xlsx(["a"], [["=1+1"]])
    ((_, cells),) = read_table(data, "x.xlsx")
    assert cells == {"a": "=1+1"}


def test_an_exported_line_has_every_column(facility):
    pool = make_offer().pool
    (told,) = pool_lines(Pool.objects.filter(pk=pool.pk), NOW)
    assert len(told) == len(COLUMNS)
