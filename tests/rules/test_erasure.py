"""What a party may take back of its own words, and what stays."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cases import events
from cases.rules.case import CaseClosed, LegalHoldLifted, LegalHoldPlaced
from cases.rules.erasure import ERASABLE, ERASED, OF_THE_CASE, EraseValues, Recorded, ValuesErased
from cases.rules.known import Around
from cases.rules.shape import CASE_STREAM
from ledger.entries import StoredEvent
from tests.rules.given import (
    ALICE,
    BOB,
    CAROL,
    CASE,
    CONTOSO,
    ITEM,
    JOINT,
    MALLORY,
    NORTHWIND,
    OTHER,
    RHEA,
    WORKER,
    decide,
    member,
    refused,
)

DIGESTS = {"title": "11" * 32, "note": "22" * 32, "filename": "33" * 32}
ACQUIRED = Recorded(
    index=5,
    party=NORTHWIND,
    type="EvidenceAcquired",
    texts={"title": "ravi.jsonl", "note": "Ravi lives at 7 Elm Street", "account": ""},
    digests=DIGESTS,
    items=(ITEM,),
)
SEALED = Recorded(
    index=7,
    party=NORTHWIND,
    type="EvidenceSealed",
    texts={"filename": "ravi.jsonl"},
    digests=DIGESTS,
    items=(ITEM,),
)
ACT = Around(act=(ACQUIRED, SEALED))
COUNSEL = member("lena", NORTHWIND, "counsel")


def erase(*names: str, entry: int = 5, reason: str = "Asked by the person concerned") -> EraseValues:
    return EraseValues(case=CASE, entry=entry, names=names, reason=reason)


@pytest.mark.parametrize("who", [ALICE, COUNSEL], ids=["lead investigator", "counsel"])
def test_erase_values(who: object) -> None:
    command = erase("note")
    (told,) = decide(JOINT, command, who, ACT)  # type: ignore[arg-type]
    assert told == ValuesErased(
        erasure=command.id,
        entry=5,
        event="EvidenceAcquired",
        names=("note",),
        digests=("22" * 32,),
        items=(ITEM,),
        owner=None,
        reason="Asked by the person concerned",
    )


def test_the_same_words_of_the_same_act_go_along() -> None:
    told = decide(JOINT, erase("title", "title"), ALICE, ACT)
    assert [(one.entry, one.names) for one in told if isinstance(one, ValuesErased)] == [
        (5, ("title",)),
        (7, ("filename",)),
    ]


def test_a_party_erases_its_own_words_alone() -> None:
    assert refused("not-yours", JOINT, erase("note"), CAROL, ACT).status == 403
    for who in (BOB, RHEA, WORKER):
        assert refused("role", JOINT, erase("note"), who, ACT).status == 403
    refused("not-found", JOINT, erase("note"), MALLORY, ACT)
    refused("not-found", JOINT, erase("note", entry=6), ALICE, ACT)
    refused("not-found", JOINT, erase("note"), ALICE)


def test_a_hold_of_any_party_keeps_everything() -> None:
    held = LegalHoldPlaced(party=CONTOSO, reason="Proceedings")
    refused("legal-hold", [*JOINT, held], erase("note"), ALICE, ACT)
    lifted = LegalHoldLifted(party=CONTOSO, reason="Settled")
    assert decide([*JOINT, held, lifted], erase("note"), ALICE, ACT)


def test_a_closed_case_still_lets_go_of_words() -> None:
    assert decide([*JOINT, CaseClosed(reason="Done")], erase("note"), ALICE, ACT)


@pytest.mark.parametrize(
    "name", ["sha256", "item", "owner", "number", "marking", "type", "actor", "", "nonsense"]
)
def test_what_proofs_and_rules_stand_on_stays(name: str) -> None:
    assert refused("not-erasable", JOINT, erase("note", name), ALICE, ACT).field == "names"


def test_there_must_be_something_to_erase_and_a_reason() -> None:
    assert refused("nothing-there", JOINT, erase("account"), ALICE, ACT).status == 409
    gone = Around(act=(replace(ACQUIRED, erased=frozenset({"note"})),))
    refused("erased-already", JOINT, erase("note"), ALICE, gone)
    refused("not-erasable", JOINT, erase("note"), ALICE, Around(act=(replace(ACQUIRED, lost=True),)))
    assert refused("invalid", JOINT, erase(), ALICE, ACT).field == "names"
    assert refused("invalid", JOINT, erase("note", reason=" "), ALICE, ACT).field == "reason"
    again = erase("note", reason="It said: RAVI LIVES at 7 elm street!")
    assert refused("invalid", JOINT, again, ALICE, ACT).field == "reason"


def test_what_a_member_signed_stays_whole() -> None:
    signed = Around(act=(replace(ACQUIRED, signed=True), SEALED))
    refused("signed", JOINT, erase("note"), ALICE, signed)
    refused("signed", JOINT, erase("filename", entry=7), ALICE, signed)


def test_only_free_texts_of_known_events_are_in_the_table() -> None:
    for kind, names in ERASABLE.items():
        hints = {each.name: each.type for each in fields(events.EVENTS[kind])}
        for name in names:
            assert hints[name] in (str, "str", "str | None", str | None), (kind, name)


def test_words_of_the_case_are_told_in_its_own_stream() -> None:
    """So that every process that remembers the case hears of it."""
    told = ValuesErased(
        erasure=OTHER,
        entry=1,
        event="CaseCreated",
        names=("summary",),
        digests=(),
        items=(),
        owner=None,
        reason="",
    )
    assert told.stream == CASE_STREAM
    assert replace(told, event="EvidenceAcquired").stream == f"erasure/{OTHER}"
    assert {"CaseCreated", "LegalHoldLifted"} <= OF_THE_CASE.keys()


def test_an_entry_without_its_words_is_still_read() -> None:
    stored = StoredEvent(
        log=CASE,
        index=4,
        stream=CASE_STREAM,
        version=4,
        type="CaseClosed",
        schema=1,
        party=NORTHWIND,
        actor={},
        command=uuid4(),
        recorded_at=datetime(2026, 2, 8, tzinfo=UTC),
        fields={},
    )
    assert events.read(stored) == CaseClosed(reason=ERASED)
