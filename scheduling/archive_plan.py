"""A market and its plan as compressed columns, and back: what a run stands on, replayable.

Format: 8 bytes length of a JSON header, the header ({"notes", "arrays": [[name, dtype, shape]]}),
the arrays one after another, all in zlib. No pickle: a stored plan can hold figures only.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from providers.queries import MarketPool
from scheduling.matching import (
    CarbonSeries,
    Certificate,
    JobColumns,
    Market,
    Plan,
    PlanColumns,
    Pool,
)

_JOB_SETS = ("kind_sets", "region_sets", "label_sets")
_JOB_NAMES = ("pot_names", "group_names")
_BIG = ("pool_of", "start", "duration", "split_of", "price_fen", "voucher_fen", "kwh", "kgco2",
        "reason", "uses_voucher", "weight_fen")  # fmt: skip


def pack(notes: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Uncompressed bytes of `notes` (JSON) and `arrays` (no objects), in the order given."""
    flat = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = json.dumps(
        {
            "notes": notes,
            "arrays": [[name, a.dtype.str, list(a.shape)] for name, a in flat.items()],
        },
        sort_keys=True,
    ).encode()
    return b"".join([len(header).to_bytes(8, "big"), header, *(a.tobytes() for a in flat.values())])


def unpack(body: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The inverse of `pack`."""
    length = int.from_bytes(body[:8], "big")
    header, at = json.loads(body[8 : 8 + length]), 8 + length
    arrays: dict[str, NDArray[Any]] = {}
    for name, kind, shape in header["arrays"]:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(body, dtype, count=count, offset=at).reshape(shape)
        at += count * dtype.itemsize
    return header["notes"], arrays


def compress(body: bytes) -> bytes:
    """Quick rather than small; releases the GIL, so it may run beside the engine."""
    return zlib.compress(body, 1)


def decompress(body: bytes | memoryview) -> bytes:
    """The inverse of `compress`, of a column as Django hands it over."""
    return zlib.decompress(bytes(body))


def pack_supply(market: Market, notes: Mapping[str, Any]) -> bytes:
    """The supply side as bytes, without what is taken of it: it stays while many jobs come."""
    pools = []
    for pool in market.pools:
        row = {
            each.name: getattr(pool, each.name) for each in fields(pool) if each.name != "occupied"
        }
        row["labels"] = sorted(pool.labels)
        for name in ("price_fen_per_unit_hour", "green_share"):
            if isinstance(row[name], np.ndarray):
                row[name] = row[name].tolist()
        pools.append(row)
    return json.dumps({**notes, "pools": pools}, sort_keys=True).encode()


def pack_market(market: Market, notes: Mapping[str, Any], *, supply: bytes | None = None) -> bytes:
    """The market as bytes; the same market and notes give the same bytes.

    `supply` is what `pack_supply` made of the same pools and notes, when it is at hand.
    """
    jobs = market.jobs
    assert isinstance(jobs, JobColumns)
    arrays: dict[str, NDArray[Any]] = {}
    plain: dict[str, Any] = {}
    for each in fields(JobColumns):
        value = getattr(jobs, each.name)
        if each.name in _JOB_SETS:
            plain[each.name] = [sorted(wanted) for wanted in value]
        elif each.name in _JOB_NAMES:
            plain[each.name] = [str(name) for name in value]
        elif each.name == "job_ids":
            arrays["job_ids"] = np.asarray(value).astype(np.int64)
        else:
            arrays[each.name] = _narrow(np.asarray(value))
    arrays["supply"] = np.frombuffer(supply or pack_supply(market, notes), np.uint8)
    held = [number for number, pool in enumerate(market.pools) if pool.occupied is not None]
    if held:
        rows = [np.asarray(market.pools[number].occupied, np.int64) for number in held]
        arrays["occupied_pools"] = _narrow(np.array(held, np.int64))
        arrays["occupied"] = _narrow(np.stack(rows))
    carbon = market.carbon
    return pack(
        {
            "jobs": plain,
            "carbon": None
            if carbon is None
            else {name: _plain(value) for name, value in carbon.kg_per_kwh.items()},
            "carbon_quality": None if carbon is None else dict(carbon.quality),
            "voucher_pots_fen": dict(market.voucher_pots_fen),
        },
        arrays,
    )


def unpack_market(body: bytes) -> tuple[Market, dict[str, Any]]:
    """(market, notes) from `pack_market`'s bytes."""
    notes, arrays = unpack(body)
    notes |= json.loads(arrays["supply"].tobytes())
    held = arrays.get("occupied_pools", np.zeros(0, np.int64)).tolist()
    occupied = {number: _widen(arrays["occupied"][k]) for k, number in enumerate(held)}
    pools = [
        Pool(
            **{
                **row,
                "labels": frozenset(row["labels"]),
                "available": None
                if row["available"] is None
                else [tuple(window) for window in row["available"]],
                "occupied": occupied.get(number),
            }
        )
        for number, row in enumerate(notes.pop("pools"))
    ]
    plain, carbon = notes.pop("jobs"), notes.pop("carbon")
    columns: dict[str, Any] = {}
    for each in fields(JobColumns):
        if each.name in _JOB_SETS:
            columns[each.name] = [frozenset(wanted) for wanted in plain[each.name]]
        elif each.name in _JOB_NAMES:
            columns[each.name] = plain[each.name]
        elif each.name == "job_ids":
            columns["job_ids"] = arrays["job_ids"].astype("U20")
        else:
            columns[each.name] = _widen(arrays[each.name])
    quality = notes.pop("carbon_quality")
    return (
        Market(
            pools,
            JobColumns(**columns),
            None if carbon is None else CarbonSeries(carbon, quality),
            notes.pop("voucher_pots_fen"),
        ),
        notes,
    )


def pack_plan(planned: Plan) -> bytes:
    """The plan with its certificate; job ids stay with the market. What was placed between two
    plans stands at the prices of the first: they are not stored again."""
    columns, proof = planned.columns, planned.certificate
    notes = {
        name: getattr(proof, name)
        for name in (
            "objective_fen", "bound_fen", "gap", "method", "price_bound_fen", "pot_prices",
            "floor_prices", "counts", "solver_bound_fen",
        )
    }  # fmt: skip
    notes["plan"] = {
        "carbon_price_fen_per_kg": planned.carbon_price_fen_per_kg,
        "hours": planned.hours,
        "seed": planned.seed,
        "effort": planned.effort,
    }
    notes["pool_ids"], notes["plan_pool_ids"] = list(proof.pool_ids), list(columns.pool_ids)
    hours_of = np.asarray(columns.hours_of)
    notes["split_shape"] = list(hours_of.shape)
    arrays = {name: _narrow(np.asarray(getattr(columns, name))) for name in _BIG}
    arrays["hours_of"] = np.packbits(hours_of)
    arrays["cell_of_pool"] = np.asarray(proof.cell_of_pool)
    arrays["cell_prices"] = np.asarray(proof.cell_prices, np.float64)
    if proof.method == "incremental":
        arrays["cell_prices"] = arrays["cell_prices"][:0]
    return pack(notes, arrays)


def unpack_plan(body: bytes, job_ids: Any) -> Plan:
    """The plan from `pack_plan`'s bytes and the market's job ids."""
    notes, arrays = unpack(body)
    rows, hours = notes.pop("split_shape")
    bits = np.unpackbits(arrays["hours_of"], count=rows * hours).reshape(rows, hours)
    columns = {name: arrays[name] for name in _BIG}
    for name in ("pool_of", "start", "duration", "split_of"):
        columns[name] = columns[name].astype(np.int32)
    for name in ("price_fen", "voucher_fen"):
        columns[name] = columns[name].astype(np.int64)
    plan, pool_ids = notes.pop("plan"), notes.pop("plan_pool_ids")
    return Plan(
        PlanColumns(job_ids, pool_ids, hours_of=bits.astype(np.bool_), **columns),
        Certificate(
            **{**notes, "pool_ids": tuple(notes["pool_ids"])},
            cell_of_pool=arrays["cell_of_pool"],
            cell_prices=arrays["cell_prices"],
        ),
        **plan,
    )


def pool_notes(pools: Mapping[str, MarketPool]) -> dict[str, dict[str, Any]]:
    """What an explanation needs to call pools by name."""
    return {
        key: {
            "code": row.pool_code,
            "facility": row.facility_name,
            "provider_id": row.provider_id,
            "rating_id": row.rating_id,
            "pue_basis": "metered" if row.pue is not None else "assumed: GB 40879-2021 limit",
            "carbon_basis": row.grid_factor_basis,
        }
        for key, row in pools.items()
    }


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """The smallest signed integer type that holds every figure; other types as they are."""
    if array.dtype.kind != "i" or not len(array):
        return array
    low, high = int(array.min()), int(array.max())
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    return array


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.int64) if array.dtype.kind == "i" else array


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist()
