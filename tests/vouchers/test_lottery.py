"""A lottery: committed before it opens, revealed after it closed, repeatable by anybody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit.decisions import SYSTEM, Invalid, StaleState
from identity.models import Membership
from marketplace.tasks import serve_windows
from tests.factories import make_key
from tests.vouchers.test_races import violations
from tests.vouchers.windows import (
    FACE_FEN,
    Rush,
    claim,
    make_rush,
    remaining_fen,
    set_claim_clock,
    states,
)
from vouchers.actions.close_window import close_window
from vouchers.actions.draw_window import draw_window
from vouchers.claiming.draw_order import commitment_of, draw_order
from vouchers.queries import claim_clock, draw_record
from vouchers.refusals import WindowStillRuns

pytestmark = pytest.mark.django_db
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "draw_order.py"


def entered(enterprises: int = 8) -> Rush:
    rush = make_rush(enterprises, order="lottery", tranche_fen=2 * FACE_FEN + 1)
    answers = claim(rush.window, *rush.applicants)
    assert {each.state for each in answers} == {"entered"}
    assert {each.place for each in answers} == {None}
    return rush


def drawn(enterprises: int = 8) -> Rush:
    rush = entered(enterprises)
    set_claim_clock(rush.window.closes_at)
    draw_window(window=rush.window, actor=SYSTEM, at=claim_clock())
    rush.window.refresh_from_db()
    return rush


def by_outsider(record: dict, folder: Path) -> subprocess.CompletedProcess:
    path = folder / "draw-record.json"
    path.write_text(json.dumps(record))
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path)], capture_output=True, text=True, check=False
    )


def test_before_the_draw_only_the_hash_is_known():
    rush = entered()
    member = Membership.objects.get(user=rush.applicants[0].person_id)
    client = Client(SERVER_NAME="localhost", headers={"Authorization": make_key(member)})
    seed = rush.window.secret.seed
    shown = client.get(f"/api/v1/claim-windows/{rush.window.pk}")
    assert shown.json()["seed_commitment"] == commitment_of(seed)
    assert shown.json()["seed"] is None
    assert seed not in shown.content.decode()
    assert client.get(f"/api/v1/claim-windows/{rush.window.pk}/draw-record").status_code == 404
    with pytest.raises(WindowStillRuns):
        draw_window(window=rush.window, actor=rush.office.drafter, at=claim_clock())


def test_the_order_follows_from_the_seed_and_serves_the_budget():
    rush = drawn()
    usccs = list(rush.window.answers.values_list("enterprise__uscc", flat=True))
    placed = list(rush.window.answers.order_by("place").values_list("enterprise__uscc", flat=True))
    assert placed == draw_order(rush.window.seed, usccs)
    assert states(rush.window) == ["granted"] * 3 + ["waiting"] * 5
    assert remaining_fen(rush.window) == 0
    assert violations() == []


def test_an_outsider_repeats_the_draw_with_the_published_record(tmp_path):
    record = draw_record(drawn().window)
    assert by_outsider(record, tmp_path).stdout.startswith("The order of 8 entries follows")
    swapped = json.loads(json.dumps(record))
    first, second = swapped["entries"][:2]
    first["uscc"], second["uscc"] = second["uscc"], first["uscc"]
    assert "not the one the seed gives" in by_outsider(swapped, tmp_path).stderr
    assert "hash was published" in by_outsider(record | {"seed": "other"}, tmp_path).stderr


def test_another_seed_than_the_promised_one_cannot_be_revealed_even_by_sql():
    rush = entered()
    reveal = "UPDATE vouchers_claimwindow SET state = 'drawn', seed = 'mine' WHERE id = %s"
    with pytest.raises(DatabaseError, match="committed to"), transaction.atomic():
        connection.cursor().execute(reveal, [rush.window.pk])
    replace = "UPDATE vouchers_windowseed SET seed = 'mine' WHERE window_id = %s"
    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute(replace, [rush.window.pk])


def test_a_lottery_is_drawn_once_and_before_it_is_closed():
    rush = entered()
    set_claim_clock(rush.window.closes_at)
    with pytest.raises(StaleState):
        close_window(window=rush.window, actor=rush.office.drafter, at=claim_clock())
    draw_window(window=rush.window, actor=rush.office.drafter, at=claim_clock())
    with pytest.raises(StaleState):
        draw_window(window=rush.window, actor=rush.office.drafter, at=claim_clock())
    close_window(window=rush.window, actor=rush.office.drafter, at=claim_clock())
    assert states(rush.window) == ["issued"] * 3 + ["turned_away"] * 5
    assert violations() == []


def test_a_first_come_window_is_not_drawn():
    rush = make_rush(1)
    with pytest.raises(Invalid):
        draw_window(window=rush.window, actor=SYSTEM, at=claim_clock())


def test_what_is_due_is_drawn_and_made_out_by_the_clockwork():
    rush = entered()
    assert serve_windows() == 0
    set_claim_clock(rush.window.closes_at)
    assert serve_windows() == 3
    assert serve_windows() == 0
    assert states(rush.window) == ["issued"] * 3 + ["waiting"] * 5
