"""Folds that this process remembers, so that deciding on a case costs the same however much has happened in
it.

Events never change, so what was folded once stays true; where words of the case were erased, each process
folds it anew without them when it next decides on it. A memory ends with the event it was folded up to;
whoever uses it reads the stream from that very event on and so sees that the database still tells the same
history.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final
from uuid import UUID

from cases import events
from cases.rules.case import CaseState
from cases.rules.erasure import ValuesErased
from cases.rules.shape import CASE_STREAM
from ledger.entries import StoredEvent

MOST: Final = 2_000
"""Cases that a process remembers; the one that was not used for longest is forgotten first."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The state of a case after `last`."""

    last: StoredEvent
    state: CaseState


_memories: OrderedDict[UUID, Memory] = OrderedDict()


def of(log: UUID) -> Memory | None:
    """What is remembered of a case."""
    return _memories.get(log)


def forget(log: UUID) -> None:
    """Remember nothing of a case any more."""
    _memories.pop(log, None)


def since(memory: Memory | None) -> dict[str, int]:
    """From which version on the case's stream has to be read."""
    return {CASE_STREAM: memory.last.version} if memory else {}


def case_state(memory: Memory | None, log: UUID, stored: Sequence[StoredEvent]) -> CaseState | None:
    """The state of a case after events that were read as `since` said. None where they do not go on from what
    is remembered, as after a restored backup, or where words were erased: then everything has to be read."""
    if memory is None:
        state, new = CaseState(), stored
    elif stored[:1] == [memory.last] and not any(one.type == ValuesErased.__name__ for one in stored[1:]):
        state, new = memory.state, stored[1:]
    else:
        return None
    state = reduce(lambda known, event: known.after(events.read(event)), new, state)
    if stored:
        _memories[log] = Memory(last=stored[-1], state=state)
        _memories.move_to_end(log)
        while len(_memories) > MOST:
            _memories.popitem(last=False)
    return state
