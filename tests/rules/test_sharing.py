"""What one party lets another see."""

from cases.rules.custody_events import EvidenceDisclosed, EvidenceUnpacked
from cases.rules.sharing import DiscloseEvidence
from tests.rules.given import (
    ALICE,
    BOB,
    CAROL,
    CASE,
    CHILD,
    CONTOSO,
    ITEM,
    JOINT,
    MALLORY,
    NORTHWIND,
    OUTSIDERS,
    REGULATOR,
    SHA,
    acquired,
    decide,
    refused,
    sealed,
    verified,
)

DISCLOSE = DiscloseEvidence(
    case=CASE, item=ITEM, party=CONTOSO, purpose="Joint analysis", legal_basis="Clause 7"
)
DISCLOSED = EvidenceDisclosed(item=ITEM, party=CONTOSO, purpose="Joint analysis", legal_basis="Clause 7")


def test_disclose_evidence() -> None:
    assert decide([*JOINT, *sealed()], DISCLOSE) == [DISCLOSED]
    refused("already-disclosed", [*JOINT, *sealed(), DISCLOSED], DISCLOSE)


def test_disclose_evidence_goes_along_to_what_was_derived() -> None:
    unpacked = EvidenceUnpacked(item=ITEM, derived=CHILD, number=2, sha256=SHA)
    events = decide([*JOINT, *verified(), unpacked, *sealed(CHILD)], DISCLOSE)
    assert [event.item for event in events] == [ITEM, CHILD]  # type: ignore[attr-defined]


def test_disclose_evidence_is_the_owners_choice() -> None:
    refused("not-found", [*JOINT, *sealed()], DISCLOSE, CAROL)
    onward = DiscloseEvidence(case=CASE, item=ITEM, party=REGULATOR, purpose="Look")
    assert refused("not-owner", [*JOINT, *sealed(), DISCLOSED], onward, CAROL).status == 403
    refused("role", [*JOINT, *sealed()], DISCLOSE, BOB)
    refused("not-found", [*JOINT, *sealed()], DISCLOSE, MALLORY)
    refused("not-found", JOINT, DISCLOSE)


def test_disclose_evidence_stays_inside_the_case_and_the_marking() -> None:
    outside = DiscloseEvidence(case=CASE, item=ITEM, party=OUTSIDERS, purpose="Look")
    assert refused("invalid", [*JOINT, *sealed()], outside).field == "party"
    refused(
        "already-disclosed",
        [*JOINT, *sealed()],
        DiscloseEvidence(case=CASE, item=ITEM, party=NORTHWIND, purpose="x"),
    )
    refused("marked-red", [*JOINT, acquired(marking="TLP:RED"), *sealed()[1:]], DISCLOSE)
    empty = DiscloseEvidence(case=CASE, item=ITEM, party=CONTOSO, purpose="")
    assert refused("invalid", [*JOINT, *sealed()], empty, ALICE).field == "purpose"
