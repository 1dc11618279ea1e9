"""Where attacks take place: a fresh log, its mirror, the superuser, and a source of chance."""

import random
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from ledger import leaf, reading
from ledger.entries import EntryRow
from tests.ledger.conftest import Superuser, Writer


@dataclass(frozen=True)
class Scene:
    """A log with its mirror, the superuser, and a source of chance."""

    writer: Writer
    superuser: Superuser
    mirror: list[bytes]
    chance: random.Random

    @property
    def log(self) -> UUID:
        return self.writer.log

    def somewhere(self) -> int:
        return self.chance.randrange(len(self.mirror))

    def entry(self, index: int) -> EntryRow:
        return reading.read_entries(self.log, after=index - 1, limit=1)[0]

    def run(self, *statements: str, **values: Any) -> None:
        with self.superuser.guards_off() as cursor:
            for statement in statements:
                cursor.execute(statement, {"log": self.log, **values})

    def bit(self, column: str, length: int) -> str:
        at, mask = self.chance.randrange(length), 1 << self.chance.randrange(8)
        return f"{column} = set_byte({column}, {at}, get_byte({column}, {at}) # {mask})"


HERE = "WHERE log = %(log)s AND index = %(index)s"


def other_leaf(data: bytes) -> bytes:
    """A well-made leaf for the same place, by another party."""
    return leaf.build(replace(leaf.parse(data), party=uuid4()))


APPENDS = [1, 2, 1, 3, 1, 1, 2, 4, 1, 1, 3, 1]


def stage(superuser: Superuser, chance: random.Random, *, single: bool = False) -> Scene:
    """A fresh log; with appends of several entries, or of one each, so that every size was once signed."""
    writer = Writer()
    writer.grow([1] * chance.randrange(4, 20) if single else chance.sample(APPENDS, chance.randrange(4, 12)))
    return Scene(
        writer, superuser, [row.leaf for row in reading.read_entries(writer.log, limit=1000)], chance
    )
