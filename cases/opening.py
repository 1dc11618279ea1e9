"""Index 0 of every log: what it is, before anything happens in it."""

from typing import Protocol

from cases import policy
from cases.models import Party
from cases.rules.acting import HOST_PARTY, Actor
from cases.rules.case import LogOpened, PartyKeys


class Named(Protocol):
    """What a log that is open for writing says about itself."""

    origin: str
    host_key_id: str
    host_key: str


def log_opened(log: Named, actor: Actor) -> LogOpened:
    """Names the log's origin, the host's key, the parties in it from the start, and the policy's digest."""
    named = () if actor.party == HOST_PARTY else (actor.party,)
    return LogOpened(
        origin=log.origin,
        host_key_id=log.host_key_id,
        host_key=log.host_key,
        parties=tuple(
            PartyKeys(party=party.pk, name=party.name)
            for party in Party.objects.filter(pk__in=named).only("name")
        ),
        policy=policy.DIGEST,
    )
