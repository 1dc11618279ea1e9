"""What a command is decided on, gathered under the lock of its log: folds of its streams and few questions
beside."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from typing import Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q

from cases import erasing, events, leaving, memory, referring, sightings, wall
from cases.memory import Memory
from cases.models import Case, EvidenceItem, Member, Party, PartyKey, Share
from cases.refusals import Forbidden
from cases.rules.acting import HOST_LOG, Actor
from cases.rules.case import AddParty, CaseState, CreateCase
from cases.rules.custody import AcquireEvidence, DeriveEvidence, ItemState
from cases.rules.disposal import DisposeEvidence, ProposeDisposal
from cases.rules.erasure import EraseValues
from cases.rules.examining import ExamineEvidence
from cases.rules.key_events import key_stream
from cases.rules.keys import CopyKeys, KeyRing, RegisterKey, RequireSignatures, raw_of
from cases.rules.known import Around, Known
from cases.rules.making import ExtractEvidence, RecordPhysicalItem
from cases.rules.parties import (
    AdmitMember,
    MemberState,
    PartyState,
    RegisterParty,
    TokenState,
)
from cases.rules.proposals import ConsentToParty, LeaveCase
from cases.rules.referral import AcceptReferral, ReferralCommand, SendReferral
from cases.rules.referral_events import ReferralState
from cases.rules.shape import CASE_STREAM, Command, Event
from cases.rules.share_events import ShareState
from cases.rules.sharing import AcceptShare, ChangeShare, OfferShare, ShareCommand
from cases.rules.transfer import CorrectCustody, OfferCustodyTransfer
from cases.rules.values import OPERATION_FOR
from cases.terms import standing_terms
from ledger import reading
from ledger.authorship import key_id
from ledger.cosigning import WitnessKey
from ledger.entries import StoredEvent

KEPT = ("sealed", "searchable", "indexed", "quarantined")
"""States in which an item has content that can be read."""

S = TypeVar("S", ItemState, PartyState, MemberState, TokenState, KeyRing, ShareState, ReferralState)
Streams = Mapping[str, Sequence[StoredEvent]]


class Found(Protocol):
    """A log that is open for writing, with the streams that were asked for."""

    @property
    def streams(self) -> Streams: ...


L = TypeVar("L", bound=Found)
Look = Callable[[Iterable[str], Mapping[str, int]], L]

_STANDING = """
    SELECT m.party_id, m.role, m.name, m.active AND u.is_active, p.signatures_required
    FROM cases_member m JOIN auth_user u ON u.id = m.user_id JOIN cases_party p ON p.id = m.party_id
    WHERE m.id = %s
"""
_MARKINGS = """
    WITH RECURSIVE meant AS (
        SELECT id, owner_id, marking FROM cases_evidenceitem
        WHERE case_id = %s AND ((%s AND owner_id = %s) OR id = ANY(%s::uuid[]))
        UNION
        SELECT c.id, c.owner_id, c.marking FROM meant m
        JOIN cases_evidenceitem c ON c.parent_id = m.id AND c.owner_id = m.owner_id
    )
    SELECT DISTINCT marking FROM meant
"""
_PARTY = """
    SELECT p.name, k.name, k.public FROM cases_party p
    LEFT JOIN cases_partykey k ON k.party_id = p.id AND k.purpose = 'witness' AND k.ended_at IS NULL
    WHERE p.id = %s ORDER BY k.registered_at, k.id
"""


def gather(
    command: Command, opened: L, actor: Actor, remembered: Memory | None, look: Look[L]
) -> tuple[Actor, L, Known]:
    """The actor as it stands now, and all that policy and rule may know. Raises Forbidden for who may not act
    any more. `look` opens the same log again, with other streams or from other versions on."""
    actor, must_sign = _standing(actor)
    case = memory.case_state(remembered, command.log, opened.streams.get(CASE_STREAM, ()))
    if case is None:
        opened, remembered = look(opened.streams, {}), None
        case = memory.case_state(None, command.log, opened.streams.get(CASE_STREAM, ()))
    if isinstance(command, LeaveCase) and (ending := leaving.streams(command, actor)):
        opened = look((*opened.streams, *ending), memory.since(remembered))
    streams = opened.streams
    items = _fold_items(opened)
    referral = fold(ReferralState(), _only(streams, "referral/"))
    state = Known(
        case=case or CaseState(),
        items=items,
        share=_share(command, streams),
        referral=referral,
        party=fold(PartyState(), _only(streams, "party/")),
        member=fold(MemberState(), _only(streams, "member/")),
        token=fold(TokenState(), _only(streams, "token/")),
        keyring=fold(KeyRing(), _only(streams, "keys/")),
        must_sign=must_sign,
        around=replace(
            _around(command, actor, case or CaseState(), referral), visible=_visible(items, actor)
        ),
    )
    return actor, opened, state


def fold(state: S, stored: Sequence[StoredEvent]) -> S:
    """The state after these events."""
    return reduce(lambda known, event: known.after(events.read(event)), stored, state)


def party_named(party: UUID) -> tuple[str, tuple[str, ...]] | None:
    """A party's name and the live keys of its witnesses, as lines to pin. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTY, (party,))
        rows = cursor.fetchall()
    vkeys = tuple(WitnessKey(name, bytes.fromhex(public)).vkey for _, name, public in rows if public)
    return (rows[0][0], vkeys) if rows else None


