"""A party's alert to another that has no part in the case: it decides on the words alone, and joins by
accepting.

Where other parties are active in the case, each of them is asked first: until all have agreed, the receiver
sees nothing. So an acceptance needs nobody's word any more, and tells nothing about who else is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from cases.refusals import Forbidden, Invalid, Refused, Unseen
from cases.rules import values
from cases.rules.proposals import join
from cases.rules.referral_events import (
    WORDS,
    ReferralAccepted,
    ReferralAnswered,
    ReferralAsked,
    ReferralConsented,
    ReferralObjected,
    ReferralPutToParties,
    ReferralRefused,
    ReferralSent,
    ReferralWithdrawn,
    referral_stream,
)
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, Rules
from cases.rules.share_events import ShareAccepted, ShareOffered, share_stream
from cases.rules.share_terms import STRICTNESS, Terms, checked

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

MOST_INDICATORS: Final = 200
MOST_NOTES: Final = 100
"""Questions and answers about one referral."""

# Commands


@dataclass(frozen=True, kw_only=True)
class ReferralCommand(CaseCommand):
    """A command about one referral."""

    referral: UUID

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, referral_stream(self.referral))


@dataclass(frozen=True, kw_only=True)
class SendReferral(ReferralCommand):
    """Refer the matter to a party that is not in the case: these words, and with its acceptance these items
    of the actor's party, for the operations `allowed`."""

    to: UUID
    summary: str
    indicators: tuple[str, ...] = ()
    items: tuple[UUID, ...] = ()
    labels: tuple[str, ...] = ()
    tlp: str = "TLP:AMBER"
    purpose: str
    legal_basis: str = ""
    agreement: str = ""
    allowed: tuple[str, ...] = ()
    expires_at: datetime | None = None
    onward: bool = False


@dataclass(frozen=True, kw_only=True)
class AskBack(ReferralCommand):
    """Ask the sender something before deciding."""

    question: str


@dataclass(frozen=True, kw_only=True)
class AnswerReferral(ReferralCommand):
    """Answer what the receiver asked."""

    text: str


@dataclass(frozen=True, kw_only=True)
class AcceptReferral(ReferralCommand):
    """Join the case as a partner, under the referral's terms; `terms` is their digest as the actor has read
    them, or empty."""

    terms: str = ""

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, share_stream(share_of(self.referral)), referral_stream(self.referral))


@dataclass(frozen=True, kw_only=True)
class _WithReason(ReferralCommand):
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefuseReferral(_WithReason):
    """Say no to a referral."""


@dataclass(frozen=True, kw_only=True)
class WithdrawReferral(_WithReason):
    """Take back a referral that nobody has accepted yet."""


@dataclass(frozen=True, kw_only=True)
class ConsentToReferral(ReferralCommand):
    """Agree, for an active party of the case, that the receiver may be asked in."""


@dataclass(frozen=True, kw_only=True)
class ObjectToReferral(_WithReason):
    """Do not agree; the receiver then never learns of it."""


# Rules


