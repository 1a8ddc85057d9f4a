"""Retrieve one object or a page of them, and expand the few ids that can be."""

import json
from collections.abc import Callable
from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.call import Call
from marketplace.sandbox_gateway.refusals import no_such, wrong_param

EXPANDABLE = {
    "latest_charge": "charge",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "destination": "account",
    "transfer": "transfer",
}
FILTERS = {
    "refund": ("payment_intent", "charge"),
    "charge": ("payment_intent", "transfer_group"),
    "transfer": ("destination", "transfer_group"),
    "payout": ("status",),
    "event": ("type",),
}


def retrieve(kind: str, param: str = "id") -> Callable[[Call], dict[str, Any]]:
    """GET /v1/…/{id}"""

    def verb(call: Call) -> dict[str, Any]:
        check.only(call.params, ("client_secret",))
        return call.store.find(kind, call.path["id"], call.account, param=param)

    return verb


def page(kind: str, url: str) -> Callable[[Call], dict[str, Any]]:
    """GET /v1/…: newest first; `limit` 1 to 100, `starting_after` or `ending_before` an id."""

    def verb(call: Call) -> dict[str, Any]:
        filters = FILTERS.get(kind, ())
        check.only(call.params, ("limit", "starting_after", "ending_before", *filters))
        limit = check.amount(call.params, "limit", most=100) if "limit" in call.params else 10
        conditions = ["kind = ?", "account = ?"]
        values: list[object] = [kind, call.account]
        for name in filters:
            wanted = check.text(call.params, name)
            if wanted is not None:
                conditions.append(f"json_extract(body, '$.{name}') = ?")
                values.append(wanted)
        after = _number(call, kind, "starting_after")
        before = _number(call, kind, "ending_before")
        if after is not None:
            conditions.append("number < ?")
            values.append(after)
        if before is not None:
            conditions.append("number > ?")
            values.append(before)
        order = "ASC" if before is not None and after is None else "DESC"
        rows = call.store.all(
            f"SELECT body FROM object WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own words
            f" ORDER BY number {order} LIMIT ?",
            *values,
            limit + 1,
        )
        data = [json.loads(row["body"]) for row in rows[:limit]]
        if order == "ASC":
            data.reverse()
        return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": data}

    return verb


def expand(call: Call, thing: dict[str, Any]) -> dict[str, Any]:
    """Put the objects in place of the ids that `expand[]` names."""
    wanted = call.params.get("expand") or []
    if not isinstance(wanted, list):
        raise wrong_param("expand", "Invalid array")
    for path in wanted:
        name = path.removeprefix("data.") if isinstance(path, str) else ""
        if name not in EXPANDABLE:
            raise wrong_param("expand", f"This property cannot be expanded ({path}).")
        for one in thing["data"] if thing.get("object") == "list" else [thing]:
            if isinstance(one.get(name), str):
                one[name] = call.store.find(EXPANDABLE[name], one[name], call.account)
    return thing


def _number(call: Call, kind: str, param: str) -> int | None:
    name = check.text(call.params, param)
    if name is None:
        return None
    row = call.store.one(
        "SELECT number FROM object WHERE id = ? AND kind = ? AND account = ?",
        name,
        kind,
        call.account,
    )
    if row is None:
        raise no_such(kind, name, param=param, status=400)
    return int(row["number"])
