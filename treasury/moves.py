"""Move a row along its drawn line, or refuse with the state it is really in."""

from typing import Any, Protocol, cast

from django.db import models

from audit.decisions import StaleState


class _Machine(Protocol):
    MOVES: tuple[tuple[str, str], ...]


def move_state(row: models.Model, *, to: str, **signed: Any) -> None:
    """Set `row.state` to `to` and the fields of `signed`, if the row is still what we saw.

    Raises StaleState when no line leads there or somebody moved the row meanwhile.
    """
    moves = cast(_Machine, row).MOVES
    seen = row.state  # type: ignore[attr-defined]
    table = type(row)._default_manager
    moved = (seen, to) in moves and table.filter(pk=row.pk, state=seen).update(state=to, **signed)
    row.refresh_from_db()
    if not moved:
        needed = " / ".join(start for start, end in moves if end == to)
        raise StaleState(
            thing=type(row)._meta.verbose_name_raw,
            current=row.state,  # type: ignore[attr-defined]
            needed=needed,
        )
