"""Signed notes: a short text and its Ed25519 signature, in the form of C2SP signed-note.

A checkpoint is such a note (C2SP tlog-checkpoint): origin, number of leaves, Merkle root in base64,
and lines of our own. Other people's tools for transparency logs read and countersign it as it is.
A verifier key is `name+hash+base64(0x01 ‖ public key)`; hash is the first four bytes, in
hexadecimal, of SHA-256(name ‖ newline ‖ 0x01 ‖ public key).
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = b"\x01"


@dataclass(frozen=True)
class Signer:
    """Signs notes under `name`, which has no spaces and no plus sign."""

    name: str
    key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, seed: str) -> "Signer":
        """From the base64 of a 32-byte Ed25519 seed. Raises ValueError."""
        try:
            raw = base64.b64decode(seed, validate=True)
        except binascii.Error as error:
            raise ValueError("the seed is not base64") from error
        if not name or "+" in name or any(mark.isspace() for mark in name):
            raise ValueError("a signer's name has no spaces and no plus sign")
        if len(raw) != 32:
            raise ValueError("a seed of Ed25519 has 32 bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def _public(self) -> bytes:
        return ED25519 + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def verifier_key(self) -> str:
        """What is published: `name+hash+key`."""
        key = base64.b64encode(self._public).decode()
        return f"{self.name}+{key_hash(self.name, self._public).hex()}+{key}"

    def sign(self, text: str) -> str:
        """The note: `text`, an empty line, and one line with the signature."""
        if not text.endswith("\n"):
            raise ValueError("a note ends with a newline")
        mark = key_hash(self.name, self._public) + self.key.sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(mark).decode()}\n"


def key_hash(name: str, public: bytes) -> bytes:
    """Four bytes that tell a key among others of its name."""
    return hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]


def signed_by(note: str, verifier_key: str) -> bool:
    """Whether `note` carries a valid signature of the key."""
    try:
        name, _hash, key = verifier_key.split("+", 2)
        public = base64.b64decode(key, validate=True)
        text, marks = note.rsplit("\n\n", 1)
        for line in marks.splitlines():
            dash, signer, mark = line.split(" ")
            raw = base64.b64decode(mark, validate=True)
            if (dash, signer, raw[:4]) == ("—", name, key_hash(name, public)):
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(
                    raw[4:], (text + "\n").encode()
                )
                return True
    except (ValueError, InvalidSignature):
        pass
    return False
