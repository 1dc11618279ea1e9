"""The shape of commands and events: frozen dataclasses, and how their fields become plain JSON and come
back."""

import dataclasses
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import (
    Any,
    ClassVar,
    Literal,
    Self,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID, uuid4

from cases.rules.acting import HOST_LOG

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """What somebody asks for. The same id with the same content is answered by the first receipt.

    `expect` is the version of the command's subject that the writer has looked at (`version` of a case or
    item); when the subject has moved on, the command is refused. None: whatever it is now.
    """

    id: UUID = field(default_factory=uuid4)
    expect: int | None = None
    kind: ClassVar[Literal["host", "case"]]

    @property
    @abstractmethod
    def log(self) -> UUID:
        """The log that this command writes to."""

    @property
    @abstractmethod
    def streams(self) -> tuple[str, ...]:
        """The streams whose events decide this command, and those that it may write to."""

    @property
    def subject(self) -> str:
        """The stream that `expect` speaks of."""
        return self.streams[-1]


@dataclass(frozen=True, kw_only=True)
class HostCommand(Command):
    """A command about parties and members; it writes to the host log."""

    kind: ClassVar[Literal["host", "case"]] = "host"

    @property
    def log(self) -> UUID:
        return HOST_LOG


@dataclass(frozen=True, kw_only=True)
class CaseCommand(Command):
    """A command about one case; it writes to that case's log."""

    case: UUID
    kind: ClassVar[Literal["host", "case"]] = "case"

    @property
    def log(self) -> UUID:
        return self.case

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM,)


CASE_STREAM = "case"
LOG_STREAM = "log"


def item_stream(item: UUID) -> str:
    """The stream that holds one evidence item's events."""
    return f"item/{item}"


@dataclass(frozen=True, kw_only=True)
class Event(ABC):
    """A fact, past tense. A changed shape gets a higher `schema` and an upcaster in cases/events.py."""

    schema: ClassVar[int] = 1

    @property
    @abstractmethod
    def stream(self) -> str:
        """The stream that this fact belongs to."""

    def fields(self) -> dict[str, Json]:
        """The fields as the ledger stores them."""
        return to_fields(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """The event that these stored fields tell."""
        return from_fields(cls, fields)


Rules: TypeAlias = Mapping[type[Command], Callable[[Any, Any, Any], Sequence[Event]]]
"""Command → rule(command, Known, Actor) → events."""


def stamp(instant: datetime) -> str:
    """UTC with microseconds and Z, the one way in which bytes hold a time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: object) -> Json:
    """A field's value as JSON of the ledger's profile."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_fields(value)
    raise TypeError(f"{type(value).__name__} has no place in a command or an event")


def to_fields(thing: Any) -> dict[str, Json]:
    """All fields of a command or event by name."""
    return {each.name: plain(getattr(thing, each.name)) for each in dataclasses.fields(thing)}


def from_fields(cls: type[T], fields: Mapping[str, Any]) -> T:
    """The dataclass whose `to_fields` gave `fields`."""
    told = dict(fields)
    for name, back in _readers(cast("Hashable", cls)):
        if told.get(name) is not None:
            told[name] = back(told[name])
    return cls(**told)


@cache
def _readers(cls: Hashable) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """For the fields that are not plain JSON already: how each is read back."""
    hints = get_type_hints(cls)
    found = ((each.name, _reader(hints[each.name])) for each in dataclasses.fields(cast("Any", cls)))
    return tuple((name, back) for name, back in found if back is not None)


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if get_origin(hint) in (types.UnionType, Union):
        hint = next(each for each in get_args(hint) if each is not type(None))
    if hint is UUID:
        return UUID
    if hint is datetime:
        return _instant
    if get_origin(hint) is tuple:
        one = _reader(get_args(hint)[0])
        return tuple if one is None else lambda values: tuple(map(one, values))
    if dataclasses.is_dataclass(hint):
        return partial(from_fields, cast("type[Any]", hint))
    return None


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
