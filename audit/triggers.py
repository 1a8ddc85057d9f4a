"""Triggers that keep history as it was written. Used by every room that owns history."""

from collections.abc import Sequence

import pgtrigger


def immutable(name: str) -> list[pgtrigger.Trigger]:
    """Rows are written once: UPDATE, DELETE and TRUNCATE are refused by the database.

    `name` starts the triggers' names, which PostgreSQL quotes in its refusal.
    """
    edited = pgtrigger.Protect(
        name=f"{name}_is_never_edited", operation=pgtrigger.Update | pgtrigger.Delete
    )
    return [edited, never_emptied(name)]


def never_emptied(name: str) -> pgtrigger.Trigger:
    """TRUNCATE is refused."""
    return pgtrigger.Trigger(
        name=f"{name}_is_never_emptied",
        operation=pgtrigger.Truncate,
        when=pgtrigger.Before,
        level=pgtrigger.Statement,
        func=f"RAISE EXCEPTION '{name} is never emptied';",
    )


def moves_only_along(
    name: str, table: Sequence[tuple[str, str]], *, field: str = "state"
) -> pgtrigger.FSM:
    """The drawn lines of a state machine, held by the database for a shell session too."""
    return pgtrigger.FSM(
        name=f"{name}_moves_along_drawn_lines", field=field, transitions=list(table)
    )


def starts_as(name: str, state: str, *, field: str = "state") -> pgtrigger.Protect:
    """A row enters its state machine at the beginning, not half way along."""
    return pgtrigger.Protect(
        name=f"{name}_starts_as_{state}",
        operation=pgtrigger.Insert,
        condition=pgtrigger.Q(**{f"new__{field}__df": state}),
    )


def never_deleted(name: str) -> list[pgtrigger.Trigger]:
    """DELETE and TRUNCATE are refused; rows may still move along their state machine."""
    return [
        pgtrigger.Protect(name=f"{name}_is_never_deleted", operation=pgtrigger.Delete),
        never_emptied(name),
    ]


def written_once(name: str, *columns: str) -> pgtrigger.Trigger:
    """Each of `columns` may be filled once and never changed or emptied again.

    What was signed stays as it was signed, and a signature stays with the person who gave it.
    """
    changed = " OR ".join(
        f"(OLD.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column})"
        for column in columns
    )
    return pgtrigger.Trigger(
        name=f"{name}_is_written_once",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func=f"""
            IF {changed} THEN
                RAISE EXCEPTION '{name} %: what was written stays', OLD.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = '{name}_is_written_once';
            END IF;
            RETURN NEW;
        """,
    )
