"""Canonical JSON (RFC 8785) in a narrow profile: two programs can never disagree about the bytes of a value.

In the profile, RFC 8785 needs neither its number formatting (there are only integers below 2^53) nor its
UTF-16 key order (keys are ASCII), and what is left is what the standard library writes.
"""

import json
import re
from collections.abc import Mapping
from typing import TypeAlias, cast

from ledger.errors import NotCanonical

Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None

KEY = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
LARGEST = 2**53 - 1
DEEPEST = 32
_UNHASHABLE_TEXT = re.compile("[\x00\ud800-\udfff]")
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def plain(value: object, *, at: str = "value", depth: int = 0) -> Json:
    """A deep copy of `value` made of plain JSON types, or NotCanonical where the profile forbids it."""
    if isinstance(value, str):
        if _UNHASHABLE_TEXT.search(value):
            raise NotCanonical(
                f"The text of {at} holds a NUL or half a surrogate pair and cannot be recorded."
            )
        return str(value)
    if value is None or value is True or value is False:
        return cast("Json", value)
    if isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
            raise NotCanonical(
                f"The number of {at} is 2^53 or larger in size and cannot be recorded exactly."
            )
        return int(value)
    if depth >= DEEPEST:
        raise NotCanonical(f"{at} is nested deeper than {DEEPEST} levels.")
    if isinstance(value, Mapping):
        copy: dict[str, Json] = {}
        for key, inner in value.items():
            if not (isinstance(key, str) and KEY.fullmatch(key)):
                raise NotCanonical(f"The key {key!r} in {at} must be 1 to 40 of a-z, 0-9 and _.")
            copy[str(key)] = plain(inner, at=f"{at}.{key}", depth=depth + 1)
        return copy
    if isinstance(value, list | tuple):
        return [plain(inner, at=f"{at}[{n}]", depth=depth + 1) for n, inner in enumerate(value)]
    kind = "decimal number" if isinstance(value, float) else type(value).__name__
    raise NotCanonical(
        f"{at} is a {kind}; the ledger records texts, whole numbers, true, false, null, lists and objects."
    )


def canonical(value: object) -> bytes:
    """The one byte string of a value in the profile."""
    return encode(plain(value))


def encode(value: Json) -> bytes:
    """The canonical bytes of a value that `plain` returned; the check is not repeated."""
    return _encode(value).encode()


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    copy = dict(pairs)
    if len(copy) != len(pairs):
        raise NotCanonical("An object names the same key twice.")
    return copy


def _no_decimals(text: str) -> Json:
    raise NotCanonical(f"{text} is not a whole number.")


_decode = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_no_decimals, parse_constant=_no_decimals
).decode


def parse(data: bytes) -> Json:
    """The value whose canonical bytes are exactly `data`, or NotCanonical."""
    try:
        value = plain(_decode(data.decode()))
    except (ValueError, RecursionError) as error:
        raise NotCanonical("The bytes are not JSON in UTF-8.") from error
    if encode(value) != data:
        raise NotCanonical("The bytes are JSON, but not in canonical form.")
    return value
