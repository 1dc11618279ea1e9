"""Index 0 of every log: what it is, before anything happens in it."""

from typing import Protocol

from cases import knowledge, policy
from cases.rules.acting import HOST_PARTY, Actor
from cases.rules.case import LogOpened, PartyKeys


class Named(Protocol):
    """What a log that is open for writing says about itself."""

    origin: str
    host_key_id: str
    host_key: str


def log_opened(log: Named, actor: Actor) -> LogOpened:
    """Names the log's origin, the host's key, the parties in it from the start, and the policy's digest."""
    named = None if actor.party == HOST_PARTY else knowledge.party_named(actor.party)
    return LogOpened(
        origin=log.origin,
        host_key_id=log.host_key_id,
        host_key=log.host_key,
        parties=(PartyKeys(party=actor.party, name=named[0], keys=named[1]),) if named else (),
        policy=policy.DIGEST,
    )