def send_referral(command: SendReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    if state.referral.exists:
        raise Refused("referral-exists", "This referral was sent already.")
    if command.to == actor.party:
        raise Invalid("to", "This is your own party.")
    if state.around.party_name is None:
        raise Invalid("to", "There is no such party on this host.")
    if command.to in state.case.parts:
        raise Refused("party-present", "This party is in the case already; share with it there.", field="to")
    _may_be_said(command, state)
    _may_go_along(command, state, actor)
    asked = tuple(
        party
        for party, part in state.case.parts.items()
        if part in ("lead", "partner") and party != actor.party
    )
    told = {name: getattr(command, name) for name in WORDS}
    name = state.around.party_name
    about: dict[str, Any] = {"referral": command.referral, "party": actor.party}
    sent = ReferralSent(**about, **told, name=name, asked=asked)
    if not asked:
        return [sent]
    return [sent, ReferralPutToParties(**about, to=command.to, name=name, asked=asked)]


def ask_back(command: AskBack, state: "Known", actor: "Actor") -> Sequence[Event]:
    _room(state)
    _needed(command.question, "question", "The question", most=2_000)
    return [ReferralAsked(**_about(state), question=command.question)]


def answer_referral(command: AnswerReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    _room(state)
    if not state.referral.asking:
        raise Refused("nothing-asked", "No question waits for an answer here.")
    _needed(command.text, "text", "The answer", most=4_000)
    return [ReferralAnswered(**_about(state), text=command.text)]


def accept_referral(command: AcceptReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    """The acceptance comes first; what follows from it, party and share, stands in the same commit."""
    sent, around = _sent(state), state.around
    if command.terms and command.terms != sent.digest:
        raise Refused("other-terms", "This is not what was referred to you. Read it again.")
    if sent.expires_at is not None and sent.expires_at <= around.now:
        raise Refused("referral-expired", "This referral has run out; ask the sender for a new one.")
    stricter = any(STRICTNESS[marking] > STRICTNESS[sent.tlp] for marking in around.markings)
    active = state.case.parts.get(sent.party) in ("lead", "partner")
    if not active or stricter or state.share.exists or around.party_name is None:
        raise Refused("referral-over", OVER)
    happened: list[Event] = [ReferralAccepted(**_about(state), terms=command.terms)]
    if sent.to not in state.case.parts:
        happened += join(sent.to, "partner", state, proposal=None)
    if sent.items:
        share: dict[str, Any] = {"share": share_of(sent.referral), "party": sent.party, "to": sent.to}
        happened.append(ShareOffered(**share, **vars(_terms(sent))))
        happened.append(ShareAccepted(**share, terms=_terms(sent).digest))
    return happened


OVER: Final = "This referral can no longer be accepted as it stands; ask the sender."


def refuse_referral(command: RefuseReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [ReferralRefused(**_about(state), reason=_reason(command))]


def withdraw_referral(command: WithdrawReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [ReferralWithdrawn(**_about(state), reason=_reason(command))]


def consent_to_referral(command: ConsentToReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    sent, agreed = _sent(state), state.referral.agreed
    if actor.party in agreed:
        raise Refused("consent-given", "Your party has agreed already.")
    left = len(set(sent.asked) - agreed) - 1
    return [ReferralConsented(**_about(state), asked=sent.asked, by=actor.party, left=left)]


def object_to_referral(command: ObjectToReferral, state: "Known", actor: "Actor") -> Sequence[Event]:
    asked = _sent(state).asked
    return [ReferralObjected(**_about(state), asked=asked, by=actor.party, reason=_reason(command))]


def share_of(referral: UUID) -> UUID:
    """The share under which an accepted referral's items are seen."""
    return uuid5(referral, "share")


def _terms(said: SendReferral | ReferralSent) -> Terms:
    return Terms(
        items=said.items,
        operations=said.allowed,
        purpose=said.purpose,
        legal_basis=said.legal_basis,
        agreement=said.agreement,
        tlp=said.tlp,
        expires_at=said.expires_at,
        onward=said.onward,
    )


def _may_be_said(command: SendReferral, state: "Known") -> None:
    """Refuse words that cannot stand. They are recorded word for word, as they were signed."""
    _needed(command.summary, "summary", "The summary", most=4_000)
    _needed(command.purpose, "purpose", "The purpose", most=500)
    values.text(command.legal_basis, "legal_basis", "The legal basis", most=500)
    values.text(command.agreement, "agreement", "The agreement", most=200)
    values.choice(command.tlp, "tlp", "The marking", values.TLP)
    if command.tlp == "TLP:RED":
        raise Refused(
            "marked-red", "What is marked TLP:RED goes to named members only, not to a party.", field="tlp"
        )
    if command.onward and STRICTNESS[command.tlp] >= STRICTNESS["TLP:AMBER+STRICT"]:
        raise Refused("marked-strict", f"What is marked {command.tlp} is not shared on.", field="onward")
    if command.expires_at is not None and command.expires_at <= state.around.now:
        raise Invalid("expires_at", "The expiry lies in the past.")
    if len(command.indicators) > MOST_INDICATORS:
        raise Invalid("indicators", f"A referral names at most {MOST_INDICATORS} indicators.")
    for indicator in command.indicators:
        _needed(indicator, "indicators", "An indicator", most=500)
    if len(command.labels) > len(command.items):
        raise Invalid("labels", "There are more names than items.")
    for label in command.labels:
        _needed(label, "labels", "An item's name", most=200)


def _may_go_along(command: SendReferral, state: "Known", actor: "Actor") -> None:
    """Refuse items that are not the party's own to share, and terms under which they cannot be shared."""
    if not command.items:
        if command.allowed:
            raise Invalid("allowed", "What may be done is said of items, and this referral names none.")
        return
    checked(_terms(command), now=state.around.now)
    for item in command.items:
        held = state.around.held.get(item)
        if held is None:
            raise Unseen
        if held.owner != actor.party:
            raise Forbidden("not-owner", "Only items of your own party go along with a referral.")
    if any(STRICTNESS[marking] > STRICTNESS[command.tlp] for marking in state.around.markings):
        raise Refused(
            "less-strict",
            "A referral is marked at least as strictly as the strictest of its items.",
            field="tlp",
        )


def _room(state: "Known") -> None:
    if state.referral.notes >= MOST_NOTES:
        raise Refused("enough-said", f"A referral takes at most {MOST_NOTES} questions and answers.")


def _about(state: "Known") -> dict[str, UUID]:
    sent = _sent(state)
    return {"referral": sent.referral, "party": sent.party, "to": sent.to}


def _sent(state: "Known") -> ReferralSent:
    if state.referral.sent is None:
        raise Unseen
    return state.referral.sent


def _reason(command: _WithReason) -> str:
    _needed(command.reason, "reason", "The reason", most=2_000)
    return command.reason


def _needed(value: str, field: str, label: str, *, most: int) -> None:
    values.text(value, field, label, most=most, needed=True)


RULES: Rules = {
    SendReferral: send_referral,
    AskBack: ask_back,
    AnswerReferral: answer_referral,
    AcceptReferral: accept_referral,
    RefuseReferral: refuse_referral,
    WithdrawReferral: withdraw_referral,
    ConsentToReferral: consent_to_referral,
    ObjectToReferral: object_to_referral,
}
