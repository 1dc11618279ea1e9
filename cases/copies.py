"""Key events that a case's log still lacks.

The host log has them first. `Party.keys` counts them there, `Participation.keys` in a case, so that what is
to come is known from two numbers; the command, its id included, follows from them, and its rule refuses what
does not go on from the copies that are there: two workers at it never copy anything twice.
"""

from typing import Final, Protocol
from uuid import UUID, uuid5

from cases import referring
from cases.actors import worker_for
from cases.models import Participation, Party
from cases.refusals import Refused
from cases.rules.acting import HOST_LOG, Actor
from cases.rules.key_events import key_stream
from cases.rules.keys import CopyKeys
from ledger import reading
from ledger.entries import Receipt

MOST: Final = 200
"""Events in one append."""


class Perform(Protocol):
    """perform(), which also calls this module and therefore is handed in."""

    def __call__(self, command: CopyKeys, *, actor: Actor) -> Receipt: ...


def due(case: UUID, party: UUID) -> CopyKeys | None:
    """The next copy that a case's log needs of a party's keys. One query."""
    here = Participation.objects.filter(case=case, party=party, left_at=None)
    found = here.values_list("keys", "party__keys").first()
    if found is None and referring.awaited(case, party):
        # Not in the case yet: it may sign its answer to a referral there, with keys that the log must know.
        told = Party.objects.filter(pk=party).values_list("keys", flat=True).get()
        found = (len(reading.read_stream(case, key_stream(party), after=0, until=told)), told)
    if found is None or found[0] >= found[1]:
        return None
    since, until = found[0], min(found[1], found[0] + MOST)
    return CopyKeys(
        id=uuid5(case, f"{key_stream(party)}/{since}-{until}/of/{HOST_LOG}"),
        case=case,
        party=party,
        since=since,
        until=until,
    )


def bring(case: UUID, party: UUID, perform: Perform) -> None:
    """Copy until the case's log has all that the host log has. A crash in between leaves a log that has some:
    the next call goes on there. Where the count does not follow, as while read models are made again, it
    ends without."""
    last = None
    while (copy := due(case, party)) is not None and copy.id != last:
        last = copy.id
        try:
            perform(copy, actor=worker_for(party))
        except Refused as refused:
            if refused.code != "stale":  # somebody else has just copied; look again
                raise