def _standing(actor: Actor) -> tuple[Actor, bool]:
    """A member may have been disabled, or given another role, since the request began. Also whether its party
    wants it to sign."""
    if actor.kind != "member":
        return actor, False
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, (actor.member,))
        found = cursor.fetchone()
    if found is None or not found[3] or found[0] != actor.party:
        raise Forbidden("member-disabled", "You may no longer act for this party.")
    return replace(actor, role=found[1], name=found[2]), found[4]


def _visible(items: Mapping[UUID, ItemState], actor: Actor) -> frozenset[UUID]:
    """Of the items that a command names, those that the actor sees. What belongs to its party it sees by its
    stream; of anything else the wall is asked, whose rows change under this log's lock alone."""
    own = {item for item, state in items.items() if state.owner == actor.party}
    others = {item for item, state in items.items() if state.exists} - own
    return frozenset(own) | (wall.visible(actor, others) if others else frozenset())


def _share(command: Command, streams: Streams) -> ShareState:
    """A share as its stream tells. What was disclosed before there were terms has no such stream until its
    first change, and stands in its item's: then the row of that share says how it began."""
    stored = _only(streams, "share/")
    if not isinstance(command, ShareCommand) or (stored and stored[0].type == "ShareOffered"):
        return fold(ShareState(), stored)
    row = Share.objects.filter(pk=command.share, case=command.case).first()
    if row is None:
        return ShareState()
    giver, receiver = row.giver_id, row.receiver_id
    began = ShareState(status="accepted", giver=giver, receiver=receiver, terms=standing_terms(row))
    return fold(began, stored)


def _fold_items(opened: Found) -> dict[UUID, ItemState]:
    return {
        UUID(stream.removeprefix("item/")): fold(ItemState(), stored)
        for stream, stored in opened.streams.items()
        if stream.startswith("item/")
    }


def _only(streams: Streams, prefix: str) -> Sequence[StoredEvent]:
    return next((stored for stream, stored in streams.items() if stream.startswith(prefix)), ())


def _around(command: Command, actor: Actor, known: CaseState, referral: ReferralState) -> Around:
    match command:
        case ReferralCommand():
            return _about_referral(command, referral, actor)
        case OfferCustodyTransfer() | ProposeDisposal() | DisposeEvidence() | CorrectCustody():
            return sightings.about(command)
        case AcquireEvidence() | DeriveEvidence() | ExtractEvidence() | RecordPhysicalItem():
            last = Case.objects.filter(pk=command.case).values_list("last_number", flat=True).first()
            return Around(next_number=(last or 0) + 1)
        case ExamineEvidence():
            return Around(readable=_readable(command, actor))
        case OfferShare() | ChangeShare():
            return _about_share(command, actor)
        case AcceptShare():
            return Around(now=datetime.now(UTC))
        case CreateCase():
            return _reference(command.reference)
        case AddParty():
            return _joining(command.party)
        case ConsentToParty():
            proposal = known.proposals.get(command.proposal)
            return _joining(proposal.party if proposal else None)
        case LeaveCase():
            return leaving.about(command, actor)
        case EraseValues():
            return Around(act=erasing.act_of(command.case, command.entry))
        case CopyKeys():
            return Around(copied=_copied(command), awaited=referring.awaited(command.case, command.party))
    return _around_host(command)


