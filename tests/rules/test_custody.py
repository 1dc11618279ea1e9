"""The life of an evidence item."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cases.rules.case import CaseClosed
from cases.rules.custody import (
    AcquireEvidence,
    DeriveEvidence,
    IndexEvidence,
    MakeEvidenceSearchable,
    QuarantineEvidence,
    RetryEvidence,
    VerifyEvidence,
)
from cases.rules.custody_events import (
    DownloadBrokenOff,
    EvidenceAcquired,
    EvidenceDerived,
    EvidenceExamined,
    EvidenceIndexed,
    EvidenceMadeSearchable,
    EvidenceQuarantined,
    EvidenceReceived,
    EvidenceRetried,
    EvidenceSealed,
    EvidenceUnpacked,
    EvidenceVerified,
    Shown,
)
from cases.rules.examining import MOST_ITEMS, BreakOffDownload, Examination, ExamineEvidence
from cases.rules.known import Around
from ledger import jcs
from tests.rules.given import (
    ALICE,
    BYTES,
    CAROL,
    CASE,
    CHILD,
    CONTOSO,
    DAN,
    FACTS,
    ITEM,
    JOINT,
    MALLORY,
    NORTHWIND,
    OLGA,
    OTHER,
    RHEA,
    SHA,
    WORKER,
    acquired,
    decide,
    refused,
    sealed,
    searchable,
    verified,
)

ACQUIRE = AcquireEvidence(case=CASE, item=ITEM, facts=FACTS, sealed=BYTES)


def test_acquire_evidence_tells_three_facts_in_one_commit() -> None:
    events = decide(JOINT, ACQUIRE, around=Around(next_number=3))
    assert [type(event) for event in events] == [EvidenceAcquired, EvidenceReceived, EvidenceSealed]
    first = events[0]
    assert isinstance(first, EvidenceAcquired)
    assert (first.number, first.owner) == (3, NORTHWIND)
    assert first.acquired_at == datetime(2026, 2, 8, 10, 44, 10, tzinfo=UTC)
    assert first.acquired_at_text == "2026-02-08T11:44:10+01:00"
    assert events[2] == sealed()[2]


def test_acquire_evidence_by_a_partner_makes_it_the_partners_own() -> None:
    first = decide(JOINT, ACQUIRE, DAN)[0]
    assert isinstance(first, EvidenceAcquired)
    assert first.owner == CONTOSO


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("title", "", "title"),
        ("kind", "gossip", "kind"),
        ("acquired_at", "2026-02-08T11:44:10", "acquired_at"),
        ("acquired_at", "yesterday", "acquired_at"),
        ("acquired_at", "0001-01-01T00:00:00+14:00", "acquired_at"),
        ("covers_from", "soon", "covers_from"),
        ("declared_sha256", "xyz", "sha256"),
        ("marking", "TLP:PINK", "marking"),
        ("host", "h" * 254, "host"),
    ],
)
def test_acquire_evidence_refuses_bad_facts(field: str, value: str, named: str) -> None:
    command = replace(ACQUIRE, facts=replace(FACTS, **{field: value}))
    assert refused("invalid", JOINT, command).field == named


def test_acquire_evidence_refuses_a_period_that_ends_before_it_starts() -> None:
    facts = replace(FACTS, covers_from="2026-02-08T00:00:00Z", covers_until="2026-02-07T00:00:00Z")
    assert refused("invalid", JOINT, replace(ACQUIRE, facts=facts)).field == "covers_until"


def test_acquire_evidence_refuses_other_bytes_than_declared() -> None:
    facts = replace(FACTS, declared_sha256="cd" * 32)
    assert refused("wrong-hash", JOINT, replace(ACQUIRE, facts=facts)).status == 422


def test_acquire_evidence_takes_a_declared_hash_in_capitals() -> None:
    facts = replace(FACTS, declared_sha256=SHA.upper())
    first = decide(JOINT, replace(ACQUIRE, facts=facts))[0]
    assert isinstance(first, EvidenceAcquired)
    assert first.declared_sha256 == SHA


def test_acquire_evidence_twice_is_refused() -> None:
    refused("item-exists", [*JOINT, *sealed()], ACQUIRE)


def test_acquire_evidence_is_not_for_observers_strangers_or_closed_cases() -> None:
    refused("role", JOINT, ACQUIRE, RHEA)
    refused("part", JOINT, ACQUIRE, replace(RHEA, role="investigator"))
    refused("not-found", JOINT, ACQUIRE, MALLORY)
    refused("case-status", [*JOINT, CaseClosed(reason="Done")], ACQUIRE)


def test_verify_evidence() -> None:
    command = VerifyEvidence(case=CASE, item=ITEM, sha256=SHA)
    assert decide([*JOINT, *sealed()], command, WORKER) == [EvidenceVerified(item=ITEM, sha256=SHA)]
    refused("already-verified", [*JOINT, *verified()], command, WORKER)
    refused("hash-differs", [*JOINT, *sealed()], replace(command, sha256="cd" * 32), WORKER)
    refused("role", [*JOINT, *sealed()], command, ALICE)
    refused("not-found", JOINT, command, WORKER)
    refused("not-found", [*JOINT, *sealed()], command, replace(WORKER, party=CONTOSO))


def test_make_evidence_searchable() -> None:
    command = MakeEvidenceSearchable(
        case=CASE,
        item=ITEM,
        format="jsonl",
        parser="jsonl",
        parser_version="1",
        lines=3,
        records=2,
        rejects=1,
    )
    (event,) = decide([*JOINT, *verified()], command, WORKER)
    assert isinstance(event, EvidenceMadeSearchable)
    assert event == searchable()[-1]
    refused("not-verified", [*JOINT, *sealed()], command, WORKER)
    refused("item-state", [*JOINT, *searchable()], command, WORKER)


def test_index_evidence() -> None:
    command = IndexEvidence(case=CASE, item=ITEM)
    indexed = decide([*JOINT, *searchable()], command, WORKER)
    assert indexed == [EvidenceIndexed(item=ITEM, format="")]
    refused("not-searchable", [*JOINT, *verified()], command, WORKER)
    refused("item-state", [*JOINT, *searchable(), *indexed], command, WORKER)


def test_index_evidence_of_a_container_needs_what_was_derived() -> None:
    unpacked = EvidenceUnpacked(item=ITEM, derived=CHILD, number=2, sha256=SHA)
    command = IndexEvidence(case=CASE, item=ITEM, format="gzip")
    assert decide([*JOINT, *verified(), unpacked], command, WORKER) == [
        EvidenceIndexed(item=ITEM, format="gzip")
    ]


def test_derive_evidence_is_its_parents_owners() -> None:
    command = DeriveEvidence(case=CASE, item=CHILD, parent=ITEM, tool="gzip", tool_version="1", sealed=BYTES)
    events = decide([*JOINT, *verified()], command, WORKER, Around(next_number=2))
    assert [type(event) for event in events] == [EvidenceDerived, EvidenceSealed, EvidenceUnpacked]
    first = events[0]
    assert isinstance(first, EvidenceDerived)
    assert first.owner == NORTHWIND


def test_derive_evidence_needs_verified_bytes_and_happens_once() -> None:
    command = DeriveEvidence(case=CASE, item=CHILD, parent=ITEM, tool="gzip", tool_version="1", sealed=BYTES)
    refused("not-verified", [*JOINT, *sealed()], command, WORKER)
    unpacked = EvidenceUnpacked(item=ITEM, derived=CHILD, number=2, sha256=SHA)
    refused("item-exists", [*JOINT, *verified(), unpacked], command, WORKER)
    refused("item-exists", [*JOINT, *verified(), acquired(CHILD)], command, WORKER)


def test_quarantine_evidence_then_retry_evidence() -> None:
    given = [*JOINT, *verified()]
    quarantined = decide(given, QuarantineEvidence(case=CASE, item=ITEM, step="parse", reason="Odd"), WORKER)
    assert quarantined == [EvidenceQuarantined(item=ITEM, step="parse", reason="Odd", count=1)]
    retry = RetryEvidence(case=CASE, item=ITEM)
    refused("item-state", given, retry, OLGA)
    refused("role", [*given, *quarantined], retry, ALICE)
    retried = decide([*given, *quarantined], retry, OLGA)
    assert retried == [EvidenceRetried(item=ITEM, state="sealed")]
    again = decide(
        [*given, *quarantined, *retried],
        QuarantineEvidence(case=CASE, item=ITEM, step="parse", reason="Odd"),
        WORKER,
    )
    assert again == [EvidenceQuarantined(item=ITEM, step="parse", reason="Odd", count=2)]


def test_examine_evidence_tells_each_owner_its_own() -> None:
    asked = tuple(Examination(item=item, how="search", query="ip", shown=2) for item in (ITEM, OTHER, CHILD))
    command = ExamineEvidence(case=CASE, examinations=asked)
    owners = {ITEM: NORTHWIND, OTHER: CONTOSO, CHILD: NORTHWIND}
    readable = {(item, "search"): owner for item, owner in owners.items()}
    events = decide(JOINT, command, RHEA, Around(readable=readable))
    assert events == [
        EvidenceExamined(
            examination=command.id,
            owner=owner,
            how="search",
            query="ip",
            purpose="",
            items=tuple(Shown(item=item, records=2) for item in items),
        )
        for owner, items in ((NORTHWIND, (ITEM, CHILD)), (CONTOSO, (OTHER,)))
    ]


def test_break_off_download_is_the_workers_for_its_owner() -> None:
    command = BreakOffDownload(case=CASE, item=ITEM, examination=OTHER, reader=CONTOSO, sent=7)
    [said] = decide([*JOINT, *verified()], command, WORKER)
    assert said == DownloadBrokenOff(examination=OTHER, owner=NORTHWIND, reader=CONTOSO, item=ITEM, sent=7)
    refused("role", [*JOINT, *verified()], command, ALICE)


def test_examine_evidence_refuses_what_may_not_be_read() -> None:
    one = ExamineEvidence(case=CASE, examinations=(Examination(item=ITEM, how="download"),))
    refused("not-found", JOINT, one, CAROL)
    searched = Around(readable={(ITEM, "search"): NORTHWIND})
    refused("not-found", JOINT, one, CAROL, searched)
    refused("not-found", JOINT, one, MALLORY, Around(readable={(ITEM, "download"): NORTHWIND}))
    refused("nothing-examined", JOINT, ExamineEvidence(case=CASE, examinations=()))
    odd = ExamineEvidence(case=CASE, examinations=(Examination(item=ITEM, how="sniff"),))
    refused("invalid", JOINT, odd, ALICE, Around(readable={(ITEM, "sniff"): NORTHWIND}))


def test_examine_evidence_of_very_many_items_is_told_in_events_that_fit_a_bundle() -> None:
    many = [uuid4() for _ in range(MOST_ITEMS + 1)]
    readable = {(item, "search"): NORTHWIND for item in many}
    asked = tuple(Examination(item=item, how="search") for item in many)
    told = decide(JOINT, ExamineEvidence(case=CASE, examinations=asked), ALICE, Around(readable=readable))
    assert [len(event.items) for event in told if isinstance(event, EvidenceExamined)] == [MOST_ITEMS, 1]
    assert all(len(jcs.encode(event.fields())) < 1 << 20 for event in told)
