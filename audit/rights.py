"""What the application's database role may do, table by table; derived from the tables' guards.

Migrations run as the owner of the tables; the application works under a role that owns nothing. A
table whose rows are never edited is one it may not UPDATE, and so on, so that a statement which
slips past a trigger (or somebody who holds the application's password) meets a missing right too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models, transaction
from psycopg import sql

DEFAULT_ROLE = "suanquan_app"
EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")
LOCK = 72810  # one grant at a time


@dataclass(frozen=True)
class Rights:
    """What may be done to `table`."""

    table: str
    may: tuple[str, ...]


def rights_of(model: type[models.Model]) -> Rights:
    """From `model.APPLICATION_MAY` where it says so, else from the names of its guards."""
    told = getattr(model, "APPLICATION_MAY", None)
    if told is not None:
        return Rights(model._meta.db_table, tuple(told))
    guards = {trigger.name for trigger in getattr(model._meta, "triggers", ())}
    refused = set()
    if any(name.endswith("_is_never_edited") for name in guards):
        refused |= {"UPDATE", "DELETE"}
    if any(name.endswith("_is_never_deleted") for name in guards):
        refused.add("DELETE")
    return Rights(
        model._meta.db_table, tuple(right for right in EVERYTHING if right not in refused)
    )


def all_rights() -> Iterator[Rights]:
    """Of every table of every model. Nobody but the owner may TRUNCATE anything."""
    seen = set()
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if model._meta.managed and not model._meta.proxy and table not in seen:
            seen.add(table)
            yield rights_of(model)


@transaction.atomic
def grant_application_role(role: str = DEFAULT_ROLE, *, password: str | None = None) -> int:
    """Give `role`, made if need be, the rights of `all_rights`, and take away all others.

    To be run by the owner of the tables after each migrate; safe to repeat.
    Returns how many tables. Raises ValueError for a role that could do anything anyway: a
    superuser, or the owner itself.
    """
    name = sql.Identifier(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            "SELECT rolsuper OR rolname = current_user FROM pg_roles WHERE rolname = %s", [role]
        )
        found = cursor.fetchone()
        if found is None:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        elif found[0]:
            raise ValueError(f"{role} owns the tables or is a superuser: choose another role")
        if password:
            cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
        for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            statement = "REVOKE ALL ON ALL {} IN SCHEMA public FROM {}"
            cursor.execute(sql.SQL(statement).format(sql.SQL(what), name))
        cursor.execute(sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(name))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        cursor.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(name))
        # To draw a number, and to see how far the numbers are (scheduling_capacity_freed).
        cursor.execute(
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name)
        )
        # Functions that write ledger and audit rows run as the owner; the others need its rights.
        cursor.execute(
            sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(name)
        )
        tables = set(connection.introspection.table_names(cursor))
        count = 0
        for rights in all_rights():
            if rights.table not in tables:
                continue
            count += 1
            statement = f"GRANT {', '.join(rights.may)} ON {{}} TO {{}}"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(rights.table), name))
    return count
