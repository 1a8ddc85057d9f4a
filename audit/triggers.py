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


def names_what_exists(name: str, column: str, table: str) -> pgtrigger.Trigger:
    """A foreign key, checked once a statement instead of once a row.

    For parents that are never deleted (their own triggers), so that only what comes in needs a
    look; on a million rows that is seconds instead of minutes. Hold `column` with `written_once`.
    """
    return pgtrigger.Trigger(
        name=f"{name}_names_a_{column}_that_exists",
        operation=pgtrigger.Insert,
        when=pgtrigger.After,
        level=pgtrigger.Statement,
        referencing=pgtrigger.Referencing(new="incoming"),
        func="""
            IF EXISTS (
                SELECT 1 FROM (SELECT DISTINCT {column}_id AS id FROM incoming) AS named
                 WHERE id IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM {table} AS parent WHERE parent.id = named.id)
            ) THEN
                RAISE EXCEPTION 'a {name} names a {column} that does not exist'
                    USING ERRCODE = 'foreign_key_violation',
                          CONSTRAINT = '{name}_names_a_{column}_that_exists';
            END IF;
            RETURN NULL;
        """.replace("{name}", name)
        .replace("{column}", column)
        .replace("{table}", table),
    )
