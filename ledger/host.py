"""This host: the names it gives its logs and the key it signs with, both from the settings."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal
from uuid import UUID

from django.conf import settings

from ledger import signing
from ledger.signer import Memory

Kind = Literal["host", "case"]


def origin_of(kind: Kind, log_id: UUID) -> str:
    """The origin line of a new log on this host."""
    return f"countersign/{settings.HOST_NAME}/{kind}/{log_id}"


def host_key() -> signing.HostKey:
    """The key with which this host signs, made at first use."""
    return signing.host_key(Path(settings.HOST_KEY_FILE))


def command_key() -> bytes:
    """The key under which commands are told apart, made from the host's own; 32 bytes."""
    return sha256(b"countersign/command/v1\n" + host_key().private.private_bytes_raw()).digest()


def memory() -> Memory:
    """What this host's key has signed, beside the key's file."""
    return _memory(str(settings.HOST_KEY_FILE))


@lru_cache(maxsize=8)
def _memory(key_file: str) -> Memory:
    return Memory(Path(f"{key_file}.signed"))
