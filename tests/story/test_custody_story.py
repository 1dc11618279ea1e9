"""Whatever two parties do with the custody of items in whatever order: each has one holder at any time, one
offer waits at most, who holds it sees it, and the tables are what the ledger tells."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cases import reads
from cases.actors import worker_for
from cases.models import CustodyOffer, EvidenceItem, Holding
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused
from cases.rules.acquisition import AcquisitionFacts, SealedBytes
from cases.rules.acting import Actor
from cases.rules.case import LiftLegalHold, PlaceLegalHold
from cases.rules.custody import AcquireEvidence, VerifyEvidence
from cases.rules.disposal import CancelDisposal, DisposeEvidence, ProposeDisposal, ReleaseEvidence
from cases.rules.making import MovePhysicalItem, RecordPhysicalItem
from cases.rules.shape import Command
from cases.rules.sharing import RevokeShare
from cases.rules.transfer import (
    AcceptCustodyTransfer,
    CheckOfferedBytes,
    CorrectCustody,
    OfferCustodyTransfer,
    RefuseCustodyTransfer,
    WithdrawCustodyTransfer,
)
from ledger import reading
from ledger.verify import verify_log
from tests import cast

SHA, OTHER = "ab" * 32, "cd" * 32
BYTES = SealedBytes(sha256=SHA, blake3=SHA, sha1="ab" * 20, md5="ab" * 16, size=3, filename="a.log")
NAMES = st.sampled_from(["alice", "carol", "alice", "carol", "bob", "dan", "rhea"])
PLACES = st.sampled_from(["", "Safe 2", "Vault B"])


class Custody(RuleBasedStateMachine):
    """Random acts on a file and an object of Northwind's that Contoso sees. `holder` is our own idea of who
    has what."""

    @initialize()
    def meet(self) -> None:
        self.people = cast.the_cast()
        self.case = cast.joint_case(self.people).pk
        alice = self.people.alice.actor
        self.items: list[UUID] = [uuid4(), uuid4()]
        facts = AcquisitionFacts(title="Something")
        file, thing = self.items
        perform(AcquireEvidence(case=self.case, item=file, facts=facts, sealed=BYTES), actor=alice)
        perform(
            VerifyEvidence(case=self.case, item=file, sha256=SHA), actor=worker_for(self.people.northwind)
        )
        perform(RecordPhysicalItem(case=self.case, item=thing, facts=facts, place="Safe 1"), actor=alice)
        case = reads.case(alice, self.case)
        self.shares = [
            cast.disclose(case, EvidenceItem.objects.get(pk=item), self.people.contoso, by=self.people.alice)
            for item in self.items
        ]
        self.holder = dict.fromkeys(self.items, self.people.northwind)
        self.offered: list[UUID] = [uuid4()]
        self.disposals: list[UUID] = [uuid4()]

    def by(self, name: str) -> Actor:
        actor: Actor = getattr(self.people, name).actor
        return actor

    def attempt(self, command: Command, actor: Actor) -> bool:
        """Whether it was done; done twice it is done once, and refused it leaves nothing."""
        before = reading.head(self.case)
        try:
            receipt = perform(command, actor=actor)
        except Refused:
            assert reading.head(self.case) == before
            return False
        assert perform(command, actor=actor).events == receipt.events
        return True

    def about(self, data: st.DataObject) -> dict[str, Any]:
        return {"case": self.case, "item": data.draw(st.sampled_from(self.items))}

    def some_offer(self, data: st.DataObject) -> tuple[UUID, UUID]:
        """Mostly the newest one, with its item."""
        offer = data.draw(st.sampled_from([*self.offered[-1:] * 4, *self.offered]))
        item = CustodyOffer.objects.filter(pk=offer).values_list("item", flat=True).first()
        return offer, item or self.items[0]

    @rule(name=NAMES, data=st.data(), to=st.sampled_from(["contoso", "northwind", "regulator"]), place=PLACES)
    def offer(self, name: str, data: st.DataObject, to: str, place: str) -> None:
        command = OfferCustodyTransfer(
            **self.about(data), to=getattr(self.people, to), purpose="Work", place=place
        )
        if self.attempt(command, self.by(name)):
            assert self.holder[command.item] == self.by(name).party
            self.offered.append(command.id)

    @rule(data=st.data(), sha=st.sampled_from([SHA, SHA, SHA, OTHER]), receiver=st.booleans())
    def check(self, *, data: st.DataObject, sha: str, receiver: bool) -> None:
        offer, item = self.some_offer(data)
        row = CustodyOffer.objects.filter(pk=offer).first()
        party = row.receiver_id if row and receiver else self.people.northwind
        about: dict[str, Any] = {"case": self.case, "item": item, "offer": offer}
        if self.attempt(CheckOfferedBytes(**about, sha256=sha), worker_for(party)) and sha == OTHER:
            assert CustodyOffer.objects.get(pk=offer).status == "refused"

    @rule(name=NAMES, data=st.data(), place=PLACES)
    def accept(self, name: str, data: st.DataObject, place: str) -> None:
        offer, item = self.some_offer(data)
        about: dict[str, Any] = {"case": self.case, "item": item, "offer": offer}
        if self.attempt(AcceptCustodyTransfer(**about, place=place), self.by(name)):
            row = CustodyOffer.objects.get(pk=offer)
            assert row.rehashed_at or not row.sha256
            assert row.receiver_id == self.by(name).party
            self.holder[item] = row.receiver_id

    @rule(name=NAMES, data=st.data(), kind=st.sampled_from([RefuseCustodyTransfer, WithdrawCustodyTransfer]))
    def end(self, name: str, data: st.DataObject, kind: Any) -> None:
        offer, item = self.some_offer(data)
        self.attempt(kind(case=self.case, item=item, offer=offer, reason="Because"), self.by(name))

    @rule(name=NAMES, witness=NAMES, data=st.data())
    def propose(self, name: str, witness: str, data: st.DataObject) -> None:
        told: dict[str, Any] = {"method": "Shredder", "reason": "Ended", "remaining": "None"}
        member = getattr(self.people, witness).member
        command = ProposeDisposal(**self.about(data), **told, witness=member)
        if self.attempt(command, self.by(name)):
            self.disposals.append(command.id)

    @rule(name=NAMES, data=st.data(), kind=st.sampled_from([DisposeEvidence, CancelDisposal, CancelDisposal]))
    def settle(self, name: str, data: st.DataObject, kind: Any) -> None:
        more = {"reason": "Needed"} if kind is CancelDisposal else {}
        command = kind(**self.about(data), disposal=self.disposals[-1], **more)
        self.attempt(command, self.by(name))

    @rule(name=NAMES, kind=st.sampled_from([PlaceLegalHold, LiftLegalHold, LiftLegalHold]))
    def hold(self, name: str, kind: Any) -> None:
        self.attempt(kind(case=self.case, reason="Order"), self.by(name))

    @rule(name=NAMES, data=st.data(), rare=st.integers(0, 5))
    def others(self, name: str, data: st.DataObject, rare: int) -> None:
        about, actor = self.about(data), self.by(name)
        self.attempt(MovePhysicalItem(**about, place="Safe 9", reason="Order"), actor)
        self.attempt(CorrectCustody(**about, entry=data.draw(st.integers(0, 20)), text="Else"), actor)
        if not rare:
            self.attempt(ReleaseEvidence(**about, recipient="Court", reason="Order"), actor)
            self.attempt(
                RevokeShare(case=self.case, share=data.draw(st.sampled_from(self.shares)), reason="Over"),
                actor,
            )

    @invariant()
    def each_item_has_one_holder_who_sees_it(self) -> None:
        for item, party in self.holder.items():
            lasting = Holding.objects.filter(item=item, until_entry=None)
            assert list(lasting.values_list("party", flat=True)) == [party]
            assert EvidenceItem.objects.get(pk=item).holder_id == party
            assert CustodyOffer.objects.filter(item=item, status="offered").count() <= 1
            actor = self.by("alice" if party == self.people.northwind else "carol")
            assert reads.item(actor, reads.case(actor, self.case), item).pk == item

    def teardown(self) -> None:
        assert verify_log(self.case) == []
        for item in self.items:
            held = list(Holding.objects.filter(item=item).order_by("entry"))
            # No gap and no overlap: each holding begins with the entry that ended the one before.
            assert [one.until_entry for one in held[:-1]] == [one.entry for one in held[1:]]


@pytest.mark.usefixtures("whole_db")
def test_custody_story() -> None:
    run_state_machine_as_test(
        Custody,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert compare(lambda done, total: None) == []
