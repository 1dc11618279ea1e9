"""What one party lets another see, under terms that the other accepts first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Forbidden, Invalid, Refused, Unseen
from cases.rules import values
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, Rules
from cases.rules.share_events import (
    ShareAccepted,
    ShareGivenUp,
    ShareOffered,
    ShareRefused,
    ShareRevoked,
    ShareTermsChanged,
    share_stream,
)
from cases.rules.share_terms import STRICTNESS, Terms, checked

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

# Commands


@dataclass(frozen=True, kw_only=True)
class ShareCommand(CaseCommand):
    """A command about one share."""

    share: UUID

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, share_stream(self.share))


@dataclass(frozen=True, kw_only=True)
class OfferShare(ShareCommand, Terms):
    """Offer items of the actor's party, or all it has in the case, to another party of the case."""

    to: UUID


@dataclass(frozen=True, kw_only=True)
class ChangeShare(ShareCommand, Terms):
    """Propose other terms; those in force hold until these are accepted."""


@dataclass(frozen=True, kw_only=True)
class AcceptShare(ShareCommand):
    """Accept the newest terms; `terms` is their digest as the actor has read them, or empty."""

    terms: str = ""


@dataclass(frozen=True, kw_only=True)
class _Ending(ShareCommand):
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefuseShare(_Ending):
    """Say no to an offer, or to new terms."""


@dataclass(frozen=True, kw_only=True)
class RevokeShare(_Ending):
    """Take a share back; it ends at once."""


@dataclass(frozen=True, kw_only=True)
class GiveUpShare(_Ending):
    """End a share that the actor's party has accepted."""


# What a rule is told of the items, beside their share's own stream


@dataclass(frozen=True, kw_only=True)
class Held:
    """An item that the actor sees: whose it is, and what the actor may do with it now."""

    owner: UUID
    operations: frozenset[str]


# Rules


def offer_share(command: OfferShare, state: "Known", actor: "Actor") -> Sequence[Event]:
    if state.share.exists:
        raise Refused("share-exists", "This share exists already.")
    if command.to not in state.case.parts:
        raise Invalid("to", "Evidence is shared only with a party of the case.")
    if command.to == actor.party:
        raise Invalid("to", "This is your own party: it sees its items already.")
    _may_stand(command, command.to, state, actor)
    told = {name: getattr(command, name) for name in _NAMES}
    return [ShareOffered(share=command.share, party=actor.party, to=command.to, **told)]


def change_share(command: ChangeShare, state: "Known", actor: "Actor") -> Sequence[Event]:
    giver, to = _both(state)
    if Terms.alone(command) == state.share.newest:
        raise Refused("nothing-changed", "Nothing would change.")
    _may_stand(command, to, state, actor)
    told = {name: getattr(command, name) for name in _NAMES}
    return [ShareTermsChanged(share=command.share, party=giver, to=to, **told)]


def accept_share(command: AcceptShare, state: "Known", actor: "Actor") -> Sequence[Event]:
    giver, to = _both(state)
    if state.share.status == "accepted" and state.share.proposed is None:
        raise Refused("share-accepted", "This share is in force already.")
    newest = state.share.newest
    if command.terms and command.terms != newest.digest:
        raise Refused("other-terms", "The terms have changed since you read them. Read them again.")
    if newest.expires_at is not None and newest.expires_at <= state.around.now:
        raise Refused("offer-expired", "What was offered has run out meanwhile.")
    if giver not in state.case.parts:
        raise Refused("giver-left", "The party that offered this is no longer in the case.")
    return [ShareAccepted(share=command.share, party=giver, to=to, terms=command.terms)]


def refuse_share(command: RefuseShare, state: "Known", actor: "Actor") -> Sequence[Event]:
    giver, to = _both(state)
    if state.share.status == "accepted" and state.share.proposed is None:
        raise Refused("nothing-offered", "Nothing waits for an answer here; give the share up instead.")
    return [ShareRefused(share=command.share, party=giver, to=to, reason=_reason(command))]


def revoke_share(command: RevokeShare, state: "Known", actor: "Actor") -> Sequence[Event]:
    giver, to = _both(state)
    return [ShareRevoked(share=command.share, party=giver, to=to, reason=_reason(command))]


def give_up_share(command: GiveUpShare, state: "Known", actor: "Actor") -> Sequence[Event]:
    giver, to = _both(state)
    return [ShareGivenUp(share=command.share, party=giver, to=to, reason=_reason(command))]


def _may_stand(terms: Terms, to: UUID, state: "Known", actor: "Actor") -> None:
    """Refuse what these terms cannot say of these items and to these people."""
    checked(terms, now=state.around.now)
    around = state.around
    for item in terms.items:
        held = around.held.get(item)
        if held is None:
            raise Unseen
        if held.owner == actor.party:
            continue
        if "share_on" not in held.operations:
            raise Forbidden("not-owner", "An item is shared by its owner, or by who may share it on.")
        if not terms.allowed <= held.operations:
            raise Forbidden("not-held", "Nobody shares on more than it may do itself.")
    if any(around.people.get(member) != to for member in terms.members):
        raise Invalid("members", "A named member must be an active member of the receiving party.")
    if any(STRICTNESS[marking] > STRICTNESS[terms.tlp] for marking in around.markings):
        raise Refused(
            "less-strict",
            "A share is marked at least as strictly as the strictest of its items.",
            field="tlp",
        )


def _both(state: "Known") -> tuple[UUID, UUID]:
    if state.share.giver is None or state.share.receiver is None:
        raise Unseen
    return state.share.giver, state.share.receiver


def _reason(command: _Ending) -> str:
    # Recorded word for word: the giver may have signed it.
    values.text(command.reason, "reason", "The reason", most=2_000, needed=True)
    return command.reason


_NAMES = tuple(Terms().plain())

RULES: Rules = {
    OfferShare: offer_share,
    ChangeShare: change_share,
    AcceptShare: accept_share,
    RefuseShare: refuse_share,
    RevokeShare: revoke_share,
    GiveUpShare: give_up_share,
}
