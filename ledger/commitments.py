"""Salted commitments: a leaf hides what happened, and an opening shows all of it or some fields of it.

Every top-level field of a body is hashed with 32 random bytes of its own, so that nobody can guess a value
from its digest and a single field can be shown, or its salt destroyed, without touching the others.
"""

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256

from ledger.jcs import Json, encode

SALT_SIZE = 32
FIELD_DOMAIN = b"countersign/field/v1\n"
BODY_DOMAIN = b"countersign/body/v1\n"


def new_salts(count: int) -> bytes:
    """`count` salts, one after the other, from one call to the system's generator."""
    return os.urandom(SALT_SIZE * count)


def split_salts(salts: bytes) -> list[bytes]:
    """The single salts of a run of salts."""
    return [salts[at : at + SALT_SIZE] for at in range(0, len(salts), SALT_SIZE)]


def field_digest(salt: bytes, name: str, value: Json) -> bytes:
    """The digest of one field; both come from `jcs.plain` or `jcs.parse`, so the name needs no escapes."""
    return sha256(b'%b%b["%b",%b]' % (FIELD_DOMAIN, salt, name.encode(), encode(value))).digest()


def commit_digests(digests: Iterable[bytes]) -> bytes:
    """The commitment over field digests.

    Their order is their byte order, so it tells nothing of the names.
    """
    return sha256(BODY_DOMAIN + b"".join(sorted(digests))).digest()


def field_digests(body: Mapping[str, Json], salts: bytes) -> list[bytes]:
    """The digests of a body's fields; `salts` holds one salt a field, in the order of the fields' names."""
    single = split_salts(salts)
    return [field_digest(salt, name, body[name]) for name, salt in zip(sorted(body), single, strict=True)]


def commit_body(body: Mapping[str, Json], salts: bytes) -> bytes:
    """The commitment of a body; `salts` holds one salt a field, in the order of the fields' names."""
    return commit_digests(field_digests(body, salts))
