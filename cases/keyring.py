"""Bringing what the host log tells of a party's keys into the logs of its cases."""

from collections.abc import Iterator
from uuid import UUID

from django.db.models import F

from cases import copies
from cases.models import Participation
from cases.perform import perform


def spread(case: UUID, party: UUID) -> None:
    """Make a case's log hold all of a party's key events, as often as you like and from anywhere."""
    copies.bring(case, party, perform)


def lagging(most: int, *, party: UUID | None = None) -> Iterator[tuple[UUID, UUID]]:
    """Cases and parties whose keys are still to be copied, those that waited longest first."""
    waiting = Participation.objects.filter(keys__lt=F("party__keys"))
    if party is not None:
        waiting = waiting.filter(party=party)
    yield from waiting.order_by("joined_at", "id").values_list("case", "party")[:most]
