"""Whatever people do in whatever order: the log verifies, a refusal leaves no trace, nobody sees what was not
shown to it, and the read models are what the ledger tells."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cases import events, keyring, policy, reads, together
from cases.actors import worker_for
from cases.intents import Authorship
from cases.models import (
    Case,
    CustodyEvent,
    EvidenceItem,
    Participation,
    Party,
    PartyKey,
    Proposal,
    ProposalAnswer,
    Share,
)
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused, Unseen
from cases.rules.acquisition import AcquisitionFacts, SealedBytes
from cases.rules.acting import HOST_LOG, Actor
from cases.rules.case import (
    AddParty,
    CloseCase,
    ContainCase,
    LiftLegalHold,
    OpenCase,
    PlaceLegalHold,
    ReopenCase,
    ReviseCase,
)
from cases.rules.custody import (
    AcquireEvidence,
    IndexEvidence,
    MakeEvidenceSearchable,
    QuarantineEvidence,
    RetryEvidence,
    VerifyEvidence,
)
from cases.rules.erasure import ERASABLE, EraseValues
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.key_events import key_stream
from cases.rules.keys import KeyRing, RequireSignatures, RevokeKey
from cases.rules.parties import DisableMember, EnableMember
from cases.rules.proposals import (
    AcceptLead,
    AgreeToClose,
    ConsentToParty,
    DissentFromClosing,
    LeaveCase,
    ObjectToParty,
    OfferLead,
    RefuseLead,
    WithdrawProposal,
    proposal_of,
)
from cases.rules.shape import CaseCommand, Command
from cases.rules.sharing import AcceptShare, GiveUpShare, OfferShare, RevokeShare
from ledger import leaf, reading
from ledger.authorship import key_id
from ledger.verify import verify_log
from tests import cast, keyholders
from tests.keyholders import FileKey, Holder, Passkey

NAMES = st.sampled_from(["alice", "bob", "carol", "dan", "rhea", "mallory"])
PARTIES = st.sampled_from(["northwind", "contoso", "regulator", "outsiders"])
REASONS = st.sampled_from(["Because", "", "x" * 2_001, "Ünïcödé ≠ \u2028 end", "nul\0"])
SHA = "ab" * 32
ANSWERS: list[type] = [AcceptShare, AcceptShare, RevokeShare, GiveUpShare]
BYTES = SealedBytes(sha256=SHA, blake3=SHA, sha1="ab" * 20, md5="ab" * 16, size=3, filename="a.log")

TO_PROPOSALS: list[Any] = [
    ConsentToParty,
    ConsentToParty,
    AgreeToClose,
    DissentFromClosing,
    AcceptLead,
    ObjectToParty,
    RefuseLead,
    WithdrawProposal,
]


class Story(RuleBasedStateMachine):
    """Random commands by random people on one joint case; `sees` is our own idea of who may see what."""

    @initialize()
    def meet(self) -> None:
        self.people = cast.the_cast()
        self.case = cast.joint_case(self.people, open_=False).pk
        self.items: list[UUID] = []
        self.owned: dict[UUID, UUID] = {}
        self.shares: dict[UUID, tuple[UUID | None, UUID, UUID]] = {}
        self.in_force: set[UUID] = set()
        self.actors = {
            name: getattr(self.people, name).actor
            for name in ("alice", "bob", "carol", "dan", "rhea", "mallory")
        }
        self.parts = {
            self.people.northwind: "lead",
            self.people.contoso: "partner",
            self.people.regulator: "observer",
        }
        self.proposed: dict[UUID, tuple[UUID | None, str, set[UUID]]] = {}
        self.keys: list[tuple[str, Holder]] = [("alice", FileKey()), ("carol", Passkey())]
        for name, holder in self.keys:
            keyholders.register(holder, by=getattr(self.people, name))

    def attempt(self, command: Command, actor: Actor, authorship: Authorship | None = None) -> bool:
        """Whether the command was accepted; if not, that it left nothing behind."""
        before = self.trace()
        try:
            receipt = perform(command, actor=actor, authorship=authorship)
        except Refused:
            assert self.trace() == before
            return False
        again = perform(command, actor=actor, authorship=authorship)
        assert again.replayed
        assert again.events == receipt.events
        return True

    def trace(self) -> object:
        """All that a refused command could have touched."""
        return (
            reading.head(self.case),
            reading.head(HOST_LOG),
            list(PartyKey.objects.order_by("pk").values()),
            list(Party.objects.order_by("pk").values()),
            list(Case.objects.filter(pk=self.case).values()),
            list(EvidenceItem.objects.filter(case=self.case).order_by("pk").values()),
            list(Share.objects.filter(case=self.case).order_by("pk").values()),
            list(Participation.objects.filter(case=self.case).order_by("pk").values()),
            list(Proposal.objects.filter(case=self.case).order_by("pk").values()),
            ProposalAnswer.objects.filter(proposal__case=self.case).count(),
            CustodyEvent.objects.filter(item__case=self.case).count(),
        )

    @rule(
        name=NAMES,
        kind=st.sampled_from([ContainCase, CloseCase, ReopenCase, PlaceLegalHold, LiftLegalHold]),
        reason=REASONS,
    )
    def decide(self, name: str, kind: type, reason: str) -> None:
        command = kind(case=self.case, reason=reason)
        if self.attempt(command, self.actors[name]):
            self.decided(command, self.actors[name].party)

    def decided(self, command: Command, by: UUID) -> None:
        """What an accepted act makes of the proposals that are open."""
        if isinstance(command, CloseCase) and self.deciding() - {by}:
            self.proposed[proposal_of(command)] = (None, "closing", {by})
        elif not isinstance(command, PlaceLegalHold | LiftLegalHold):
            self.proposed.clear()

    def deciding(self) -> set[UUID]:
        return {party for party, part in self.parts.items() if part != "observer"}

    @rule(name=NAMES)
    def open(self, name: str) -> None:
        if self.attempt(OpenCase(case=self.case), self.actors[name]):
            self.proposed.clear()

    @rule(name=NAMES, title=st.text(max_size=210), severity=st.sampled_from(["low", "high", "awful"]))
    def revise(self, name: str, title: str, severity: str) -> None:
        self.attempt(ReviseCase(case=self.case, title=title, severity=severity), self.actors[name])

    @rule(name=NAMES, party=PARTIES, role=st.sampled_from(["partner", "observer", "lead"]))
    def add(self, name: str, party: str, role: str) -> None:
        added = getattr(self.people, party)
        command, by = AddParty(case=self.case, party=added, role=role), self.actors[name].party
        if self.attempt(command, self.actors[name]):
            if self.deciding() - {by}:
                self.proposed[proposal_of(command)] = (added, role, {by})
            else:
                self.join(added, role)

    def join(self, party: UUID, role: str) -> None:
        self.parts[party] = role
        self.proposed.clear()

    @rule(name=st.sampled_from(["alice", "carol", "mallory"]), party=PARTIES)
    def offer_lead(self, name: str, party: str) -> None:
        command = OfferLead(case=self.case, to=getattr(self.people, party))
        if self.attempt(command, self.actors[name]):
            self.proposed[proposal_of(command)] = (command.to, "lead", {self.actors[name].party})

    @rule(
        name=st.sampled_from(["alice", "carol", "carol", "mallory", "rhea"]),
        data=st.data(),
        kinds=st.permutations(TO_PROPOSALS),
    )
    def answer_proposal(self, name: str, data: st.DataObject, kinds: list[Any]) -> None:
        proposal = data.draw(st.sampled_from([*self.proposed, uuid4()]))
        for kind in kinds:
            said = {"reason": "Because"} if "reason" in kind.__dataclass_fields__ else {}
            command = kind(case=self.case, proposal=proposal, **said)
            if self.attempt(command, self.actors[name]):
                self.answered(command, self.actors[name].party)

    def answered(self, command: Any, by: UUID) -> None:
        """An accepted answer: the last one carries what was proposed."""
        party, role, given = self.proposed[command.proposal]
        if isinstance(command, WithdrawProposal | ObjectToParty | RefuseLead):
            del self.proposed[command.proposal]
            return
        assert by not in given
        given.add(by)
        if role == "lead":
            assert by == party
            before = next(one for one, part in self.parts.items() if part == "lead")
            self.parts |= {before: "partner", by: "lead"}
            self.proposed.clear()
        elif given >= self.deciding():
            self.proposed.clear()
            if party is not None:
                self.join(party, role)

    @rule(name=st.sampled_from(["alice", "carol", "mallory"]))
    def leave(self, name: str) -> None:
        party = self.actors[name].party
        if self.attempt(LeaveCase(case=self.case, reason="Because"), self.actors[name]):
            assert self.parts.pop(party) != "lead"
            self.proposed.clear()
            self.in_force = {share for share in self.in_force if party not in self.shares[share][1:]}

    @rule(name=NAMES, title=st.text(max_size=60), when=st.sampled_from(["", "2026-02-08T10:44:10Z", "noon"]))
    def acquire(self, name: str, title: str, when: str) -> None:
        item = uuid4()
        facts = AcquisitionFacts(title=title, acquired_at=when)
        if self.attempt(
            AcquireEvidence(case=self.case, item=item, facts=facts, sealed=BYTES), self.actors[name]
        ):
            self.items.append(item)
            self.owned[item] = self.actors[name].party

    def sees(self, party: UUID, item: UUID) -> bool:
        """Its owner does, and whoever has accepted a share of it, or of all that its owner has."""
        owner = self.owned.get(item)
        shared = (self.shares[share] for share in self.in_force)
        return owner == party or (owner, party) in [
            (giver, to) for named, giver, to in shared if named in (None, item)
        ]

    @rule(name=NAMES, data=st.data(), party=PARTIES, scope=st.sampled_from(["items", "case"]))
    def offer(self, name: str, data: st.DataObject, party: str, scope: str) -> None:
        share, to, actor = uuid4(), getattr(self.people, party), self.actors[name]
        item = None if scope == "case" else self.any_item(data)
        terms: dict[str, Any] = {"scope": "case"} if item is None else {"items": (item,)}
        terms |= {"operations": cast.CONTENT, "purpose": "Work"}
        if self.attempt(OfferShare(case=self.case, share=share, to=to, **terms), actor):
            assert item is None or self.owned[item] == actor.party
            self.shares[share] = (item, actor.party, to)

    @rule(
        name=st.sampled_from(["alice", "carol", "dan", "rhea"]),
        data=st.data(),
        kind=st.sampled_from(ANSWERS),
    )
    def answer(self, name: str, data: st.DataObject, kind: Any) -> None:
        share = data.draw(st.sampled_from([*self.shares, uuid4()]))
        said = {} if kind is AcceptShare else {"reason": "Because"}
        if self.attempt(kind(case=self.case, share=share, **said), self.actors[name]):
            _, giver, to = self.shares[share]
            assert self.actors[name].party == (giver if kind is RevokeShare else to)
            (self.in_force.add if kind is AcceptShare else self.in_force.discard)(share)

    @rule(name=NAMES, data=st.data(), how=st.sampled_from(["search", "download"]))
    def examine(self, name: str, data: st.DataObject, how: str) -> None:
        item = self.any_item(data)
        seen = (Examination(item=item, how=how, query="ip:1", shown=1),)
        done = self.attempt(ExamineEvidence(case=self.case, examinations=seen), self.actors[name])
        assert done == (self.sees(self.actors[name].party, item) and self.actors[name].party in self.parts)

    @rule(name=st.sampled_from(["alice", "alice", "carol", "bob"]), data=st.data())
    def erase(self, name: str, data: st.DataObject) -> None:
        rows, actor = reading.read_entries(self.case, limit=10**6), self.actors[name]
        kinds = {row.index: str((row.opening or {"type": ("", "")})["type"][1]) for row in rows}
        likely = [index for index, kind in kinds.items() if kind in ERASABLE]
        entry = data.draw(st.sampled_from([*likely, 0, len(rows)]))
        names = data.draw(
            st.lists(st.sampled_from([*ERASABLE.get(kinds.get(entry, ""), ("reason",)), "type"]), max_size=3)
        )
        reason = data.draw(st.sampled_from(["Because", "Because", ""]))
        command = EraseValues(case=self.case, entry=entry, names=tuple(names), reason=reason)
        if self.attempt(command, actor):
            (row,) = reading.read_entries(self.case, after=entry - 1, limit=1)
            assert row.party == actor.party
            assert {*names} <= row.erased.keys()
            assert not {*names} & (row.opening or {}).keys()

    @rule(data=st.data(), step=st.sampled_from(["verify", "searchable", "index", "quarantine", "retry"]))
    def work(self, data: st.DataObject, step: str) -> None:
        item = self.any_item(data)
        owner = EvidenceItem.objects.filter(pk=item).values_list("owner", flat=True).first()
        about: dict[str, Any] = {"case": self.case, "item": item}
        found: dict[str, Any] = {
            "format": "text",
            "parser": "text",
            "parser_version": "1",
            "lines": 1,
            "records": 1,
            "rejects": 0,
        }
        commands: dict[str, Callable[[], CaseCommand]] = {
            "verify": lambda: VerifyEvidence(**about, sha256=SHA),
            "searchable": lambda: MakeEvidenceSearchable(**about, **found),
            "index": lambda: IndexEvidence(**about),
            "quarantine": lambda: QuarantineEvidence(**about, step="parse", reason="Odd"),
            "retry": lambda: RetryEvidence(**about),
        }
        command = commands[step]()
        actor = self.people.operator if step == "retry" else worker_for(owner or self.people.northwind)
        self.attempt(command, actor)

    @rule(name=NAMES, out=st.booleans())
    def member(self, *, name: str, out: bool) -> None:
        member = getattr(self.people, name).member
        if (
            self.attempt(
                DisableMember(member=member) if out else EnableMember(member=member), self.people.operator
            )
            and out
        ):
            assert not self.attempt(ReviseCase(case=self.case, severity="medium"), self.actors[name])
            perform(EnableMember(member=member), actor=self.people.operator)

    @rule(name=NAMES, whose=NAMES, own=st.booleans(), witness=st.booleans())
    def register(self, *, name: str, whose: str, own: bool, witness: bool) -> None:
        holder, whose = FileKey(), name if own else whose
        person = getattr(self.people, whose)
        command = keyholders.registering(
            holder,
            party=person.party,
            member=None if witness else person.member,
            name="example.org/w" if witness else "",
        )
        if self.attempt(command, self.actors[name]):
            assert witness or name == whose
            self.keys.append((name, holder))

    @rule(name=NAMES, data=st.data())
    def rotate(self, name: str, data: st.DataObject) -> None:
        (_, old), new, person = self.any_key(data, name), FileKey(), getattr(self.people, name)
        command = keyholders.rotating(new, old, party=person.party, member=person.member)
        if self.attempt(command, self.actors[name]):
            self.keys.append((name, new))

    @rule(name=NAMES, data=st.data())
    def revoke(self, name: str, data: st.DataObject) -> None:
        party, (_, holder) = self.actors[name].party, self.any_key(data, name)
        self.attempt(RevokeKey(party=party, key=key_id(holder.public), reason="Lost"), self.actors[name])

    @rule(name=NAMES, required=st.booleans())
    def require(self, *, name: str, required: bool) -> None:
        self.attempt(RequireSignatures(party=self.actors[name].party, required=required), self.actors[name])

    @rule(
        name=st.sampled_from(["alice", "carol", "mallory"]),
        data=st.data(),
        kinds=st.permutations([PlaceLegalHold, LiftLegalHold, CloseCase, ReopenCase]),
    )
    def sign(self, name: str, data: st.DataObject, kinds: list[type]) -> None:
        keyring.spread(self.case, self.actors[name].party)  # what a refusal leaves behind is this alone
        whose, holder = self.any_key(data, name)
        for kind in kinds:
            command = kind(case=self.case, reason="Because")
            if self.attempt(command, self.actors[name], keyholders.sign(holder, command)):
                assert whose == name
                self.decided(command, self.actors[name].party)

    def any_key(self, data: st.DataObject, name: str) -> tuple[str, Holder]:
        """Mostly the newest of somebody's own, else anybody's."""
        own = [(whose, holder) for whose, holder in self.keys if whose == name][-1:]
        return data.draw(st.sampled_from([*own * len(self.keys), *self.keys, ("nobody", FileKey())]))

    def any_item(self, data: st.DataObject) -> UUID:
        return data.draw(st.sampled_from([*self.items, self.case]))

    @invariant()
    def nobody_sees_more_than_was_shown(self) -> None:
        for actor in self.actors.values():
            if actor.party not in self.parts:
                with pytest.raises(Unseen):
                    reads.case(actor, self.case)
                continue
            case = reads.case(actor, self.case)
            assert case.my_part == self.parts[actor.party]
            open_ = [one.proposal.pk for one in together.questions(actor, case) if one.open]
            assert set(open_) == self.proposed.keys()
            expected = {item for item in self.owned if self.sees(actor.party, item)}
            assert set(reads.items(actor, case).values_list("pk", flat=True)) == expected
            assert policy.offers(actor, case) <= set(policy.POLICY)

    def teardown(self) -> None:
        assert verify_log(self.case) == []
        self.check_keys()
        numbers = list(
            EvidenceItem.objects.filter(case=self.case).order_by("number").values_list("number", flat=True)
        )
        assert numbers == list(range(1, len(numbers) + 1))

    def check_keys(self) -> None:
        """What the case's log alone says: each signature by a key of that member, good at that place."""
        rings: dict[UUID, KeyRing] = {}
        for stored, row in zip(
            reading.read_events(self.case), reading.read_entries(self.case, limit=10**6), strict=True
        ):
            if auth := leaf.parse(row.leaf).auth:
                held = rings[stored.party].live[str(auth["key"])]
                assert str(held.member) == stored.actor["member"]
            if stored.stream.startswith("keys/"):
                rings[stored.party] = rings.get(stored.party, KeyRing()).after(events.read(stored))
        for party in rings:
            copied, host = (
                [event.type for event in reading.read_stream(log, key_stream(party), after=0, until=10**6)]
                for log in (self.case, HOST_LOG)
            )
            assert copied == host[: len(copied)]


@pytest.mark.usefixtures("whole_db")
def test_story() -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert compare(lambda done, total: None) == []
