"""Give an agent a key to sign with."""

import base64
import binascii
import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.meter_signatures import seal
from providers.models import Facility, MeterKey
from providers.policy import require_provider


@transaction.atomic
def issue_meter_key(
    *,
    facility: Facility,
    name: str,
    actor: Actor,
    at: datetime,
    algorithm: str = "ed25519",
    public_key: str = "",
) -> tuple[MeterKey, str | None]:
    """Enter the public half (base64) of an Ed25519 key, or make an HMAC secret.

    Returns the key and, for HMAC only, the secret: shown once, stored sealed. Raises NotPermitted,
    NotFound, Invalid (name, algorithm, public_key).
    """
    require_provider(actor, facility.provider_id)
    if not name:
        raise Invalid("name", "must not be empty", "不能为空")
    secret: str | None = None
    if algorithm == MeterKey.Algorithm.ED25519:
        try:
            fits = len(base64.b64decode(public_key, validate=True)) == 32
        except (ValueError, binascii.Error):
            fits = False
        if not fits:
            raise Invalid("public_key", "base64 of 32 bytes", "须为 32 字节的 base64")
        material = public_key
    elif algorithm == MeterKey.Algorithm.HMAC_SHA256:
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        material = seal(secret, settings.SECRET_KEY)
    else:
        raise Invalid("algorithm", "ed25519 or hmac_sha256", "须为 ed25519 或 hmac_sha256")
    key = MeterKey.objects.create(
        facility=facility,
        key_id=f"mk_{secrets.token_hex(8)}",
        algorithm=MeterKey.Algorithm(algorithm),
        material=material,
        name=name,
        issued_at=at,
    )
    record(
        "meter_key.issued",
        subject=key,
        actor=actor,
        at=at,
        data={"facility_id": facility.pk, "key_id": key.key_id, "algorithm": algorithm},
    )
    return key, secret
