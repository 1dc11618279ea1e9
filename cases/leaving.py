"""What a party's leaving of a case is decided on, read under the lock of the case's log."""

from collections.abc import Iterable

from django.db.models import Q

from cases.models import EvidenceItem, Share
from cases.rules.acting import Actor
from cases.rules.known import Around, Ending
from cases.rules.proposals import LeaveCase
from cases.rules.share_events import share_stream


def streams(command: LeaveCase, actor: Actor) -> Iterable[str]:
    """The streams of the shares that end with it. They change under the same lock alone."""
    return [share_stream(each.share) for each in _ending(command, actor)]


def about(command: LeaveCase, actor: Actor) -> Around:
    """The shares that end with it, and whether the party holds an item of another one."""
    holds = EvidenceItem.objects.filter(case=command.case, holder=actor.party).exclude(owner=actor.party)
    return Around(ending=_ending(command, actor), holds_others=holds.exists())


def _ending(command: LeaveCase, actor: Actor) -> tuple[Ending, ...]:
    side = Q(giver=actor.party) | Q(receiver=actor.party)
    going = Share.objects.filter(side, case=command.case, status__in=("offered", "accepted"))
    return tuple(
        Ending(
            share=each.pk, giver=each.giver_id, receiver=each.receiver_id, accepted=each.status == "accepted"
        )
        for each in going.order_by("offered_at", "id")
    )
