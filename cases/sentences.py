"""What an event says to a person."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from cases import custody_words
from cases.rules import case, key_events, parties, proposal_events, referral_events, share_events, values
from cases.rules.case import CaseRevised, LogOpened, PartyAdded, PartyLeft
from cases.rules.custody_events import (
    DownloadBrokenOff,
    EvidenceAcquired,
    EvidenceDerived,
    EvidenceDisclosed,
    EvidenceExamined,
    EvidenceIndexed,
    EvidenceMadeSearchable,
    EvidenceQuarantined,
    EvidenceReceived,
    EvidenceRetried,
    EvidenceSealed,
    EvidenceUnpacked,
    EvidenceVerified,
    ItemEvent,
)
from cases.rules.erasure import ValuesErased
from cases.rules.referral_events import ReferralEvent
from cases.rules.shape import Event
from cases.rules.share_events import ShareEvent
from cases.rules.share_terms import Terms
from ledger.entries import StoredEvent


def items_of(event: Event) -> list[UUID]:
    """The evidence items that an event speaks of."""
    match event:
        case EvidenceExamined():
            return [shown.item for shown in event.items]
        case EvidenceDerived():
            return [event.item, event.parent]
        case ItemEvent() | DownloadBrokenOff():
            return [event.item]
        case ValuesErased():
            return list(event.items)
    return []


def of(event: Event, stored: StoredEvent, names: Mapping[UUID, str], labels: Mapping[UUID, int]) -> str:
    """One sentence: who did what. `names` are parties by id, `labels` item numbers by id."""
    who = str(stored.actor.get("name") or "Somebody")
    if stored.actor.get("kind") == "member":
        who = f"{who} ({names.get(stored.party, 'unknown party')})"
    if isinstance(event, share_events.ShareOffered) and stored.party != event.party:
        giver = names.get(event.party, "another party")
        return f"{who} was offered {_meant(event)} by the referral of {giver}: {event.purpose}"
    return f"{who} {_did(event, names, labels)}"


def _did(event: Event, names: Mapping[UUID, str], labels: Mapping[UUID, int]) -> str:
    match event:
        case EvidenceExamined():
            return f"{values.HOW[event.how]} {_listed(items_of(event), labels)}{_query(event.query)}"
        case DownloadBrokenOff():
            reader, item = names.get(event.reader, "another party"), labels.get(event.item, "?")
            return f"broke off {reader}’s download of E-{item} after {event.sent:,} bytes"
        case ItemEvent():
            return _did_with_item(event, f"E-{labels.get(event.item, '?')}", names)
        case LogOpened():
            return "opened this log"
        case ValuesErased():
            named = _and([name.replace("_", " ") for name in event.names])
            return f"erased {named} of entry {event.entry}: {event.reason}"
        case ShareEvent():
            return _did_with_share(event, names)
        case ReferralEvent():
            return _did_with_referral(event, names)
        case key_events.KeyEvent():
            return _did_with_key(event, names.get(event.party, "a party"))
        case proposal_events.ProposalEvent():
            return _did_with_proposal(event, names)
    return _did_with_case(event) or _did_on_host(event) or f"recorded {type(event).__name__}"


def _did_with_case(event: Event) -> str | None:
    match event:
        case case.CaseCreated():
            return f"created case {event.reference}, “{event.title}”"
        case CaseRevised():
            changed = [name for name in case.SAID if getattr(event, name) is not None]
            return f"changed the case's {_and(['marking' if name == 'tlp' else name for name in changed])}"
        case case.CaseOpened():
            return "opened the case"
        case case.CaseContained():
            return f"marked the case contained: {event.reason}"
        case case.CaseClosed():
            if event.proposal:
                return "gave the last answer; the case is closed"
            return f"closed the case: {event.reason}"
        case case.CaseReopened():
            return f"reopened the case: {event.reason}"
        case case.LegalHoldPlaced():
            return f"placed a legal hold: {event.reason}"
        case case.LegalHoldLifted():
            return f"lifted the legal hold: {event.reason}"
        case PartyAdded():
            again = " again" if event.again else ""
            if event.proposal:
                return f"gave the last consent; {event.name} is in the case{again} as {event.role}"
            return f"added {event.name}{again} as {event.role}"
        case PartyLeft():
            return f"left the case: {event.reason}"
    return None


def _did_with_proposal(event: proposal_events.ProposalEvent, names: Mapping[UUID, str]) -> str:
    match event:
        case proposal_events.PartyProposed():
            return f"proposed {event.name} as {event.role}"
        case proposal_events.PartyConsented():
            return f"consented to {event.name} as {event.role}"
        case proposal_events.PartyObjected():
            return f"objected to {event.name} as {event.role}: {event.reason}"
        case proposal_events.ClosingProposed():
            return f"proposed to close the case: {event.reason}"
        case proposal_events.ClosingAgreed():
            return "agreed that the case is closed"
        case proposal_events.ClosingDissented():
            return f"dissented from closing the case: {event.reason}"
        case proposal_events.LeadOffered():
            return f"offered the lead to {names.get(event.to, 'a partner')}"
        case proposal_events.LeadAccepted():
            return f"took over the lead from {names.get(event.before, 'a party')}"
        case proposal_events.LeadRefused():
            return f"did not take the lead: {event.reason}"
        case proposal_events.ProposalWithdrawn():
            why = f": {event.reason}" if event.reason else ""
            return f"withdrew {_proposal(event.kind, event.name)}{why}"
        case proposal_events.ProposalLapsed():
            return f"ended {_proposal(event.kind, event.name)}, as {LAPSED[event.why]}"
    return f"recorded {type(event).__name__}"


LAPSED = {
    "status": "the status of the case changed",
    "joined": "another party joined",
    "left": "a party left",
    "lead": "the lead passed on",
}
"""Why a proposal lapsed."""


def _proposal(kind: str, name: str) -> str:
    told = {"party": f"the proposal to add {name}", "lead": "the offer of the lead"}
    return told.get(kind, "the proposal to close the case")


def _did_on_host(event: Event) -> str | None:
    match event:
        case parties.PartyRegistered():
            return f"registered {event.name}"
        case parties.MemberAdmitted():
            return f"admitted {event.name} as {values.ROLES[event.role].lower()}"
        case parties.MemberDisabled():
            return "disabled a member"
        case parties.MemberEnabled():
            return "enabled a member"
        case parties.TokenIssued():
            return "issued an API token"
        case parties.TokenRevoked():
            return "revoked an API token"
    return None


def _did_with_share(event: ShareEvent, names: Mapping[UUID, str]) -> str:
    giver, to = (names.get(party, "another party") for party in (event.party, event.to))
    match event:
        case share_events.ShareOffered():
            return f"offered {to} {_meant(event)}: {event.purpose}"
        case share_events.ShareTermsChanged():
            return f"proposed other terms to {to}, {_meant(event)}: {event.purpose}"
        case share_events.ShareAccepted():
            return f"accepted the terms of a share by {giver}"
        case share_events.ShareRefused():
            return f"refused what {giver} offered: {event.reason}"
        case share_events.ShareRevoked():
            return f"revoked a share with {to}: {event.reason}"
        case share_events.ShareGivenUp():
            return f"gave up a share by {giver}: {event.reason}"
    return f"recorded {type(event).__name__}"


def _did_with_referral(event: ReferralEvent, names: Mapping[UUID, str]) -> str:
    sender, to = names.get(event.party, "another party"), names.get(event.to, "the other party")
    match event:
        case referral_events.ReferralSent():
            return f"referred this to {event.name}: {event.purpose}"
        case referral_events.ReferralAsked():
            return f"asked {sender} back: {event.question}"
        case referral_events.ReferralAnswered():
            return f"answered {to}: {event.text}"
        case referral_events.ReferralAccepted():
            return f"accepted what {sender} referred"
        case referral_events.ReferralRefused():
            return f"refused what {sender} referred: {event.reason}"
        case referral_events.ReferralWithdrawn():
            return f"took back a referral to {to}: {event.reason}"
        case referral_events.ReferralPutToParties():
            return f"asked for consent to refer this to {event.name}"
        case referral_events.ReferralConsented():
            return f"agreed to a referral by {sender}"
        case referral_events.ReferralObjected():
            return f"did not agree to a referral by {sender}: {event.reason}"
    return f"recorded {type(event).__name__}"


def _meant(terms: Terms) -> str:
    if terms.scope == "case":
        return "a share of all its items in this case"
    return "a share of one item" if len(terms.items) == 1 else f"a share of {len(terms.items):,} items"


def _did_with_key(event: key_events.KeyEvent, party: str) -> str:
    match event:
        case key_events.KeyRegistered():
            return f"recorded the {_key(event)} of {party}"
        case key_events.KeyRotated():
            return f"recorded the {_key(event)} of {party} in place of {event.replaces[:12]}…"
        case key_events.KeyRevoked():
            return f"recorded that {party} revoked its key {event.key[:12]}…: {event.reason}"
        case key_events.SignaturesRequired():
            wants = "wants its members to sign" if event.required else "no longer asks its members to sign"
            return f"recorded that {party} {wants} what binds it"
    return f"recorded {type(event).__name__}"


def _key(event: key_events.NewKey) -> str:
    kind = "witness key" if event.purpose == "witness" else "signing key"
    return f"{kind} {event.key[:12]}…{f' “{event.name}”' if event.name else ''}"


def _did_with_item(event: ItemEvent, item: str, names: Mapping[UUID, str]) -> str:
    match event:
        case EvidenceAcquired():
            return f"acquired {item}, “{event.title}”"
        case EvidenceReceived():
            return f"received {event.size:,} bytes for {item} ({event.filename})"
        case EvidenceSealed():
            return f"sealed {item} under SHA-256 {event.sha256[:12]}…"
        case EvidenceDerived():
            chosen = "" if event.records is None else f", {event.records:,} records"
            return f"derived {item}, “{event.title}”, with {event.tool}{chosen}"
        case EvidenceUnpacked():
            return f"unpacked {item} into E-{event.number}"
        case EvidenceVerified(offer=UUID()):
            return f"hashed {item} again for its receiver: the bytes still have their sealed hash"
        case EvidenceVerified():
            return f"verified {item}: the bytes in the vault still have their sealed hash"
        case EvidenceMadeSearchable():
            unread = f", {event.rejects:,} lines not parsed" if event.rejects else ""
            return f"made {item} searchable as {event.format}: {event.records:,} records{unread}"
        case EvidenceIndexed():
            return f"indexed {item}"
        case EvidenceQuarantined():
            return f"put {item} into quarantine: {event.reason}"
        case EvidenceRetried():
            return f"let {item} be tried again"
        case EvidenceDisclosed():
            return f"disclosed {item} to {names.get(event.party, 'another party')}: {event.purpose}"
    return custody_words.did(event, item, names) or f"recorded {type(event).__name__} for {item}"


def _listed(items: Iterable[UUID], labels: Mapping[UUID, int]) -> str:
    numbers = sorted(labels[item] for item in items if item in labels)
    told = _and([f"E-{number}" for number in numbers[:5]])
    return f"{told} and {len(numbers) - 5} more items" if len(numbers) > 5 else told or "evidence"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _query(query: str) -> str:
    short = query if len(query) <= 120 else f"{query[:119]}…"
    return f" for {short}" if short else ""
