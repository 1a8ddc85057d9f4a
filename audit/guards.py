"""Guards that nobody can wish away.

django-pgtrigger lets a session put triggers to sleep (`SET pgtrigger.ignore = '{…}'`), a setting
that needs no right at all: whoever may call the ledger's one writer could have floors ignored. We
never use it, so the function every trigger asks first is replaced after each migrate by one that
says no. It also costs a trigger nothing, where the original takes a subtransaction each time.
"""

from typing import Any

from django.db import connections

NEVER = """
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE sql IMMUTABLE AS 'SELECT FALSE'
"""
# Every function of that name that is not ours, wherever it is.
OTHERS = """
SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.proname = '_pgtrigger_should_ignore'
   AND (p.prosrc <> 'SELECT FALSE' OR p.provolatile <> 'i')
"""


def let_nobody_ignore_triggers(*, using: str, **kwargs: Any) -> None:
    """After a migrate, which may have written pgtrigger's own function again."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(NEVER)
