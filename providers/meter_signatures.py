"""Signatures of meter agents over a body, in the form of Standard Webhooks.

Signed is `{id}.{timestamp}.{body}`; the header says `v1,<base64>` for HMAC-SHA256 and
`v1a,<base64>` for Ed25519. A timestamp further than five minutes off is refused, so that an
overheard batch is of no use later; the events inside are deduplicated for ever in any case.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOLERANCE = timedelta(minutes=5)
PREFIX = {"ed25519": "v1a", "hmac_sha256": "v1"}


def signed_content(message_id: str, timestamp: int, body: bytes) -> bytes:
    """What is signed."""
    return f"{message_id}.{timestamp}.".encode() + body


def sign(algorithm: str, secret: str, *, message_id: str, at: datetime, body: bytes) -> str:
    """The signature header. `secret`: base64 of a 32-byte seed (Ed25519) or of a key (HMAC)."""
    content = signed_content(message_id, int(at.timestamp()), body)
    raw = base64.b64decode(secret)
    if algorithm == "ed25519":
        mark = Ed25519PrivateKey.from_private_bytes(raw).sign(content)
    else:
        mark = hmac.new(raw, content, hashlib.sha256).digest()
    return f"{PREFIX[algorithm]},{base64.b64encode(mark).decode()}"


def verifies(
    algorithm: str,
    material: str,
    *,
    message_id: str,
    timestamp: str,
    signature: str,
    body: bytes,
    at: datetime,
) -> bool:
    """Whether `signature` was made with the key. `material`: base64 public key, or HMAC secret."""
    try:
        stamp = int(timestamp)
        sent = datetime.fromtimestamp(stamp, UTC)
        raw = base64.b64decode(material, validate=True)
        marks = [each.split(",", 1) for each in signature.split(" ")]
        given = [
            base64.b64decode(mark, validate=True)
            for prefix, mark in marks
            if prefix == PREFIX[algorithm]
        ]
    except (ValueError, OverflowError, OSError, binascii.Error):
        return False
    if abs(at - sent) > TOLERANCE:
        return False
    content = signed_content(message_id, stamp, body)
    if algorithm == "hmac_sha256":
        right = hmac.new(raw, content, hashlib.sha256).digest()
        return any(hmac.compare_digest(right, mark) for mark in given)
    for mark in given:
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(mark, content)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def public_half(secret: str) -> str:
    """The base64 public key of an Ed25519 secret. Raises ValueError for no such secret."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret)).public_key()
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def seal(secret: str, server_key: str) -> str:
    """An HMAC secret as it is stored: unreadable without the server's key."""
    return _box(server_key).encrypt(secret.encode()).decode()


def unseal(sealed: str, server_key: str) -> str:
    """Raises ValueError when the server's key is another one."""
    try:
        return _box(server_key).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise ValueError("sealed with another key") from error


def _box(server_key: str) -> Fernet:
    digest = hashlib.sha256(b"providers.meter_key:" + server_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
