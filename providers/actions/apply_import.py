"""Write a checked file: all of its rows, or none."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from providers.bulk import PoolRow
from providers.import_fates import inventory_of, judge
from providers.models import ImportFile
from providers.policy import require_provider

_ROWS = """
    SELECT number, fate, values FROM providers_importrow
     WHERE file_id = %(file)s ORDER BY number
"""
_CREATE = """
    INSERT INTO providers_pool
           (facility_id, code, slice_id, accelerator_id, units, kw_per_unit, network_latency,
            data_residency, sla_availability, state, sample)
    SELECT (values->>'facility_id')::bigint, values->>'code', values->>'slice_id',
           (values->>'accelerator_id')::bigint, (values->>'units')::int,
           (values->>'kw_per_unit')::numeric, values->>'network_latency',
           values->>'data_residency', (values->>'sla_availability')::numeric, 'active', false
      FROM providers_importrow WHERE file_id = %(file)s AND fate = 'create' ORDER BY number
"""
_CHANGE = """
    UPDATE providers_pool p
       SET units = (r.values->>'units')::int,
           kw_per_unit = (r.values->>'kw_per_unit')::numeric,
           network_latency = coalesce(r.values->>'network_latency', p.network_latency),
           data_residency = coalesce(r.values->>'data_residency', p.data_residency),
           sla_availability = coalesce((r.values->>'sla_availability')::numeric, p.sla_availability)
      FROM providers_importrow r
     WHERE r.file_id = %(file)s AND r.fate = 'change' AND p.id = (r.values->>'pool_id')::bigint
"""
_PRICED = """
    CREATE TEMPORARY TABLE priced_row ON COMMIT DROP AS
    SELECT r.number, p.id AS pool_id, r.values->>'sold_by' AS unit,
           (r.values->>'price_fen_per_unit_hour')::bigint AS fen,
           greatest((r.values->>'price_starts_at')::timestamptz, %(at)s) AS starts_at
      FROM providers_importrow r
      JOIN providers_pool p ON p.slice_id = r.values->>'slice_id'
     WHERE r.file_id = %(file)s AND r.fate IN ('create', 'change')
       AND (r.values->>'new_price')::boolean
"""
_OFFERS = """
    INSERT INTO providers_offer (pool_id, unit, state, sample, drafted_at)
    SELECT pool_id, unit, 'draft', false, %(at)s FROM priced_row
     WHERE NOT EXISTS (SELECT FROM providers_offer o
                        WHERE o.pool_id = priced_row.pool_id AND o.state <> 'withdrawn')
     ORDER BY number
"""
_CLOSE_PRICES = """
    UPDATE providers_priceversion v SET valid = tstzrange(lower(v.valid), n.starts_at)
      FROM priced_row n JOIN providers_offer o ON o.pool_id = n.pool_id AND o.state <> 'withdrawn'
     WHERE v.offer_id = o.id AND upper_inf(v.valid) AND lower(v.valid) < n.starts_at
"""
_PRICES = """
    INSERT INTO providers_priceversion
           (offer_id, price_fen_per_unit_hour, currency, valid, recorded_at, person_id)
    SELECT o.id, n.fen, 'CNY', tstzrange(n.starts_at, NULL), %(at)s, %(person)s
      FROM priced_row n JOIN providers_offer o ON o.pool_id = n.pool_id AND o.state <> 'withdrawn'
     ORDER BY n.number
"""
_WINDOWS = """
    INSERT INTO providers_poolwindow (pool_id, available)
    SELECT p.id, tstzrange((r.values->>'available_from')::timestamptz,
                           (r.values->>'available_until')::timestamptz)
      FROM providers_importrow r
      JOIN providers_pool p ON p.slice_id = r.values->>'slice_id'
     WHERE r.file_id = %(file)s AND r.fate = 'create' AND r.values->>'available_from' IS NOT NULL
     ORDER BY r.number
"""


class _Moved(Exception):
    """The inventory is no longer the one that was checked."""


def apply_import(*, file: ImportFile, actor: Actor, at: datetime) -> ImportFile:
    """checked or queued → applied: pools, offers (as drafts) and prices of the file in one
    transaction; or → stale, with nothing written, when a row's fate would now be another one.

    A price begins at its row's time, or now if that has passed: what was offered stays as it was.
    Raises NotPermitted, NotFound, StaleState for a file that was refused or written already.
    """
    require_provider(actor, file.provider_id)
    try:
        return _apply(file, actor, at)
    except (_Moved, IntegrityError):  # a name, a slice or a price was taken since the check
        return _leave(file, actor, at)


@transaction.atomic
def _apply(file: ImportFile, actor: Actor, at: datetime) -> ImportFile:
    file = ImportFile.objects.select_for_update().defer("content").get(pk=file.pk)
    if file.state not in ("checked", "queued"):
        raise StaleState(thing="import", current=file.state, needed="checked")
    given: dict[str, Any] = {"file": file.pk, "at": at, "person": actor.person_id}
    with connection.cursor() as cursor:
        # Two files of one provider are written one after the other.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('providers.import'), %s)", [file.provider_id]
        )
        cursor.execute(_ROWS, given)
        _still_so(file, cursor.fetchall(), at)
        cursor.execute(_CREATE, given)
        created = cursor.rowcount
        cursor.execute(_CHANGE, given)
        cursor.execute(_PRICED, given)
        for statement in (_OFFERS, _CLOSE_PRICES, _PRICES, _WINDOWS):
            cursor.execute(statement, given)
        cursor.execute("DROP TABLE priced_row")
    file.state, file.applied_at = ImportFile.State.APPLIED, at
    file.save(update_fields=["state", "applied_at"])
    record(
        "import.applied",
        subject=file,
        actor=actor,
        at=at,
        data={
            "sha256": file.sha256,
            "created": created,
            "changed": file.rows_changed,
            "unchanged": file.rows_unchanged,
        },
    )
    return file


def _still_so(file: ImportFile, rows: list[tuple[int, str, str]], at: datetime) -> None:
    have = inventory_of(file.provider, at)
    stored = [(number, fate, _decoded(values)) for number, fate, values in rows]
    have.look_up_slices(values["slice_id"] for _, _, values in stored)
    for number, fate, values in stored:
        again, _, resolved = judge(number, _row(values), have)
        if again != fate or resolved["pool_id"] != values["pool_id"]:
            raise _Moved


def _decoded(values: str | dict[str, str]) -> dict[str, str]:
    return json.loads(values) if isinstance(values, str) else values


def _row(values: dict[str, str]) -> PoolRow:
    plain = {name: values[name] for name in PoolRow.__dataclass_fields__}
    for name in ("kw_per_unit", "price_fen", "sla_availability"):
        if plain[name] is not None:
            plain[name] = Decimal(plain[name])  # type: ignore[assignment]
    return PoolRow(**plain)  # type: ignore[arg-type]


@transaction.atomic
def _leave(file: ImportFile, actor: Actor, at: datetime) -> ImportFile:
    ImportFile.objects.filter(pk=file.pk, state__in=["checked", "queued"]).update(state="stale")
    file.refresh_from_db()
    record("import.found_stale", subject=file, actor=actor, at=at, data={"sha256": file.sha256})
    return file
