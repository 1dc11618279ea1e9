"""The state of the proof: whose witnesses countersigned, how far, when; what to pin; what the host doubts."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import keyring, proof, reads
from cases.models import Case, PartyKey
from cases.perform import perform
from cases.refusals import Unseen
from cases.rules.case import ReviseCase
from cases.rules.keys import RevokeKey
from cases.rules.parties import RegisterParty
from cases.rules.proposals import LeaveCase
from ledger import holding, reading
from ledger.authorship import key_id
from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.errors import UnknownKey
from ledger.host import host_key, memory
from ledger.signer import Stand
from tests import cast, keyholders
from tests.cast import Person
from tests.keyholders import FileKey
from tests.ledger.conftest import Witness
from verifier.note import Key, parse_note, parse_policy

pytestmark = pytest.mark.django_db


@dataclass
class Scene:
    """A joint case of eight entries, and somebody of each party who may register its witnesses."""

    people: cast.Cast = field(default_factory=cast.the_cast)
    start: int = field(default_factory=lambda: int(time.time()) - 1000)

    def __post_init__(self) -> None:
        self.case: Case = cast.joint_case(self.people)
        self.ruth = cast.person(
            "ruth", self.people.regulator, "counsel", host=self.people.operator, tail=uuid4().hex[:6]
        )
        for severity in ("low", "high", "low"):
            self.grow(severity)

    def grow(self, severity: str) -> None:
        perform(ReviseCase(case=self.case.pk, severity=severity), actor=self.people.alice.actor)

    def witness(self, by: Person, name: str = "example.org/witness") -> Witness:
        key = FileKey()
        keyholders.register_witness(key, by=by, name=name)
        return Witness(name, key.private)

    def cosign(self, witness: Witness, size: int, at: int, keys: list[str] | None = None) -> datetime:
        """The witness countersigns that many entries, `at` seconds after the start."""
        line = witness.cosign(checkpoint_note(self.case.pk, size), self.start + at)
        allowed = proof.witness_keys(self.case.pk) if keys is None else keys
        add_cosignatures(self.case.pk, line, allowed, size=size)
        return datetime.fromtimestamp(self.start + at, UTC)

    def state(self, person: Person | None = None) -> proof.ProofState:
        return proof.proof_state((person or self.people.alice).actor, self.case)

    def entry(self, index: int) -> proof.EntryState:
        return proof.entry_state(self.people.carol.actor, self.case, index)

    def names(self, index: int) -> list[UUID]:
        return [party.pk for party in self.state().signed_by(index)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_nothing_is_countersigned_before_every_needed_party_has_a_witness(scene: Scene) -> None:
    entries = reading.read_entries(scene.case.pk)
    state = scene.state(scene.people.rhea)
    assert [(each.party.pk, each.part) for each in state.needed] == [
        (scene.people.northwind, "lead"),
        (scene.people.contoso, "partner"),
    ]
    assert [each.party.pk for each in state.others] == [scene.people.regulator]
    assert all((each.vkeys, each.size, each.at) == ((), 0, None) for each in (*state.needed, *state.others))
    assert (state.head.size, state.countersigned, state.waiting) == (len(entries), 0, 0)
    assert state.waiting_since == entries[0].recorded_at
    assert (state.stamps, state.authorities, state.doubt) == ((), (), None)

    lead = scene.witness(scene.people.alice)
    at = scene.cosign(lead, 6, 10)
    state = scene.state()
    first, second = state.needed
    assert (first.vkeys, first.size, first.at) == ((lead.key.vkey,), 6, at)
    assert (second.vkeys, second.size) == ((), 0)
    assert (state.countersigned, state.waiting, state.state_of(0)) == (0, 0, "recorded")
    assert (scene.names(5), scene.names(6)) == ([scene.people.northwind], [])


def test_lead_and_partner_together_countersign(scene: Scene) -> None:
    lead, partner = scene.witness(scene.people.alice), scene.witness(scene.people.carol, "contoso.example/w")
    scene.cosign(lead, 6, 10)
    scene.cosign(partner, 4, 20)
    state = scene.state()
    assert (state.countersigned, state.waiting) == (4, 4)
    assert state.waiting_since == reading.read_entries(scene.case.pk)[4].recorded_at
    assert [state.state_of(index) for index in (0, 3, 4, 6)] == ["countersigned"] * 2 + ["recorded"] * 2
    assert scene.names(3) == [scene.people.northwind, scene.people.contoso]
    assert scene.names(5) == [scene.people.northwind]
    size = state.head.size
    scene.cosign(lead, size, 30)
    scene.cosign(partner, size, 30)
    state = scene.state()
    assert (state.countersigned, state.waiting, state.waiting_since) == (size, None, None)
    scene.grow("high")
    state = scene.state()
    assert (state.countersigned, state.waiting) == (size, size)
    assert state.waiting_since == reading.read_entries(scene.case.pk)[-1].recorded_at


def test_an_observer_is_shown_and_not_waited_for(scene: Scene) -> None:
    lead, partner = scene.witness(scene.people.alice), scene.witness(scene.people.carol)
    observer = scene.witness(scene.ruth, "regulator.example/w")
    scene.cosign(observer, 7, 5)
    scene.cosign(lead, 7, 6)
    state = scene.state()
    assert (state.countersigned, state.others[0].size) == (0, 7)
    assert scene.names(0) == [scene.people.northwind, scene.people.regulator]
    scene.cosign(partner, 7, 9)
    assert scene.state().countersigned == 7
    assert scene.names(0) == [scene.people.northwind, scene.people.contoso, scene.people.regulator]


def test_a_new_partner_must_vouch_for_the_past_too(scene: Scene) -> None:
    lead, partner = scene.witness(scene.people.alice), scene.witness(scene.people.carol)
    for witness in (lead, partner):
        scene.cosign(witness, 6, 10)
    assert scene.state().countersigned == 6
    people = scene.people
    cast.add_party(scene.case.pk, people.outsiders, by=people.alice, consenting=[people.carol])
    assert scene.state().countersigned == 0
    late = scene.witness(scene.people.mallory)
    scene.cosign(late, 7, 20)
    assert scene.state(people.mallory).countersigned == 6
    # Who has left is not waited for, nor asked, and its key is no longer taken.
    perform(LeaveCase(case=scene.case.pk, reason="Not ours"), actor=people.mallory.actor)
    state = scene.state()
    assert [each.party.pk for each in state.needed] == [people.northwind, people.contoso]
    assert state.countersigned == 6
    assert late.key.vkey not in proof.witness_keys(scene.case.pk)


def test_what_a_revoked_key_signed_before_its_end_still_counts(scene: Scene) -> None:
    lead, partner = scene.witness(scene.people.alice), scene.witness(scene.people.carol)
    scene.cosign(lead, 7, 10)
    scene.cosign(partner, 5, 20)
    key = PartyKey.objects.get(party=scene.people.contoso)
    ending = RevokeKey(party=scene.people.contoso, key=key.pk, reason="Stolen")
    perform(ending, actor=scene.people.carol.actor)
    state = scene.state()
    assert (state.needed[1].vkeys, state.needed[1].size, state.countersigned) == ((), 5, 5)
    assert not proof.agreed(scene.case.pk).possible
    with pytest.raises(UnknownKey):
        scene.cosign(partner, 6, 30)
    # Dated after the end, it is nobody's word, even where it has come in.
    scene.cosign(partner, 7, 1100, keys=[partner.key.vkey])
    assert scene.state().countersigned == 5
    assert scene.entry(5).cosigned == (
        (state.needed[0].party, datetime.fromtimestamp(scene.start + 10, UTC)),
    )
    fresh = scene.witness(scene.people.carol, "contoso.example/second")
    scene.cosign(fresh, 6, 40)
    assert scene.state().countersigned == 6


def test_a_rotated_key_hands_over_to_the_new_one(scene: Scene) -> None:
    people, old, new = scene.people, FileKey(), FileKey()
    scene.cosign(scene.witness(people.alice), 7, 10)
    keyholders.register_witness(old, by=people.carol, name="contoso.example/old")
    before, after = Witness("contoso.example/old", old.private), Witness("contoso.example/new", new.private)
    scene.cosign(before, 5, 20)
    rotating = keyholders.rotating(new, old, party=people.contoso, member=None, name=after.name)
    perform(rotating, actor=people.carol.actor)
    keyring.spread(scene.case.pk, people.contoso)
    assert after.key.vkey in proof.witness_keys(scene.case.pk)
    assert before.key.vkey not in proof.witness_keys(scene.case.pk)
    state = scene.state()
    assert (state.needed[1].vkeys, state.countersigned) == ((after.key.vkey,), 5)
    at = scene.cosign(after, 7, 30)
    assert (scene.state().needed[1].size, scene.state().needed[1].at) == (7, at)
    assert scene.state().countersigned == 7
    assert proof.agreed(scene.case.pk) == proof.Agreed(size=7, possible=True)


def test_any_of_a_partys_witnesses_will_do(scene: Scene) -> None:
    one, two = scene.witness(scene.people.carol, "w/1"), scene.witness(scene.people.carol, "w/2")
    scene.cosign(scene.witness(scene.people.alice), 7, 10)
    scene.cosign(one, 4, 11)
    at = scene.cosign(two, 6, 12)
    state = scene.state()
    assert set(state.needed[1].vkeys) == {one.key.vkey, two.key.vkey}
    assert (state.needed[1].size, state.needed[1].at, state.countersigned) == (6, at, 6)
    assert scene.entry(3).cosigned[1][1] == datetime.fromtimestamp(scene.start + 11, UTC)


def test_what_bounds_the_time_of_one_entry(scene: Scene) -> None:
    lead, partner = scene.witness(scene.people.alice), scene.witness(scene.people.carol)
    observer = scene.witness(scene.ruth)
    times = {
        (witness.key.vkey, size): scene.cosign(witness, size, at)
        for witness, size, at in (
            (lead, 2, 10),
            (partner, 3, 12),
            (lead, 5, 20),
            (observer, 6, 25),
            (partner, 7, 30),
            (lead, 7, 31),
        )
    }
    entry = scene.entry(3)
    assert entry.recorded_at == reading.read_entries(scene.case.pk)[3].recorded_at
    assert [(party.pk, at) for party, at in entry.cosigned] == [
        (scene.people.northwind, times[lead.key.vkey, 5]),
        (scene.people.contoso, times[partner.key.vkey, 7]),
        (scene.people.regulator, times[observer.key.vkey, 6]),
    ]
    assert entry.countersigned_at == times[partner.key.vkey, 7]
    assert entry.after == times[partner.key.vkey, 3]
    assert entry.stamped == ()
    assert scene.entry(0).after is None
    assert scene.entry(0).countersigned_at == times[partner.key.vkey, 3]
    scene.grow("high")
    last = scene.state().head.size - 1
    assert (scene.entry(last).cosigned, scene.entry(last).countersigned_at) == ((), None)
    assert scene.entry(last).after == times[lead.key.vkey, 7]
    for index in (-1, last + 1):
        with pytest.raises(Unseen):
            scene.entry(index)


def test_the_state_is_asked_the_same_however_long_the_log(scene: Scene) -> None:
    carol = scene.people.carol.actor
    witnesses = [scene.witness(person) for person in (scene.people.alice, scene.people.carol, scene.ruth)]

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            state = proof.proof_state(carol, scene.case)
            rows = [(state.state_of(index), state.signed_by(index)) for index in range(100)]
        assert len(rows) == 100
        with CaptureQueriesContext(connection) as single:
            proof.entry_state(carol, scene.case, 1)
        assert len(single) <= 6
        return len(queries)

    for witness in witnesses:
        scene.cosign(witness, 2, 1)
    few = asked()
    for n in range(6):
        scene.grow(("high", "low")[n % 2])
        for witness in witnesses:
            scene.cosign(witness, scene.state().head.size, 10 + n)
    scene.grow("high")
    assert asked() == few <= 6


def test_who_has_no_part_in_a_case_hears_of_no_proof(scene: Scene) -> None:
    mallory = scene.people.mallory.actor
    for ask in (proof.proof_state, proof.policy_text):
        with pytest.raises(Unseen):
            ask(mallory, scene.case)
    with pytest.raises(Unseen):
        proof.entry_state(mallory, scene.case, 0)


# What a party pins


def signers_of(scene: Scene, witnesses: list[Witness], size: int) -> set[Key]:
    """The keys that the verifier finds under the note of that size, by the policy that the host hands out."""
    for n, witness in enumerate(witnesses):
        scene.cosign(witness, size, 100 + n)
    policy = parse_policy(proof.policy_text(scene.people.carol.actor, scene.case).encode())
    return {key for key, _ in policy.check(parse_note(checkpoint_note(scene.case.pk, size).encode()))}


def test_the_policy_is_what_the_verifier_asks_for(scene: Scene) -> None:
    lead, second = scene.witness(scene.people.alice), scene.witness(scene.people.alice, "n/2")
    partner, observer = scene.witness(scene.people.carol), scene.witness(scene.ruth)
    member = FileKey()
    keyholders.register(member, by=scene.people.dan)
    text = proof.policy_text(scene.people.carol.actor, scene.case)
    policy = parse_policy(text.encode())
    (log,) = policy.logs
    assert (log.name, log.public) == (f"countersign/localhost/case/{scene.case.pk}", host_key().public)
    assert {key.vkey for key in policy.witnesses.values()} == {
        witness.key.vkey for witness in (lead, second, partner, observer)
    }
    assert f"#key {key_id(member.public)} {scene.people.contoso}\n" in text
    assert "Compare" in text
    assert "compare each" in text
    assert not policy.met(signers_of(scene, [lead, observer], 4), policy.quorum)
    assert not policy.met(signers_of(scene, [second, lead], 5), policy.quorum)
    assert policy.met(signers_of(scene, [second, partner], 6), policy.quorum)
    assert policy.met(signers_of(scene, [lead, partner], 7), policy.quorum)


def test_a_policy_says_whose_witness_is_missing(scene: Scene) -> None:
    text = proof.policy_text(scene.people.carol.actor, scene.case)
    policy = parse_policy(text.encode())
    assert (policy.quorum, policy.witnesses) == ("none", {})
    assert text.count("has no witness") == 3
    assert text.count("fetch this file again") == 2
    lead = scene.witness(scene.people.alice)
    policy = parse_policy(proof.policy_text(scene.people.carol.actor, scene.case).encode())
    assert policy.met(signers_of(scene, [lead], 4), policy.quorum)


def test_a_key_that_has_ended_is_no_witness_any_more_and_stays_a_signer(scene: Scene) -> None:
    witness, member = FileKey(), FileKey()
    ids = [keyholders.register_witness(witness, by=scene.people.carol)]
    ids.append(keyholders.register(member, by=scene.people.carol))
    for key in ids:
        perform(RevokeKey(party=scene.people.contoso, key=key, reason="Lost"), actor=scene.people.carol.actor)
    text = proof.policy_text(scene.people.carol.actor, scene.case)
    assert parse_policy(text.encode()).witnesses == {}
    assert f"#key {ids[1]} {scene.people.contoso}\n" in text
    assert ids[0] not in text


def test_parties_whose_names_look_alike_are_told_apart(scene: Scene) -> None:
    tail = uuid4().hex[:6]
    alike = [
        f"A-{tail}",
        f"a {tail}",
        f"a+{tail} any",
        f"a {tail} 2",
        "none",
        "all parties",
        "北風",
        "Ünïcode",
    ]
    witnesses, joined = [], list[Person]()
    for n, short in enumerate(alike):
        party = uuid4()
        known = RegisterParty(party=party, name=f"{n} {tail}", short_name=short[:24], kind_of_party="company")
        perform(known, actor=scene.people.operator)
        counsel = cast.person(f"c{n}", party, "counsel", host=scene.people.operator, tail=uuid4().hex[:6])
        joined.append(counsel)
        cast.add_party(
            scene.case.pk, party, by=scene.people.alice, consenting=[scene.people.carol, *joined[:-1]]
        )
        witnesses += [scene.witness(counsel), scene.witness(counsel, "second")]
    both = [scene.witness(scene.people.alice), scene.witness(scene.people.carol)]
    policy = parse_policy(proof.policy_text(scene.people.carol.actor, scene.case).encode())
    assert len(policy.witnesses) == 2 * len(alike) + 2
    signed = signers_of(scene, [*both, *witnesses[::2]], scene.state().head.size)
    assert policy.met(signed, policy.quorum)
    for missing in signed:
        assert not policy.met(signed - {missing}, policy.quorum)


# What the host doubts


def test_a_host_that_went_back_says_what_that_means_and_what_to_do(scene: Scene) -> None:
    head = scene.state().head
    memory().adopt(scene.case.pk, Stand(head.size + 3, bytes(32)))
    told = scene.state(scene.people.rhea).doubt
    assert told is not None
    assert f"{head.size + 3} entries" in told
    assert "put back to an older state" in told
    assert "countersign-witness refeed" in told
    assert proof.doubt(scene.people.carol.actor, scene.case) == told
    memory().adopt(scene.case.pk, Stand(head.size, bytes.fromhex(head.root_hex)))
    assert scene.state().doubt is None


def test_a_rewritten_log_is_not_to_be_relied_on(scene: Scene) -> None:
    memory().adopt(scene.case.pk, Stand(scene.state().head.size, bytes(32)))
    told = scene.state().doubt
    assert told is not None
    assert "rewritten" in told
    assert "countersign-verify --against" in told
    assert "refeed" not in told


def test_a_log_held_for_its_openings_says_so(scene: Scene) -> None:
    holding.begin_regaining(scene.case.pk)
    told = scene.state().doubt
    assert told is not None
    assert "openings" in told
    holding.keep(scene.case.pk, holding.Hold())
    assert scene.state().doubt is None


def test_what_a_witness_has_seen_is_in_doubt_too(scene: Scene) -> None:
    head = scene.state().head
    holding.keep(scene.case.pk, holding.Hold(seen=(Stand(head.size + 9, bytes(32)),)))
    told = scene.state().doubt
    assert told is not None
    assert f"{head.size + 9} entries" in told
    assert "refeed" in told


def test_a_record_that_cannot_be_read_is_the_operators_to_look_at(scene: Scene) -> None:
    (memory().folder / str(scene.case.pk)).write_bytes(b"damaged")
    told = scene.state().doubt
    assert told is not None
    assert "operator" in told
    assert str(memory().folder) not in told
    assert reads.case(scene.people.alice.actor, scene.case.pk) == scene.case
