"""Bringing what the host log tells of a party's keys into the logs of its cases."""

import logging
from uuid import UUID

from django.db.models import F, QuerySet

from cases import copies
from cases.models import Participation
from cases.perform import perform
from cases.refusals import Refused

log = logging.getLogger(__name__)


def spread(case: UUID, party: UUID) -> None:
    """Make a case's log hold all of a party's key events, as often as you like and from anywhere."""
    copies.bring(case, party, perform)


def spread_all(party: UUID, *, most: int) -> None:
    """The same for up to so many cases in which a party's keys are behind. A log that is in doubt takes
    nothing; the others do not wait for it."""
    for case in lagging().filter(party=party).values_list("case", flat=True)[:most]:
        try:
            spread(case, party)
        except Refused as refused:
            log.warning("Keys of party %s not copied into case %s: %s", party, case, refused.code)


def lagging() -> QuerySet[Participation]:
    """Where a party's keys are still to be copied, those cases first that it joined first. A case that
    it has left is told nothing more."""
    return Participation.objects.filter(keys__lt=F("party__keys"), left_at=None).order_by("joined_at", "id")
