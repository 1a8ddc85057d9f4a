"""Let certificates count for one facility and period, once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor, Invalid
from providers.models import Facility
from providers.policy import require_provider
from providers.refusals import CertificateNotAvailable

# Rows are locked in one order; who comes second finds them allocated and takes none.
_ALLOCATE = """
    WITH free AS (
        SELECT id FROM providers_greencertificate
         WHERE serial = ANY(%(serials)s) AND owner_id = %(owner)s AND state = 'held'
         ORDER BY id FOR UPDATE
    ), moved AS (
        UPDATE providers_greencertificate c SET state = 'allocated'
          FROM free WHERE c.id = free.id RETURNING c.id
    )
    INSERT INTO providers_certificateallocation
           (certificate_id, facility_id, period, allocated_at, person_id)
    SELECT id, %(facility)s, tstzrange(%(starts_at)s, %(ends_at)s), %(at)s, %(person)s FROM moved
        ON CONFLICT (certificate_id) DO NOTHING
"""


@transaction.atomic
def allocate_certificates(
    *,
    facility: Facility,
    starts_at: datetime,
    ends_at: datetime,
    serials: Sequence[str],
    actor: Actor,
    at: datetime,
) -> int:
    """Allocate all of `serials` to `facility` and [starts_at, ends_at), or none.

    Raises NotPermitted, NotFound, Invalid, CertificateNotAvailable.
    """
    require_provider(actor, facility.provider_id)
    wanted = sorted(set(serials))
    if not wanted:
        raise Invalid("serials", "must not be empty", "不能为空")
    if ends_at <= starts_at:
        raise Invalid("ends_at", "must be after starts_at", "须晚于 starts_at")
    with connection.cursor() as cursor:
        cursor.execute(
            _ALLOCATE,
            {
                "serials": wanted,
                "owner": facility.provider_id,
                "facility": facility.pk,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "at": at,
                "person": actor.person_id,
            },
        )
        allocated = cursor.rowcount
    if allocated != len(wanted):
        raise CertificateNotAvailable(
            field="serials", missing=len(wanted) - allocated, asked=len(wanted)
        )
    record(
        "certificates.allocated",
        subject=facility,
        actor=actor,
        at=at,
        data={
            "count": allocated,
            "first": wanted[0],
            "last": wanted[-1],
            "sha256": sha256_hex("\n".join(wanted)),
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return allocated
