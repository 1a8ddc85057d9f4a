"""Prepare claim windows to load: `python -m tests.benchmarks.money._claim_stage FOLDER N WINDOWS`.

Writes FOLDER/window-<k>.txt, a line a claim: address, token. Needs a migrated DATABASE_URL.
"""

import sys
from pathlib import Path

import django

django.setup()

from django.db import connection  # noqa: E402

from identity.models import Organization  # noqa: E402
from tests.vouchers.windows import FACE_FEN, make_window  # noqa: E402
from vouchers.claiming.claim_token import ClaimToken  # noqa: E402
from vouchers.models import ClaimWindow, WindowAdmission  # noqa: E402
from vouchers.queries import claim_clock  # noqa: E402

HOURS = 3600
ENTERPRISES = """
INSERT INTO identity_organization (kind, name, uscc, adcode, facts, sample)
SELECT 'enterprise', 'load ' || n, '91310000MA' || lpad(n::text, 8, '0'), '131000', '{}', true
  FROM generate_series(1, %s) AS n ON CONFLICT (uscc) DO NOTHING
"""
ADMISSIONS = """
INSERT INTO vouchers_windowadmission (window_id, enterprise_id, amount_fen, admitted_at)
SELECT %s, id, %s, now() FROM identity_organization WHERE uscc LIKE '91310000MA%%' ORDER BY id
 LIMIT %s
"""


def stage_window(enterprises: int, *, tranche_fen: int | None = None) -> ClaimWindow:
    """An open window with `enterprises` admitted; the whole envelope is its tranche, enough for
    all of them unless told."""
    tranche_fen = tranche_fen or enterprises * FACE_FEN
    _office, window = make_window(tranche_fen=tranche_fen, holding_fen=tranche_fen)
    with connection.cursor() as cursor:
        cursor.execute(ENTERPRISES, [enterprises])
        cursor.execute(ADMISSIONS, [window.pk, FACE_FEN, enterprises])
    assert WindowAdmission.objects.filter(window=window).count() == enterprises
    return window


def enterprises_of_load(count: int) -> list[int]:
    """The ids of the first `count` enterprises that claim."""
    rows = Organization.objects.filter(uscc__startswith="91310000MA").order_by("pk")
    return list(rows.values_list("pk", flat=True)[:count])


def main(folder: Path, enterprises: int, windows: int) -> None:
    expires = int(claim_clock().timestamp()) + 6 * HOURS
    for number in range(windows):
        window = stage_window(enterprises)
        path = f"/api/v1/claim-windows/{window.pk}/claims"
        lines = [
            f"{path} {ClaimToken(window.pk, each, 1, expires).signed()}"
            for each in enterprises_of_load(enterprises)
        ]
        (folder / f"window-{number}.txt").write_text("\n".join(lines) + "\n")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
