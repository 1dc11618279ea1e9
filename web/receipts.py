"""The receipt of a write, shown once on the next page: which entries it made, their hashes, and the proof."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from ledger.entries import Receipt

TAG = "receipt"
SHOWN = 4  # leaves drawn of one write; the ledger lists them all


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What a notice says of one write. `case` is the reference of its pages, "" for the host log."""

    case: str
    first: int
    count: int
    leaves: tuple[str, ...]

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    @property
    def entries(self) -> list[tuple[int, str]]:
        """The entries drawn, with their leaf hashes."""
        return list(enumerate(self.leaves, self.first))

    @property
    def more(self) -> int:
        return self.count - len(self.leaves)


def give(request: HttpRequest, receipt: Receipt, *, case: str = "") -> None:
    """Hand the receipt of a command to the member: a notice on the next page that is drawn, and only there.

    `case` is the case's reference; without one the write went to the host's own log.
    """
    noted = {"c": case, "f": receipt.first, "n": receipt.count, "l": list(receipt.leaf_hashes[:SHOWN])}
    messages.success(request, json.dumps(noted), extra_tags=TAG)


def of(message: Any) -> Noted | None:
    """The receipt in a message, or None where the message is words."""
    if message.extra_tags != TAG:
        return None
    told = json.loads(message.message)
    return Noted(case=told["c"], first=told["f"], count=told["n"], leaves=tuple(told["l"]))


def once(waiting: Any) -> list[Any]:
    """The messages to draw: what a second press of the same form said again is left out. Pages of errors are
    drawn outside of any request, so they have none."""
    return list({(one.extra_tags, str(one.message)): one for one in waiting or ()}.values())