def _around_host(command: Command) -> Around:
    """The same for a command about parties, members and keys."""
    match command:
        case RegisterParty():
            alike = Q(name__iexact=command.name.strip()) | Q(short_name__iexact=command.short_name.strip())
            return Around(name_taken=Party.objects.filter(alike).exists())
        case AdmitMember():
            return Around(
                user_exists=User.objects.filter(pk=command.user_id).exists(),
                user_taken=Member.objects.filter(user_id=command.user_id).exists(),
            )
        case RegisterKey():
            return Around(
                host=settings.HOST_NAME,
                rp_id=settings.WEBAUTHN_RP_ID,
                origins=tuple(settings.WEBAUTHN_ORIGINS),
                key_taken=PartyKey.objects.filter(pk=key_id(raw_of(command.public))).exists(),
            )
        case RequireSignatures():
            able = PartyKey.objects.filter(party=command.party, ended_at=None, member__active=True)
            return Around(signers=able.exists())
    return Around()


def _joining(party: UUID | None) -> Around:
    name, witnesses = (party and party_named(party)) or (None, ())
    return Around(party_name=name, witnesses=witnesses)


def _copied(command: CopyKeys) -> tuple[Event, ...]:
    """What the host log tells of a party's keys. It is read without the host log's lock: what is in a stream
    stays as it is, and what comes later is not asked for."""
    stream = key_stream(command.party)
    found = reading.read_stream(HOST_LOG, stream, after=command.since, until=command.until)
    return tuple(map(events.read, found))


def _readable(command: ExamineEvidence, actor: Actor) -> dict[tuple[UUID, str], UUID]:
    """guardian is the wall that reading asks. Its rows change only under this log's lock, so they are as good
    as the streams themselves, and one query for each way of reading does for any number of items."""
    found: dict[tuple[UUID, str], UUID] = {}
    for how in {each.how for each in command.examinations} & OPERATION_FOR.keys():
        items = {each.item for each in command.examinations if each.how == how}
        seen = EvidenceItem.objects.filter(
            wall.granted(actor, OPERATION_FOR[how]), pk__in=items, case=command.case, state__in=KEPT
        )
        found |= {(item, how): owner for item, owner in seen.values_list("pk", "owner_id")}
    return found


def _about_share(command: OfferShare | ChangeShare, actor: Actor) -> Around:
    """What the actor may do with the items that it wants to share, how they are marked, with all that was
    derived from them, and who the named members are."""
    with connection.cursor() as cursor:
        whole = command.scope == "case"
        cursor.execute(_MARKINGS, (command.case, whole, actor.party, list(command.items)))
        markings = frozenset(marking for (marking,) in cursor.fetchall())
    people = Member.objects.filter(pk__in=command.members, active=True)
    return Around(
        held=wall.held(actor, command.items, case=command.case),
        markings=markings,
        people=dict(people.values_list("pk", "party")),
        now=datetime.now(UTC),
    )


def _about_referral(command: ReferralCommand, referral: ReferralState, actor: Actor) -> Around:
    """Who is to be brought in, and how the items are marked that would come along, whose they are among
    them."""
    if isinstance(command, SendReferral):
        to, items, giver = command.to, command.items, actor.party
    elif isinstance(command, AcceptReferral) and referral.sent is not None:
        to, items, giver = referral.sent.to, referral.sent.items, referral.sent.party
    else:
        return Around()
    name, witnesses = party_named(to) or (None, ())
    with connection.cursor() as cursor:
        cursor.execute(_MARKINGS, (command.case, False, giver, list(items)))
        markings = frozenset(marking for (marking,) in cursor.fetchall())
    return Around(
        party_name=name,
        witnesses=witnesses,
        held=wall.held(actor, items, case=command.case) if items and giver == actor.party else {},
        markings=markings,
        now=datetime.now(UTC),
    )


def _reference(wanted: str) -> Around:
    """A free reference, drawn at random: a running number would tell each party how many cases the others
    have."""
    with connection.cursor() as cursor:
        # Held until commit, so that two new cases cannot draw the same reference.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('countersign case reference', 0))")
    if wanted:
        return Around(reference_taken=Case.objects.filter(reference__iexact=wanted.strip()).exists())
    year, digits = datetime.now(UTC).year, 4
    while Case.objects.filter(reference__regex=rf"^CS-{year}-[0-9]{{{digits}}}$").count() * 2 >= 10**digits:
        digits += 1
    while True:
        drawn = f"CS-{year}-{secrets.randbelow(10**digits):0{digits}}"
        if not Case.objects.filter(reference=drawn).exists():
            return Around(free_reference=drawn)
