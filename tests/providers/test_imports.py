"""Pools by the file: fates first, then all or nothing."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from audit.decisions import SYSTEM, Invalid, StaleState
from identity.roles import Role
from providers.actions.add_pool import add_pool
from providers.actions.apply_import import apply_import
from providers.actions.check_import import check_import
from providers.actions.upload_import import upload_import
from providers.bulk import COLUMNS, read_table, write_csv, write_xlsx
from providers.export import pool_lines, problem_lines
from providers.models import (
    AcceleratorModel,
    Facility,
    ImportFile,
    ImportRow,
    Offer,
    Pool,
    PriceVersion,
)
from providers.tasks import work_on_waiting_imports
from tests.factories import NOW
from tests.providers.supply import HOUR, a_card, make_facility, make_offer
from tests.providers.test_api import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.routes"), pytest.mark.slow]
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


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " ="]
)
def test_what_a_spreadsheet_would_run_leaves_with_an_apostrophe_and_is_refused_coming_in(
    facility, sign
):
    cell = f"{sign}cmd|' /C calc'!A0"
    told = next(csv.reader(io.StringIO("".join(write_csv(["a"], [[cell]])).partition("\r\n")[2])))
    assert told == [f"'{cell}"]
    rows = [dict(zip(HEADER, line(facility, cell), strict=True))]
    for data, name in (
        (bytes_of([line(facility, cell)]), "x.csv"),
        (bytes_of([line(facility, f"'{cell}")]), "x.csv"),
        (json.dumps(rows).encode(), "x.json"),
        (write_xlsx(HEADER, [line(facility, cell)]), "x.xlsx"),
    ):
        file = checked(facility, data, name)
        if sign in "\t\r\n":  # white space, taken off: what is left runs nothing
            assert ImportRow.objects.get(file=file).values["code"] == cell.strip()
        else:
            assert [each[1:4:2] for each in problem_lines(file)] == [("code", "formula")], name


@pytest.mark.parametrize(("cell", "text"), [("-5", "-5"), ("+1.5", "+1.5"), ("-5+1", "'-5+1")])
def test_a_signed_number_stays_a_number(cell, text):
    assert f"\r\n{text}\r\n" in "".join(write_csv(["a"], [[cell]]))


def workbook(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


@pytest.mark.parametrize(
    ("column", "formula"),
    [("units", "=4*2"), ("price_fen", "=A1"), ("code", '="a"'), ("price_unit", "=F1")],
)
def test_a_formula_of_a_workbook_is_refused_not_taken_as_empty(facility, column, formula):
    row = line(facility, "a")
    row[HEADER.index(column)] = formula
    file = checked(facility, workbook(HEADER, row), "x.xlsx")
    assert {told[1:3] for told in problem_lines(file)} == {(column, formula)}


def test_an_array_formula_is_refused_too(facility):
    book = Workbook()
    book.active.append(HEADER)
    book.active.append(line(facility, "a"))
    book.active["D2"] = ArrayFormula("D2:D2", "=SUM(A1:A2)")
    held = io.BytesIO()
    book.save(held)
    file = checked(facility, held.getvalue(), "x.xlsx")
    assert [told[1:4] for told in problem_lines(file)] == [("units", "=SUM(A1:A2)", "formula")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_the_same_pools_come_of_every_encoding(encoding):
    a_card()
    facility = make_facility()
    Facility.objects.filter(pk=facility.pk).update(name="和林格尔一号")
    facility.refresh_from_db()
    file = checked(facility, bytes_of([line(facility, "甲机房")], encoding=encoding))
    apply_import(file=file, actor=SYSTEM, at=NOW)
    assert list(Pool.objects.values_list("facility__name", "code")) == [("和林格尔一号", "甲机房")]


def test_a_row_twice_in_a_file_names_the_first(facility):
    rows = [line(facility, "a"), line(facility, "b"), line(facility, "a", units="9")]
    file = checked(facility, bytes_of(rows))
    assert [row[:4] for row in problem_lines(file)] == [(4, "code", "a", "twice_in_file")]
    assert "row 2" in next(problem_lines(file))[4]


def test_a_row_that_is_stored_already_changes_it_and_keeps_what_is_fixed(facility):
    apply_import(file=checked(facility, bytes_of([line(facility, "a")])), actor=SYSTEM, at=NOW)
    assert fates(checked(facility, bytes_of([line(facility, "a", units="9")]))) == [("change",)]
    other = AcceleratorModel.objects.exclude(code=CARD).order_by("code").first().code
    moved = checked(facility, bytes_of([line(facility, "a", card=other)]))
    assert [row[1:4] for row in problem_lines(moved)] == [("accelerator", other, "fixed")]
    assert Pool.objects.get().units == 8


def test_a_file_without_a_byte_is_refused_before_it_is_kept(facility):
    with pytest.raises(Invalid):
        checked(facility, b"")
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize(
    "data", [bytes_of([]), bytes_of([], encoding="utf-8-sig"), write_xlsx(HEADER, []), b"[]"]
)
def test_a_file_of_a_header_alone_holds_no_row(facility, data):
    file = checked(facility, data, "x.json" if data == b"[]" else "x.csv")
    assert (file.state, file.problem) == ("refused", "file: holds no row")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["site", *HEADER[1:]], "no such column: site"),
        (HEADER[1:], "a column is missing: facility"),
        ([*HEADER, "数据中心"], "a column is named twice: facility"),
        ([str(number) for number in range(7)], "no such column: 0, 1, 2"),
    ],
)
def test_a_wrong_header_is_said_once_for_the_file(facility, header, said):
    cells = [*line(facility, "a"), "more"][: len(header)]
    file = checked(facility, bytes_of([cells, cells, cells], header=header))
    assert (file.state, file.rows_total) == ("refused", 0)
    assert said in file.problem
    assert len(list(problem_lines(file))) == 1


def test_more_than_a_hundred_thousand_rows_are_read_and_too_many_are_refused():
    def rows(count):
        return b"a\n" + b"1\n" * count

    assert sum(1 for _ in read_table(rows(100_001), "x.csv")) == 100_001
    with pytest.raises(Invalid, match="more than 200000 rows"):
        list(read_table(rows(200_001), "x.csv"))


@pytest.mark.slow
def test_a_hundred_thousand_and_one_rows_are_judged_and_one_wrong_row_stops_them_all(facility):
    rows = [line(facility, f"p{number}") for number in range(100_000)]
    file = checked(facility, bytes_of([*rows, line(facility, "p7")]))
    assert (file.state, file.rows_total, file.rows_checked) == ("refused", 100_001, 100_001)
    assert (file.rows_created, file.rows_refused) == (100_000, 1)
    assert [row[:2] for row in problem_lines(file)] == [(100_002, "code")]
    with pytest.raises(StaleState):
        apply_import(file=file, actor=SYSTEM, at=NOW)
    assert not Pool.objects.exists()


def test_an_exported_line_has_every_column(facility):
    pool = make_offer().pool
    (told,) = pool_lines(Pool.objects.filter(pk=pool.pk), NOW)
    assert len(told) == len(COLUMNS)
