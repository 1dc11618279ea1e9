"""Given these events, when this command, then those events or that refusal: all without a database."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TypeVar
from uuid import UUID, uuid5

import pytest

from cases import policy
from cases.refusals import Refused
from cases.rules.acquisition import AcquisitionFacts, SealedBytes, accepted
from cases.rules.acting import HOST_LOG, HOST_PARTY, Actor
from cases.rules.case import CaseCreated, CaseOpened, CaseState, PartyAdded
from cases.rules.custody import ItemState
from cases.rules.custody_events import (
    EvidenceAcquired,
    EvidenceMadeSearchable,
    EvidenceReceived,
    EvidenceSealed,
    EvidenceVerified,
)
from cases.rules.keys import KeyRing
from cases.rules.known import Around, Known
from cases.rules.parties import MemberState, PartyState, TokenState
from cases.rules.referral_events import ReferralState
from cases.rules.shape import Command, Event
from cases.rules.share_events import ShareState
from cases.rules.table import RULES

S = TypeVar(
    "S", CaseState, ItemState, PartyState, MemberState, TokenState, KeyRing, ShareState, ReferralState
)


def name(word: str) -> UUID:
    """The same id for the same word."""
    return uuid5(HOST_LOG, word)


NORTHWIND, CONTOSO, REGULATOR, OUTSIDERS = map(name, ("northwind", "contoso", "regulator", "outsiders"))
CASE, ITEM, OTHER, CHILD = map(name, ("case", "item", "other", "child"))
NOTHING = Around()
SHA = "ab" * 32


def member(who: str, party: UUID, role: str = "lead_investigator") -> Actor:
    return Actor(kind="member", party=party, member=name(who), user_id=1, role=role, name=who, via="web")


ALICE, BOB = member("alice", NORTHWIND), member("bob", NORTHWIND, "investigator")
CAROL, DAN = member("carol", CONTOSO), member("dan", CONTOSO, "custodian")
RHEA, MALLORY = member("rhea", REGULATOR, "viewer"), member("mallory", OUTSIDERS)
OLGA = Actor(kind="operator", party=HOST_PARTY, role="operator", name="olga", via="admin")
WORKER = Actor(kind="worker", party=NORTHWIND, role="worker", name="worker", via="worker")

CREATED = CaseCreated(
    reference="CS-2026-0042", title="Bulk extraction", summary="", category="model_distillation",
    severity="high", tlp="TLP:AMBER", lead=NORTHWIND,
)  # fmt: skip
JOINT: tuple[Event, ...] = (
    CREATED,
    CaseOpened(),
    PartyAdded(party=CONTOSO, name="Contoso", role="partner"),
    PartyAdded(party=REGULATOR, name="Regulator", role="observer"),
)

FACTS = AcquisitionFacts(title="Gateway log", acquired_at="2026-02-08T11:44:10+01:00")
BYTES = SealedBytes(sha256=SHA, blake3=SHA, sha1="ab" * 20, md5="ab" * 16, size=7, filename="gateway.jsonl")


def acquired(item: UUID = ITEM, number: int = 1, marking: str = "TLP:AMBER") -> EvidenceAcquired:
    told = accepted(FACTS) | {"marking": marking}
    return EvidenceAcquired(item=item, number=number, owner=NORTHWIND, **told)


def sealed(item: UUID = ITEM) -> tuple[Event, ...]:
    return (
        acquired(item),
        EvidenceReceived(item=item, holder=NORTHWIND, filename="gateway.jsonl", size=7, via="web"),
        EvidenceSealed(
            item=item, sha256=SHA, blake3=SHA, sha1="ab" * 20, md5="ab" * 16, size=7, filename="gateway.jsonl"
        ),
    )


def verified(item: UUID = ITEM) -> tuple[Event, ...]:
    return (*sealed(item), EvidenceVerified(item=item, sha256=SHA))


def searchable(item: UUID = ITEM) -> tuple[Event, ...]:
    return (
        *verified(item),
        EvidenceMadeSearchable(
            item=item, format="jsonl", parser="jsonl", parser_version="1", lines=3, records=2, rejects=1,
            first_time=None, last_time=None,
        ),
    )  # fmt: skip


def known(events: Sequence[Event], command: Command, around: Around = NOTHING) -> Known:
    """The folds that perform() would gather for this command."""

    def of(start: S, stream: str) -> S:
        return reduce(
            lambda state, event: state.after(event), [e for e in events if e.stream == stream], start
        )

    def only(start: S, prefix: str) -> S:
        stream = next((stream for stream in command.streams if stream.startswith(prefix)), "")
        return of(start, stream)

    items = {
        UUID(s.removeprefix("item/")): of(ItemState(), s) for s in command.streams if s.startswith("item/")
    }
    return Known(
        case=of(CaseState(), "case"),
        items=items,
        share=only(ShareState(), "share/"),
        party=only(PartyState(), "party/"),
        member=only(MemberState(), "member/"),
        token=only(TokenState(), "token/"),
        keyring=only(KeyRing(), "keys/"),
        referral=only(ReferralState(), "referral/"),
        around=around,
    )


def decide(
    given: Sequence[Event], command: Command, actor: Actor = ALICE, around: Around = NOTHING
) -> Sequence[Event]:
    """What policy and rule make of a command."""
    state = known(given, command, around)
    own = {item for item, found in state.items.items() if found.owner == actor.party}
    state = replace(state, around=replace(around, visible=around.visible | own))
    policy.check(command, state, actor)
    return RULES[type(command)](command, state, actor)


def refused(
    code: str, given: Sequence[Event], command: Command, actor: Actor = ALICE, around: Around = NOTHING
) -> Refused:
    """The refusal of a command, which must carry this code and a whole sentence."""
    with pytest.raises(Refused) as caught:
        decide(given, command, actor, around)
    assert caught.value.code == code, caught.value.sentence
    assert caught.value.sentence[0].isupper()
    assert caught.value.sentence.endswith(".")
    return caught.value
