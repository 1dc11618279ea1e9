"""Custody between two parties, its ends and its corrections: given, when, then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from cases.rules.acting import Actor
from cases.rules.case import CaseClosed, LegalHoldPlaced
from cases.rules.custody import ItemState
from cases.rules.custody_events import EvidenceDerived, EvidenceVerified
from cases.rules.disposal import CancelDisposal, DisposeEvidence, ProposeDisposal, ReleaseEvidence
from cases.rules.known import Around
from cases.rules.making import ExtractEvidence, MovePhysicalItem, RecordPhysicalItem
from cases.rules.shape import Event
from cases.rules.transfer import (
    AcceptCustodyTransfer,
    CheckOfferedBytes,
    CorrectCustody,
    OfferCustodyTransfer,
    RefuseCustodyTransfer,
    WithdrawCustodyTransfer,
)
from cases.rules.transfer_events import (
    CustodyCorrected,
    CustodyTransferAccepted,
    CustodyTransferOffered,
    CustodyTransferRefused,
    CustodyTransferWithdrawn,
    DisposalCancelled,
    DisposalProposed,
    EvidenceDisposed,
    EvidenceExtracted,
    EvidenceReleased,
    PhysicalItemMoved,
    PhysicalItemStored,
)
from tests.rules.given import (
    ALICE,
    BOB,
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
    OUTSIDERS,
    REGULATOR,
    RHEA,
    SHA,
    WORKER,
    decide,
    name,
    refused,
    sealed,
    searchable,
    verified,
)

ABOUT: dict[str, Any] = {"case": CASE, "item": ITEM}
SEES = Around(visible=frozenset({ITEM}), seen_by=frozenset({NORTHWIND, CONTOSO}))
OFFER = OfferCustodyTransfer(
    **ABOUT, to=CONTOSO, purpose="Analysis", condition="Whole", seal="N-17", place="Safe"
)
OFFERED = CustodyTransferOffered(
    item=ITEM, offer=OFFER.id, party=NORTHWIND, to=CONTOSO, purpose="Analysis", condition="Whole",
    seal="N-17", place="Safe", sha256=SHA, returns=None,
)  # fmt: skip
REHASHED = EvidenceVerified(item=ITEM, sha256=SHA, offer=OFFER.id)
ACCEPTED = CustodyTransferAccepted(
    item=ITEM, offer=OFFER.id, party=NORTHWIND, to=CONTOSO, condition="", seal="", place="Vault B",
    sha256=SHA, since=ITEM,
)  # fmt: skip
REFUSED = CustodyTransferRefused(
    item=ITEM, offer=OFFER.id, party=NORTHWIND, to=CONTOSO, reason="No room", found="", wrong=False
)
WITHDRAWN = CustodyTransferWithdrawn(item=ITEM, offer=OFFER.id, party=NORTHWIND, to=CONTOSO, reason="Not yet")
HASHER = replace(WORKER, party=CONTOSO)

THERE: tuple[Event, ...] = (*JOINT, *verified())
WAITING: tuple[Event, ...] = (*THERE, OFFERED)
TAKEN: tuple[Event, ...] = (*WAITING, REHASHED, ACCEPTED)
HELD = LegalHoldPlaced(party=CONTOSO, reason="Court order")


def accept(**more: Any) -> AcceptCustodyTransfer:
    return AcceptCustodyTransfer(**ABOUT, offer=OFFER.id, place="Vault B", **more)


def holder(events: Sequence[Event]) -> UUID | None:
    state = ItemState()
    for event in events:
        if event.stream == f"item/{ITEM}":
            state = state.after(event)
    return state.custody.holder


def test_offer_custody_transfer() -> None:
    assert decide(THERE, OFFER, around=SEES) == [OFFERED]
    assert holder(WAITING) == NORTHWIND
    refused("not-verified", [*JOINT, *sealed()], OFFER, around=SEES)
    refused("offer-open", WAITING, OFFER, around=SEES)
    refused("case-status", [*THERE, CaseClosed(reason="Over")], OFFER, around=SEES)


def test_offer_custody_transfer_goes_to_a_working_party_that_sees_the_item() -> None:
    for to in (NORTHWIND, OUTSIDERS, REGULATOR):
        everybody = replace(SEES, seen_by=frozenset({NORTHWIND, CONTOSO, OUTSIDERS, REGULATOR}))
        assert refused("invalid", THERE, replace(OFFER, to=to), around=everybody).field == "to"
    blind = replace(SEES, seen_by=frozenset({NORTHWIND}))
    assert "Share it first" in refused("invalid", THERE, OFFER, around=blind).sentence


def test_offer_custody_transfer_is_the_holders() -> None:
    refused("role", THERE, OFFER, BOB, SEES)
    assert refused("not-holder", THERE, replace(OFFER, to=NORTHWIND), CAROL, SEES).status == 403
    assert refused("not-holder", TAKEN, OFFER, ALICE, SEES).status == 403
    refused("not-found", THERE, OFFER, CAROL, Around())
    refused("not-found", THERE, OFFER, MALLORY, SEES)


def test_offer_custody_transfer_is_of_originals_alone() -> None:
    child = EvidenceDerived(
        item=ITEM, number=2, parent=CHILD, title="Unpacked", kind="log", owner=NORTHWIND, marking="TLP:AMBER",
        tool="gzip", tool_version="1", note="", hash_before=SHA,
    )  # fmt: skip
    refused("not-original", [*JOINT, child, *verified()[2:]], OFFER, around=SEES)


def test_check_offered_bytes() -> None:
    check = CheckOfferedBytes(**ABOUT, offer=OFFER.id, sha256=SHA)
    assert decide(WAITING, check, HASHER) == [REHASHED]
    refused("already-verified", [*WAITING, REHASHED], check, HASHER)
    refused("no-offer", THERE, check, HASHER)
    refused("not-receiver", WAITING, check, WORKER, SEES)
    refused("role", WAITING, check, DAN, SEES)


def test_check_offered_bytes_refuses_by_itself_where_the_hash_is_wrong() -> None:
    (event,) = decide(WAITING, CheckOfferedBytes(**ABOUT, offer=OFFER.id, sha256="cd" * 32), HASHER)
    assert isinstance(event, CustodyTransferRefused)
    assert (event.wrong, event.found) == (True, "cd" * 32)
    assert event.reason.endswith("cd" * 32)
    gone = CheckOfferedBytes(**ABOUT, offer=OFFER.id, sha256="", trouble="The vault does not hold it.")
    (event,) = decide(WAITING, gone, HASHER)
    assert isinstance(event, CustodyTransferRefused)
    assert event.reason.endswith("The vault does not hold it.")
    refused("no-offer", [*WAITING, event], accept(), DAN, SEES)


def test_accept_custody_transfer() -> None:
    refused("not-rehashed", WAITING, accept(), DAN, SEES)
    assert decide([*WAITING, REHASHED], accept(), DAN, SEES) == [ACCEPTED]
    assert holder(TAKEN) == CONTOSO
    refused("no-offer", TAKEN, accept(), DAN, SEES)
    refused("not-receiver", [*WAITING, REHASHED], accept(), ALICE, SEES)
    refused("not-found", [*WAITING, REHASHED], accept(), DAN, Around())


def test_accept_custody_transfer_takes_no_hash_of_an_earlier_offer() -> None:
    again = replace(OFFERED, offer=name("second"))
    given = [*WAITING, REHASHED, WITHDRAWN, again]
    second = AcceptCustodyTransfer(**ABOUT, offer=again.offer)
    refused("not-rehashed", given, second, DAN, SEES)
    refused("no-offer", given, accept(), DAN, SEES)


def test_refuse_and_withdraw_custody_transfer() -> None:
    refuse = RefuseCustodyTransfer(**ABOUT, offer=OFFER.id, reason="No room")
    assert decide(WAITING, refuse, DAN, SEES) == [REFUSED]
    assert refused("invalid", WAITING, replace(refuse, reason=" "), DAN, SEES).field == "reason"
    withdraw = WithdrawCustodyTransfer(**ABOUT, offer=OFFER.id, reason="Not yet")
    assert decide(WAITING, withdraw, ALICE, SEES) == [WITHDRAWN]
    refused("not-giver", WAITING, withdraw, DAN, SEES)
    refused("no-offer", [*WAITING, REFUSED], withdraw, ALICE, SEES)
    assert holder([*WAITING, REFUSED]) == holder([*WAITING, WITHDRAWN]) == NORTHWIND


def test_a_return_names_the_transfer_that_it_undoes() -> None:
    back = OfferCustodyTransfer(**ABOUT, to=NORTHWIND, purpose="As agreed", returns=OFFER.id)
    (event,) = decide(TAKEN, back, DAN, SEES)
    assert isinstance(event, CustodyTransferOffered)
    assert event.returns == OFFER.id
    assert refused("invalid", TAKEN, replace(back, returns=name("other")), DAN, SEES).field == "returns"
    assert refused("invalid", THERE, replace(OFFER, returns=OFFER.id), around=SEES).field == "returns"
    returned = replace(ACCEPTED, offer=back.id, party=CONTOSO, to=NORTHWIND, since=OFFER.id)
    assert holder([*TAKEN, event, returned]) == NORTHWIND


def test_release_evidence() -> None:
    release = ReleaseEvidence(**ABOUT, recipient="Court", reason="Order")
    (event,) = decide(THERE, release, around=SEES)
    assert isinstance(event, EvidenceReleased)
    refused("legal-hold", [*THERE, HELD], release, around=SEES)
    refused("not-holder", TAKEN, release, ALICE, SEES)
    refused("not-owner", TAKEN, release, CAROL, SEES)
    refused("offer-open", WAITING, release, around=SEES)
    refused("item-state", [*THERE, event], release, around=SEES)


PROPOSE = ProposeDisposal(**ABOUT, witness=name("dan"), method="Deletion", reason="Ended", remaining="None")
WITNESSED = replace(SEES, witness_party=CONTOSO, copies=(CHILD,))
PROPOSED = DisposalProposed(
    item=ITEM, disposal=PROPOSE.id, authoriser=name("alice"), authoriser_name="alice", witness=name("dan"),
    method="Deletion", reason="Ended", remaining="None", copies=(CHILD,),
)  # fmt: skip


def test_propose_disposal() -> None:
    assert decide(THERE, PROPOSE, around=WITNESSED) == [PROPOSED]
    refused("legal-hold", [*THERE, HELD], PROPOSE, around=WITNESSED)
    refused("disposal-open", [*THERE, PROPOSED], PROPOSE, around=WITNESSED)
    refused("disposal-open", [*THERE, PROPOSED], OFFER, around=WITNESSED)
    refused("role", THERE, PROPOSE, BOB, WITNESSED)


def test_propose_disposal_needs_a_fit_witness() -> None:
    own = replace(PROPOSE, witness=name("bob"))
    ours = replace(WITNESSED, witness_party=NORTHWIND)
    assert refused("invalid", THERE, own, around=ours).field == "witness"
    alone = replace(ours, seen_by=frozenset({NORTHWIND}))
    assert len(decide(THERE, own, around=alone)) == 1
    itself = replace(PROPOSE, witness=name("alice"))
    assert refused("invalid", THERE, itself, around=alone).field == "witness"
    nobody = replace(alone, witness_party=None)
    assert refused("invalid", THERE, own, around=nobody).field == "witness"


def test_dispose_evidence_is_the_witnesss_act() -> None:
    dispose = DisposeEvidence(**ABOUT, disposal=PROPOSE.id)
    (event,) = decide([*THERE, PROPOSED], dispose, DAN, WITNESSED)
    assert isinstance(event, EvidenceDisposed)
    assert (event.sha256, event.authoriser, event.witness, event.copies) == (
        SHA, name("alice"), name("dan"), (CHILD,),
    )  # fmt: skip
    refused("not-witness", [*THERE, PROPOSED], dispose, CAROL, WITNESSED)
    refused("not-witness", [*THERE, PROPOSED], dispose, ALICE, WITNESSED)
    refused("legal-hold", [*THERE, PROPOSED, HELD], dispose, DAN, WITNESSED)
    refused("no-disposal", THERE, dispose, DAN, WITNESSED)
    refused("item-state", [*THERE, PROPOSED, event], dispose, DAN, WITNESSED)
    refused("item-state", [*THERE, PROPOSED, event], OFFER, ALICE, WITNESSED)


def test_cancel_disposal() -> None:
    cancel = CancelDisposal(**ABOUT, disposal=PROPOSE.id, reason="Needed")
    for who in (ALICE, DAN):
        assert decide([*THERE, PROPOSED], cancel, who, WITNESSED) == [
            DisposalCancelled(item=ITEM, disposal=PROPOSE.id, reason="Needed")
        ]
    refused("not-yours", [*THERE, PROPOSED], cancel, CAROL, WITNESSED)
    refused("no-disposal", THERE, cancel, ALICE, WITNESSED)


def test_correct_custody() -> None:
    correct = CorrectCustody(**ABOUT, entry=7, text="A day earlier")
    mine = replace(SEES, entry_by=NORTHWIND)
    assert decide(THERE, correct, BOB, mine) == [CustodyCorrected(item=ITEM, entry=7, text="A day earlier")]
    assert refused("invalid", THERE, correct, DAN, mine).field == "entry"
    assert refused("invalid", THERE, correct, BOB, SEES).field == "entry"
    assert refused("invalid", THERE, replace(correct, text=""), BOB, mine).field == "text"


def extract(**more: Any) -> ExtractEvidence:
    told: dict[str, Any] = {"title": "Rows", "records": 3, "tool": "Countersign extract", "tool_version": "1"}
    return ExtractEvidence(case=CASE, item=CHILD, parent=ITEM, sealed=BYTES, **(told | more))


def test_extract_evidence() -> None:
    given = [*JOINT, *searchable()]
    events = decide(given, extract(query="ip:1", columns=("ip",)), around=Around(next_number=2))
    derived, _, made = events
    assert isinstance(derived, EvidenceDerived)
    assert (derived.parent, derived.query, derived.columns, derived.records) == (ITEM, "ip:1", ("ip",), 3)
    assert (derived.marking, derived.hash_before, derived.owner) == ("TLP:AMBER", SHA, NORTHWIND)
    assert made == EvidenceExtracted(item=ITEM, derived=CHILD, number=2, sha256=SHA, records=3, how="extract")
    redacted = decide(given, extract(masked=("ip",)), around=Around(next_number=2))[-1]
    assert isinstance(redacted, EvidenceExtracted)
    assert redacted.how == "redaction"
    assert refused("invalid", given, extract(columns=("a",), masked=("b",))).field == "masked"
    refused("not-searchable", THERE, extract())
    refused("not-found", given, extract(), DAN)
    refused("not-owner", given, extract(), replace(DAN, role="custodian"), SEES)
    refused("role", given, extract(), RHEA, SEES)


def test_record_and_move_physical_item() -> None:
    record = RecordPhysicalItem(**ABOUT, facts=FACTS, barcode="BC-1", seal="N-1", place="Safe 2")
    acquired, stored = decide(JOINT, record, BOB)
    assert stored == PhysicalItemStored(
        item=ITEM, holder=NORTHWIND, barcode="BC-1", seal="N-1", place="Safe 2"
    )
    move = MovePhysicalItem(**ABOUT, place="Safe 3", reason="Flood")
    given = [*JOINT, acquired, stored]
    assert decide(given, move, BOB, SEES) == [
        PhysicalItemMoved(item=ITEM, place="Safe 3", seal="", reason="Flood")
    ]
    refused("item-state", THERE, move, BOB, SEES)
    refused("not-holder", given, move, DAN, SEES)
    refused("item-exists", given, record, BOB)
    offered = decide(given, OFFER, ALICE, SEES)
    assert holder([*given, *offered, *decide([*given, *offered], accept(), DAN, SEES)]) == CONTOSO


def test_there_is_one_holder_whatever_happens() -> None:
    actor: Actor = ALICE
    assert holder(THERE) == actor.party
    for events in (WAITING, [*WAITING, REHASHED], [*WAITING, REFUSED], [*WAITING, WITHDRAWN]):
        assert holder(events) == NORTHWIND
