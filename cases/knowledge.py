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

from cases import erasing, events, memory
from cases.memory import Memory
from cases.models import Case, EvidenceItem, Member, Party, PartyKey
from cases.refusals import Forbidden
from cases.rules.acting import HOST_LOG, Actor
from cases.rules.case import AddParty, CaseState, CreateCase
from cases.rules.custody import AcquireEvidence, DeriveEvidence, ExamineEvidence, ItemState
from cases.rules.erasure import EraseValues
from cases.rules.key_events import key_stream
from cases.rules.keys import CopyKeys, KeyRing, RegisterKey, RequireSignatures, raw_of
from cases.rules.known import Around, Known
from cases.rules.parties import (
    AdmitMember,
    MemberState,
    PartyState,
    RegisterParty,
    TokenState,
)
from cases.rules.shape import CASE_STREAM, Command, Event, item_stream
from cases.rules.sharing import DiscloseEvidence
from ledger import reading
from ledger.authorship import key_id
from ledger.cosigning import WitnessKey
from ledger.entries import StoredEvent

S = TypeVar("S", ItemState, PartyState, MemberState, TokenState, KeyRing)
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
    opened, items = _items(command, opened, lambda named: look(named, memory.since(remembered)))
    streams = opened.streams
    state = Known(
        case=case or CaseState(),
        items=items,
        party=fold(PartyState(), _only(streams, "party/")),
        member=fold(MemberState(), _only(streams, "member/")),
        token=fold(TokenState(), _only(streams, "token/")),
        keyring=fold(KeyRing(), _only(streams, "keys/")),
        must_sign=must_sign,
        around=_around(command, actor),
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


def _items(
    command: Command, opened: L, widen: Callable[[Iterable[str]], L]
) -> tuple[L, dict[UUID, ItemState]]:
    """The items that a command names. A disclosure goes along to what was derived, so it asks for that as
    well."""
    items = _fold_items(opened)
    while isinstance(command, DiscloseEvidence):
        missing = {child for item in items.values() for child in item.derived} - items.keys()
        if not missing:
            break
        opened = widen((*opened.streams, *map(item_stream, sorted(missing))))
        items = _fold_items(opened)
    return opened, items


def _fold_items(opened: Found) -> dict[UUID, ItemState]:
    return {
        UUID(stream.removeprefix("item/")): fold(ItemState(), stored)
        for stream, stored in opened.streams.items()
        if stream.startswith("item/")
    }


def _only(streams: Streams, prefix: str) -> Sequence[StoredEvent]:
    return next((stored for stream, stored in streams.items() if stream.startswith(prefix)), ())


def _around(command: Command, actor: Actor) -> Around:
    match command:
        case AcquireEvidence() | DeriveEvidence():
            last = Case.objects.filter(pk=command.case).values_list("last_number", flat=True).first()
            return Around(next_number=(last or 0) + 1)
        case ExamineEvidence():
            return Around(readable=_readable(command, actor))
        case CreateCase():
            return _reference(command.reference)
        case AddParty():
            name, witnesses = party_named(command.party) or (None, ())
            return Around(party_name=name, witnesses=witnesses)
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
        case EraseValues():
            return Around(act=erasing.act_of(command.case, command.entry))
        case CopyKeys():
            return Around(copied=_copied(command))
    return Around()


def _copied(command: CopyKeys) -> tuple[Event, ...]:
    """What the host log tells of a party's keys. It is read without the host log's lock: what is in a stream
    stays as it is, and what comes later is not asked for."""
    stream = key_stream(command.party)
    found = reading.read_stream(HOST_LOG, stream, after=command.since, until=command.until)
    return tuple(map(events.read, found))


def _readable(command: ExamineEvidence, actor: Actor) -> dict[UUID, UUID]:
    """guardian is the wall that reading asks. Its rows change only under this log's lock, so they are as good
    as the streams themselves, and one query does for any number of items."""
    return dict(
        EvidenceItem.objects.filter(
            pk__in={each.item for each in command.examinations},
            case=command.case,
            evidenceitemgroupobjectpermission__group__party=actor.party,
            evidenceitemgroupobjectpermission__permission__codename="read_evidenceitem",
        ).values_list("pk", "owner_id")
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
