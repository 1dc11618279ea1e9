"""Whatever people do in whatever order: the log verifies, a refusal leaves no trace, nobody sees what was not
shown to it, and the read models are what the ledger tells."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cases import policy, reads
from cases.actors import worker_for
from cases.models import Case, CustodyEvent, EvidenceItem, Participation
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused, Unseen
from cases.rules.acquisition import AcquisitionFacts, SealedBytes
from cases.rules.acting import Actor
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
    Examination,
    ExamineEvidence,
    IndexEvidence,
    MakeEvidenceSearchable,
    QuarantineEvidence,
    RetryEvidence,
    VerifyEvidence,
)
from cases.rules.parties import DisableMember, EnableMember
from cases.rules.shape import CaseCommand, Command
from cases.rules.sharing import DiscloseEvidence
from ledger import reading
from ledger.verify import verify_log
from tests import cast

NAMES = st.sampled_from(["alice", "bob", "carol", "dan", "rhea", "mallory"])
PARTIES = st.sampled_from(["northwind", "contoso", "regulator", "outsiders"])
REASONS = st.sampled_from(["Because", "", "x" * 2_001, "Ünïcödé ≠ \u2028 end", "nul\0"])
SHA = "ab" * 32
BYTES = SealedBytes(sha256=SHA, blake3=SHA, sha1="ab" * 20, md5="ab" * 16, size=3, filename="a.log")


class Story(RuleBasedStateMachine):
    """Random commands by random people on one joint case; `shown` is our own idea of who may see what."""

    @initialize()
    def meet(self) -> None:
        self.people = cast.the_cast()
        self.case = cast.joint_case(self.people, open_=False).pk
        self.items: list[UUID] = []
        self.shown: dict[UUID, set[UUID]] = {}
        self.actors = {
            name: getattr(self.people, name).actor
            for name in ("alice", "bob", "carol", "dan", "rhea", "mallory")
        }
        self.parts = {self.people.northwind, self.people.contoso, self.people.regulator}

    def attempt(self, command: Command, actor: Actor) -> bool:
        """Whether the command was accepted; if not, that it left nothing behind."""
        before = self.trace()
        try:
            receipt = perform(command, actor=actor)
        except Refused:
            assert self.trace() == before
            return False
        again = perform(command, actor=actor)
        assert again.replayed
        assert again.events == receipt.events
        return True

    def trace(self) -> object:
        """All that a refused command could have touched."""
        head = reading.head(self.case)
        assert head is not None
        return (
            head.size,
            head.root_hex,
            list(Case.objects.filter(pk=self.case).values()),
            list(EvidenceItem.objects.filter(case=self.case).order_by("pk").values()),
            list(Participation.objects.filter(case=self.case).order_by("pk").values()),
            CustodyEvent.objects.filter(item__case=self.case).count(),
        )

    @rule(
        name=NAMES,
        kind=st.sampled_from([ContainCase, CloseCase, ReopenCase, PlaceLegalHold, LiftLegalHold]),
        reason=REASONS,
    )
    def decide(self, name: str, kind: type, reason: str) -> None:
        self.attempt(kind(case=self.case, reason=reason), self.actors[name])

    @rule(name=NAMES)
    def open(self, name: str) -> None:
        self.attempt(OpenCase(case=self.case), self.actors[name])

    @rule(name=NAMES, title=st.text(max_size=210), severity=st.sampled_from(["low", "high", "awful"]))
    def revise(self, name: str, title: str, severity: str) -> None:
        self.attempt(ReviseCase(case=self.case, title=title, severity=severity), self.actors[name])

    @rule(name=NAMES, party=PARTIES, role=st.sampled_from(["partner", "observer", "lead"]))
    def add(self, name: str, party: str, role: str) -> None:
        added = getattr(self.people, party)
        if self.attempt(AddParty(case=self.case, party=added, role=role), self.actors[name]):
            self.parts.add(added)

    @rule(name=NAMES, title=st.text(max_size=60), when=st.sampled_from(["", "2026-02-08T10:44:10Z", "noon"]))
    def acquire(self, name: str, title: str, when: str) -> None:
        item = uuid4()
        facts = AcquisitionFacts(title=title, acquired_at=when)
        if self.attempt(
            AcquireEvidence(case=self.case, item=item, facts=facts, sealed=BYTES), self.actors[name]
        ):
            self.items.append(item)
            self.shown[item] = {self.actors[name].party}

    @rule(name=NAMES, data=st.data(), party=PARTIES)
    def disclose(self, name: str, data: st.DataObject, party: str) -> None:
        item, to = self.any_item(data), getattr(self.people, party)
        if self.attempt(
            DiscloseEvidence(case=self.case, item=item, party=to, purpose="Work"), self.actors[name]
        ):
            self.shown[item].add(to)

    @rule(name=NAMES, data=st.data(), how=st.sampled_from(["search", "download"]))
    def examine(self, name: str, data: st.DataObject, how: str) -> None:
        item = self.any_item(data)
        seen = (Examination(item=item, how=how, query="ip:1", shown=1),)
        done = self.attempt(ExamineEvidence(case=self.case, examinations=seen), self.actors[name])
        assert done == (
            self.actors[name].party in self.shown.get(item, set()) and self.actors[name].party in self.parts
        )

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
            expected = {item for item, parties in self.shown.items() if actor.party in parties}
            assert set(reads.items(actor, case).values_list("pk", flat=True)) == expected
            assert policy.offers(actor, case) <= set(policy.POLICY)

    def teardown(self) -> None:
        assert verify_log(self.case) == []
        numbers = list(
            EvidenceItem.objects.filter(case=self.case).order_by("number").values_list("number", flat=True)
        )
        assert numbers == list(range(1, len(numbers) + 1))


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
