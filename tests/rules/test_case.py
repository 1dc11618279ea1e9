"""A case's life."""

from typing import Any

import pytest

from cases.rules.case import (
    AddParty,
    CaseClosed,
    CaseContained,
    CaseOpened,
    CaseReopened,
    CaseRevised,
    CloseCase,
    ContainCase,
    CreateCase,
    LegalHoldLifted,
    LegalHoldPlaced,
    LiftLegalHold,
    OpenCase,
    PartyAdded,
    PlaceLegalHold,
    ReopenCase,
    ReviseCase,
)
from cases.rules.known import Around
from tests.rules.given import (
    ALICE,
    CAROL,
    CASE,
    CONTOSO,
    CREATED,
    JOINT,
    MALLORY,
    NORTHWIND,
    OUTSIDERS,
    decide,
    member,
    refused,
)

CREATE = CreateCase(case=CASE, title="  Bulk extraction ", category="model_distillation", severity="high")


def test_create_case() -> None:
    assert decide([], CREATE, around=Around(free_reference="CS-2026-0042")) == [CREATED]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "),
        ("title", "x" * 201),
        ("title", "nul\0"),
        ("title", "half a pair \ud800"),
        ("category", "mischief"),
        ("severity", "awful"),
        ("tlp", "TLP:WHITE"),
        ("summary", "x" * 10_001),
    ],
)
def test_create_case_refuses_bad_values(field: str, value: str) -> None:
    said: dict[str, Any] = {"title": "Bulk extraction", field: value}
    command = CreateCase(case=CASE, **said)
    refusal = refused("invalid", [], command)
    assert (refusal.field, refusal.status) == (field, 422)


def test_create_case_twice_is_refused() -> None:
    refused("case-exists", JOINT, CREATE)


def test_create_case_with_a_chosen_reference_is_for_the_host_alone() -> None:
    refused("reference-drawn", [], CreateCase(case=CASE, title="x", reference="CS-2026-0001"))


def test_create_case_with_a_taken_reference_is_refused() -> None:
    shell = type(ALICE)(**{**vars(ALICE), "via": "cli"})
    command = CreateCase(case=CASE, title="x", reference="CS-2026-0001")
    refused("reference-taken", [], command, shell, Around(reference_taken=True))
    assert decide([], command, shell)[0].reference == "CS-2026-0001"  # type: ignore[attr-defined]


def test_revise_case_tells_only_what_changes() -> None:
    command = ReviseCase(case=CASE, title="Bulk extraction", severity="critical")
    expected = CaseRevised(title=None, summary=None, category=None, severity="critical", tlp=None)
    assert decide(JOINT, command) == [expected]


def test_revise_case_without_a_change_is_refused() -> None:
    refused("nothing-changed", JOINT, ReviseCase(case=CASE, severity="high"))


def test_open_case() -> None:
    assert decide([CREATED], OpenCase(case=CASE)) == [CaseOpened()]
    refused("case-status", JOINT, OpenCase(case=CASE))


def test_contain_case() -> None:
    assert decide(JOINT, ContainCase(case=CASE, reason="Banned")) == [CaseContained(reason="Banned")]
    refused("case-status", [CREATED], ContainCase(case=CASE, reason="Banned"))


def test_close_case() -> None:
    alone = [CREATED, CaseOpened()]
    assert decide(alone, CloseCase(case=CASE, reason="Done")) == [CaseClosed(reason="Done")]
    assert refused("invalid", alone, CloseCase(case=CASE, reason=" ")).field == "reason"
    refused("case-status", [*JOINT, CaseClosed(reason="Done")], CloseCase(case=CASE, reason="Done"))


def test_reopen_case() -> None:
    closed = [*JOINT, CaseClosed(reason="Done")]
    assert decide(closed, ReopenCase(case=CASE, reason="New")) == [CaseReopened(reason="New")]
    refused("case-status", JOINT, ReopenCase(case=CASE, reason="New"))
    refused("case-status", closed, ReviseCase(case=CASE, severity="low"))


def test_place_legal_hold() -> None:
    held = decide(JOINT, PlaceLegalHold(case=CASE, reason="Dispute"), CAROL)
    assert held == [LegalHoldPlaced(party=CONTOSO, reason="Dispute")]
    refused("hold-placed", [*JOINT, *held], PlaceLegalHold(case=CASE, reason="Dispute"), CAROL)


def test_lift_legal_hold_ends_only_ones_own() -> None:
    held = [*JOINT, LegalHoldPlaced(party=CONTOSO, reason="Dispute")]
    refused("no-hold", held, LiftLegalHold(case=CASE, reason="Settled"))
    lifted = decide(held, LiftLegalHold(case=CASE, reason="Settled"), CAROL)
    assert lifted == [LegalHoldLifted(party=CONTOSO, reason="Settled")]


def test_add_party() -> None:
    command = AddParty(case=CASE, party=OUTSIDERS, role="partner")
    added = decide([CREATED], command, around=Around(party_name="Outsiders"))
    assert added == [PartyAdded(party=OUTSIDERS, name="Outsiders", role="partner")]
    assert refused("invalid", [CREATED], command).field == "party"
    refused("party-present", JOINT, AddParty(case=CASE, party=CONTOSO, role="observer"))
    refused("invalid", JOINT, AddParty(case=CASE, party=OUTSIDERS, role="lead"))


def test_a_stranger_hears_that_there_is_nothing() -> None:
    refused("not-found", JOINT, CloseCase(case=CASE, reason="x"), MALLORY)
    refused("not-found", [], CloseCase(case=CASE, reason="x"), MALLORY)


def test_a_partner_does_not_lead() -> None:
    assert refused("part", JOINT, CloseCase(case=CASE, reason="x"), CAROL).status == 403


def test_a_viewer_changes_nothing() -> None:
    refused("role", JOINT, CloseCase(case=CASE, reason="x"), member("vera", NORTHWIND, "viewer"))
