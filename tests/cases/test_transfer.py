"""Custody from party to party with a real vault and ledger: hashed again for the receiver, one holder always,
nothing twice."""

import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction

from cases import errands, examination, extracts, ingest, reads
from cases.extracts import Selection
from cases.models import Case, CustodyEvent, CustodyOffer, EvidenceItem, Holding
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused
from cases.rules.acquisition import AcquisitionFacts
from cases.rules.acting import Actor
from cases.rules.case import LiftLegalHold, PlaceLegalHold
from cases.rules.disposal import CancelDisposal, DisposeEvidence, ProposeDisposal, ReleaseEvidence
from cases.rules.making import MovePhysicalItem, RecordPhysicalItem
from cases.rules.shape import Command
from cases.rules.sharing import RevokeShare
from cases.rules.transfer import (
    AcceptCustodyTransfer,
    CorrectCustody,
    OfferCustodyTransfer,
    RefuseCustodyTransfer,
    WithdrawCustodyTransfer,
)
from evidence.models import Errand
from evidence.segments import segment_dir
from evidence.vault import NoSuchBlob, vault
from tests import cast
from tests.cast import Cast

pytestmark = pytest.mark.usefixtures("whole_db")


@dataclass
class World:
    """A joint case with an item of Northwind's that Contoso sees."""

    people: Cast
    case: Case
    item: EvidenceItem
    share: UUID

    def offer(self, **more: Any) -> UUID:
        """Northwind offers its item to Contoso; the offer."""
        asked: dict[str, Any] = {"to": self.people.contoso, "purpose": "Parallel reconstruction", **more}
        command = OfferCustodyTransfer(case=self.case.pk, item=self.item.pk, **asked)
        perform(command, actor=self.people.alice.actor)
        return command.id

    def accept(self, offer: UUID) -> None:
        perform(
            AcceptCustodyTransfer(
                case=self.case.pk,
                item=self.item.pk,
                offer=offer,
                condition="As sealed",
                place="Contoso vault",
            ),
            actor=self.people.dan.actor,
        )

    def about(self) -> dict[str, Any]:
        """What every command on the item names."""
        return {"case": self.case.pk, "item": self.item.pk}

    def now(self) -> EvidenceItem:
        """The item as it stands."""
        return EvidenceItem.objects.get(pk=self.item.pk)

    def refused(self, command: Command, actor: Actor) -> str:
        with pytest.raises(Refused) as caught:
            perform(command, actor=actor)
        return caught.value.code


@pytest.fixture
def world() -> World:
    people = cast.the_cast()
    case = cast.joint_case(people)
    item = cast.sealed_item(people, case, content=cast.LINES + uuid4().hex.encode() + b"\n")
    ingest.run(item.pk)
    share = cast.disclose(case, item, people.contoso, by=people.alice)
    return World(people, case, item, share)


def holders(item: UUID) -> list[UUID]:
    """Who holds an item now, by each of the two tables that say so."""
    lasting = Holding.objects.filter(item=item, until_entry=None).values_list("party", flat=True)
    return [*lasting, *EvidenceItem.objects.filter(pk=item).values_list("holder", flat=True)]


def kinds(item: UUID) -> list[str]:
    return list(CustodyEvent.objects.filter(item=item).order_by("entry").values_list("kind", flat=True))


def test_custody_goes_over_once_the_bytes_were_hashed_for_the_receiver(world: World) -> None:
    people, offer = world.people, world.offer(seal="N-17", condition="Whole")
    early = AcceptCustodyTransfer(case=world.case.pk, item=world.item.pk, offer=offer)
    assert world.refused(early, people.dan.actor) == "not-rehashed"
    assert holders(world.item.pk) == [people.northwind] * 2
    errands.run(offer)
    errands.run(offer)  # a message that comes twice
    checked = CustodyEvent.objects.filter(item=world.item.pk, kind="verified").order_by("entry")
    assert [step.party_id for step in checked] == [people.northwind, people.contoso]
    assert not Errand.objects.filter(pending=True, pk=offer).exists()
    world.accept(offer)
    assert holders(world.item.pk) == [people.contoso] * 2
    assert world.now().owner_id == people.northwind
    assert kinds(world.item.pk)[-3:] == ["offered", "verified", "accepted"]
    assert compare(lambda done, total: None) == []


def test_a_wrong_hash_refuses_the_transfer_by_itself_and_alarms(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    offer, path = world.offer(), vault().path(world.item.sha256)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    errands.run(offer)
    row = CustodyOffer.objects.get(pk=offer)
    assert (row.status, row.wrong) == ("refused", True)
    assert row.reason.startswith("The bytes in the vault are not those that were sealed: they now have")
    assert [record.levelname for record in caplog.records if "no longer has" in record.message] == [
        "CRITICAL"
    ]
    assert holders(world.item.pk) == [world.people.northwind] * 2
    assert world.refused(
        AcceptCustodyTransfer(case=world.case.pk, item=world.item.pk, offer=offer), world.people.dan.actor
    ) == "no-offer"  # fmt: skip


def test_bytes_that_are_gone_refuse_the_transfer_as_well(world: World) -> None:
    offer = world.offer()
    vault().path(world.item.sha256).unlink()
    errands.run(offer)
    assert "does not hold" in CustodyOffer.objects.get(pk=offer).reason


def test_a_worker_killed_in_between_leaves_work_that_is_recorded_once(world: World) -> None:
    offer = world.offer()
    errand = Errand.objects.get(pk=offer)
    errands.rehash(errand)  # recorded, and killed before the row was closed
    assert Errand.objects.get(pk=offer).pending
    errands.run(offer)
    assert not Errand.objects.get(pk=offer).pending
    assert kinds(world.item.pk).count("verified") == 2


def test_refused_and_withdrawn_offers_leave_the_item_where_it_is(world: World) -> None:
    people, about = world.people, world.about()
    offer = world.offer()
    perform(RefuseCustodyTransfer(**about, offer=offer, reason="No room"), actor=people.dan.actor)
    errands.run(offer)  # too late: it says so and ends
    assert not Errand.objects.get(pk=offer).pending
    second = world.offer()
    perform(WithdrawCustodyTransfer(**about, offer=second, reason="Not yet"), actor=people.alice.actor)
    assert holders(world.item.pk) == [people.northwind] * 2
    offers = CustodyOffer.objects.filter(item=world.item.pk).order_by("entry")
    assert list(offers.values_list("status", flat=True)) == ["refused", "withdrawn"]


def test_the_holder_sees_what_it_holds_though_the_share_is_revoked_and_can_give_it_back(world: World) -> None:
    people = world.people
    offer = world.offer()
    errands.run(offer)
    world.accept(offer)
    perform(RevokeShare(case=world.case.pk, share=world.share, reason="Over"), actor=people.alice.actor)
    case = reads.case(people.dan.actor, world.case.pk)
    item = reads.item(people.dan.actor, case, world.item.pk)
    with pytest.raises(Refused):
        examination.open_content(people.dan.actor, item)
    back = OfferCustodyTransfer(
        case=case.pk, item=item.pk, to=people.northwind, purpose="As agreed", returns=offer
    )
    perform(back, actor=people.dan.actor)
    errands.run(back.id)
    perform(AcceptCustodyTransfer(case=case.pk, item=item.pk, offer=back.id), actor=people.alice.actor)
    assert holders(item.pk) == [people.northwind] * 2
    with pytest.raises(Refused):
        reads.item(people.dan.actor, case, world.item.pk)
    assert CustodyOffer.objects.get(pk=back.id).returns_id == offer
    assert compare(lambda done, total: None) == []


def test_the_database_lets_no_item_have_two_holders_and_no_two_offers_wait(world: World) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Holding.objects.create(
            id=uuid4(), item=world.item, party_id=world.people.contoso, entry=99, since=world.case.created_at
        )
    offer = world.offer()
    row = CustodyOffer.objects.get(pk=offer)
    row.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_disposal_waits_for_a_witness_of_the_other_party_and_takes_the_bytes_out(world: World) -> None:
    people, about = world.people, world.about()
    told: dict[str, Any] = {"method": "Deletion", "reason": "Agreement ended", "remaining": "None known"}
    own = ProposeDisposal(**about, witness=people.bob.member, **told)
    assert world.refused(own, people.alice.actor) == "invalid"
    proposed = ProposeDisposal(**about, witness=people.dan.member, **told)
    perform(proposed, actor=people.alice.actor)
    does = DisposeEvidence(**about, disposal=proposed.id)
    assert world.refused(does, people.carol.actor) == "not-witness"
    perform(PlaceLegalHold(case=world.case.pk, reason="Court order"), actor=people.carol.actor)
    assert world.refused(does, people.dan.actor) == "legal-hold"
    perform(LiftLegalHold(case=world.case.pk, reason="Court order lifted"), actor=people.carol.actor)
    perform(does, actor=people.dan.actor)
    assert world.now().state == "disposed"
    errands.run(proposed.id)
    assert vault().path(world.item.sha256).is_file()  # it came in a moment ago: asked again later
    os.utime(vault().path(world.item.sha256), (0, 0))
    errands.run(proposed.id)
    with pytest.raises(NoSuchBlob):
        vault().path(world.item.sha256)
    assert not segment_dir(world.item.pk).exists()
    assert not Errand.objects.get(pk=proposed.id).pending
    assert kinds(world.item.pk)[-2:] == ["disposal", "disposed"]
    assert holders(world.item.pk) == [people.northwind] * 2
    assert compare(lambda done, total: None) == []


def test_bytes_that_another_item_has_stay_in_the_vault(world: World) -> None:
    people, content = world.people, vault().path(world.item.sha256).read_bytes()
    other = cast.sealed_item(people, world.case, content=content, title="The same bytes")
    proposed = ProposeDisposal(
        case=world.case.pk,
        item=world.item.pk,
        witness=people.dan.member,
        method="Deletion",
        reason="Twice",
        remaining="E-2",
    )
    perform(proposed, actor=people.alice.actor)
    perform(
        DisposeEvidence(case=world.case.pk, item=world.item.pk, disposal=proposed.id), actor=people.dan.actor
    )
    os.utime(vault().path(other.sha256), (0, 0))
    errands.run(proposed.id)
    assert not Errand.objects.get(pk=proposed.id).pending
    assert vault().rehash(other.sha256) == other.sha256


def test_a_disposal_is_called_off(world: World) -> None:
    people, about = world.people, world.about()
    proposed = ProposeDisposal(
        **about, witness=people.dan.member, method="Deletion", reason="Over", remaining="None"
    )
    perform(proposed, actor=people.alice.actor)
    perform(CancelDisposal(**about, disposal=proposed.id, reason="Needed"), actor=people.dan.actor)
    done = DisposeEvidence(**about, disposal=proposed.id)
    assert world.refused(done, people.dan.actor) == "no-disposal"


def test_what_was_released_is_read_no_more(world: World) -> None:
    people = world.people
    release = ReleaseEvidence(
        case=world.case.pk, item=world.item.pk, recipient="District court", reason="Order 7/26"
    )
    assert world.refused(release, people.dan.actor) == "role"
    perform(release, actor=people.alice.actor)
    assert world.now().state == "released"
    with pytest.raises(Refused):
        examination.open_content(people.alice.actor, reads.item(people.alice.actor, world.case, "E-1"))


def test_a_correction_points_at_an_entry_of_ones_own_and_leaves_it(world: World) -> None:
    people = world.people
    first = CustodyEvent.objects.filter(item=world.item.pk).order_by("entry")[0]
    about = world.about() | {"entry": first.entry}
    assert world.refused(CorrectCustody(**about, text="Wrong"), people.dan.actor) == "invalid"
    perform(CorrectCustody(**about, text="Taken on 8 February, not on the 9th"), actor=people.bob.actor)
    row = reads.ledger_page(people.alice.actor, world.case, after=-1)[-1]
    assert row.sentence.endswith(f"corrected entry {first.entry} of E-1: Taken on 8 February, not on the 9th")
    assert CustodyEvent.objects.get(pk=first.pk).particulars == first.particulars


def test_an_extract_and_a_redaction_are_items_with_their_lineage(world: World) -> None:
    people = world.people
    item = reads.item(people.alice.actor, reads.case(people.alice.actor, world.case.pk), "E-1")
    selection = Selection(query="requester_ip_address:203.0.113.3", columns=("ts", "requester_ip_address"))
    id_ = uuid4()
    made, _ = extracts.make(people.alice.actor, item, selection, title="Rows of one address", command_id=id_)
    again, second = extracts.make(
        people.alice.actor, item, selection, title="Rows of one address", command_id=id_
    )
    assert (again.pk, again.sha256, second.replayed) == (made.pk, made.sha256, True)
    lines = vault().path(made.sha256).read_text().splitlines()
    assert lines[0] == '{"ts":"2026-02-08T10:00:03.000Z","requester_ip_address":"203.0.113.3"}'
    assert len(lines) == 29
    derived = CustodyEvent.objects.get(item=made.pk, kind="derived")
    assert derived.particulars["records"] == 29
    assert derived.particulars["columns"] == ["ts", "requester_ip_address"]
    assert (made.parent_id, made.query) == (item.pk, "requester_ip_address:203.0.113.3")
    assert derived.hash_before == item.sha256
    blotted, _ = extracts.make(
        people.alice.actor, item, Selection(masked=("note",)), title="Without notes", command_id=uuid4()
    )
    text = vault().path(blotted.sha256).read_text()
    assert "hello" not in text
    assert text.count("[masked]") == 200
    ingest.run(blotted.pk)
    assert EvidenceItem.objects.get(pk=blotted.pk).state == "indexed"
    assert compare(lambda done, total: None) == []


def test_an_extract_of_a_column_that_is_not_there_is_refused_and_keeps_nothing(world: World) -> None:
    people = world.people
    item = reads.item(people.alice.actor, reads.case(people.alice.actor, world.case.pk), "E-1")
    before = EvidenceItem.objects.count()
    with pytest.raises(Refused) as caught:
        extracts.make(people.alice.actor, item, Selection(columns=("nope",)), title="x", command_id=uuid4())
    assert caught.value.field == "columns"
    assert EvidenceItem.objects.count() == before


def test_who_does_not_own_an_item_makes_no_extract(world: World) -> None:
    dan = world.people.dan.actor
    item = reads.item(dan, reads.case(dan, world.case.pk), "E-1")
    with pytest.raises(Refused) as caught:
        extracts.make(dan, item, Selection(), title="x", command_id=uuid4())
    assert caught.value.code == "not-owner"


def test_an_object_goes_over_without_any_hash(world: World) -> None:
    people, item = world.people, uuid4()
    recorded = RecordPhysicalItem(
        case=world.case.pk,
        item=item,
        facts=AcquisitionFacts(title="Laptop", method="Seized"),
        barcode="BC-1001",
        seal="N-18",
        place="Safe 2",
    )
    perform(recorded, actor=people.bob.actor)
    perform(
        MovePhysicalItem(case=world.case.pk, item=item, place="Safe 3", reason="Flood"),
        actor=people.bob.actor,
    )
    row = EvidenceItem.objects.get(pk=item)
    assert (row.kind, row.state, row.place, row.barcode) == ("physical", "stored", "Safe 3", "BC-1001")
    cast.accepted(
        world.case,
        cast.offer(world.case, row, to=people.contoso, by=people.alice, operations=("metadata",)),
    )
    offer = OfferCustodyTransfer(case=world.case.pk, item=item, to=people.contoso, purpose="Imaging")
    perform(offer, actor=people.alice.actor)
    assert not Errand.objects.filter(pk=offer.id).exists()
    perform(
        AcceptCustodyTransfer(case=world.case.pk, item=item, offer=offer.id, place="Lab"),
        actor=people.dan.actor,
    )
    assert holders(item) == [people.contoso] * 2
    assert compare(lambda done, total: None) == []


def test_every_step_reads_as_a_sentence(world: World) -> None:
    offer = world.offer()
    errands.run(offer)
    world.accept(offer)
    told = [row.sentence for row in reads.ledger_page(world.people.alice.actor, world.case, after=-1)][-3:]
    short = EvidenceItem.objects.select_related("holder").get(pk=world.item.pk).holder.short_name
    assert told[0].endswith(f"offered custody of E-1 to {short}: Parallel reconstruction")
    assert told[1].endswith("hashed E-1 again for its receiver: the bytes still have their sealed hash")
    assert "accepted custody of E-1 from Northwind" in told[2]
