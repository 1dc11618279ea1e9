"""Keys on the real database: registered in the host log, copied into the log of each case."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections

from cases import copies, events, keyring, reads, tasks
from cases.actors import worker_for
from cases.models import Participation, Party, PartyKey
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.acting import HOST_LOG
from cases.rules.case import LogOpened, PartyAdded
from cases.rules.key_events import key_stream
from cases.rules.keys import CopyKeys, RequireSignatures, RevokeKey
from ledger import leaf, reading
from ledger.authorship import key_id
from ledger.cosigning import WitnessKey
from ledger.entries import StoredEvent
from ledger.host import memory
from ledger.signer import Stand
from ledger.verify import verify_log
from tests import cast, keyholders
from tests.keyholders import FileKey, Passkey

MANY = 10**6


@pytest.fixture
def people(db: None) -> cast.Cast:
    return cast.the_cast()


def told(log: UUID, party: UUID) -> list[StoredEvent]:
    return reading.read_stream(log, key_stream(party), after=0, until=MANY)


def a_life_of_keys(people: cast.Cast) -> None:
    """Five key events of Contoso."""
    first, second, carol = FileKey(), Passkey(), people.carol
    keyholders.register_witness(FileKey(), by=carol, name="contoso.example/witness")
    keyholders.register(first, by=carol, name="laptop")
    lost = keyholders.register(FileKey(), by=people.dan)
    rotate = keyholders.rotating(second, first, party=people.contoso, member=carol.member, name="phone")
    perform(rotate, actor=carol.actor)
    perform(RevokeKey(party=people.contoso, key=lost, reason="Lost"), actor=carol.actor)


def test_keys_are_rows_that_tell_their_life(people: cast.Cast) -> None:
    a_life_of_keys(people)
    witness, laptop, lost, phone = PartyKey.objects.filter(party=people.contoso).order_by("registered_at")
    assert (witness.purpose, witness.member, witness.live) == ("witness", None, True)
    assert witness.vkey == WitnessKey(witness.name, bytes.fromhex(witness.public)).vkey
    assert (laptop.ended_why, laptop.replaced_by, laptop.live) == ("rotated", phone, False)
    assert (lost.ended_why, lost.replaced_by, lost.member_id) == ("revoked", None, people.dan.member)
    assert (phone.alg, phone.ended_at, phone.member_id) == ("webauthn", None, people.carol.member)
    assert key_id(bytes.fromhex(phone.public)) == phone.id
    assert phone.id.startswith(phone.fingerprint.replace(" ", ""))
    party = Party.objects.get(pk=people.contoso)
    assert (party.keys, party.signatures_required) == (5, False)


def test_no_two_parties_have_the_same_key(people: cast.Cast) -> None:
    shared = FileKey()
    keyholders.register(shared, by=people.alice)
    with pytest.raises(Refused) as caught:
        keyholders.register(shared, by=people.carol)
    assert caught.value.code == "key-exists"


def test_a_case_holds_an_exact_copy_of_what_the_host_log_tells(people: cast.Cast) -> None:
    case = cast.joint_case(people)
    a_life_of_keys(people)
    assert told(case.pk, people.contoso) == []
    tasks.spread_keys(str(people.contoso))
    host, copied = told(HOST_LOG, people.contoso), told(case.pk, people.contoso)
    assert [(e.version, e.type, e.fields) for e in copied] == [(e.version, e.type, e.fields) for e in host]
    assert {e.party for e in copied} == {people.contoso}
    assert {e.actor["kind"] for e in copied} == {"worker"}
    entries = {row.index: row for row in reading.read_entries(case.pk)}
    for event in copied:
        assert leaf.parse(entries[event.index].leaf).party == people.contoso
        assert leaf.parse(entries[event.index].leaf).auth is None
    part = Participation.objects.select_related("party").get(case=case, party=people.contoso)
    assert part.keys == part.party.keys == 5
    assert verify_log(case.pk) == []


def test_a_copy_of_a_signed_act_on_keys_is_its_fields_alone(people: cast.Cast) -> None:
    case, own = cast.joint_case(people), FileKey()
    keyholders.register(own, by=people.carol)
    wanted = RequireSignatures(party=people.contoso, required=True)
    perform(wanted, actor=people.carol.actor, authorship=keyholders.sign(own, wanted))
    keyring.spread(case.pk, people.contoso)
    assert told(HOST_LOG, people.contoso)[-1].fields["signed"] == {
        "party": str(people.contoso),
        "required": True,
    }
    assert told(case.pk, people.contoso)[-1].fields == {"party": str(people.contoso), "required": True}
    assert Party.objects.get(pk=people.contoso).signatures_required


def test_every_party_of_a_case_may_read_what_is_told_of_keys(people: cast.Cast) -> None:
    case = cast.joint_case(people)
    a_life_of_keys(people)
    keyring.spread(case.pk, people.contoso)
    indexes = {event.index for event in told(case.pk, people.contoso)}
    for who in (people.alice, people.carol, people.rhea):
        page = [row for row in reads.ledger_page(who.actor, case) if row.index in indexes]
        assert len(page) == 5
        assert all(row.opening for row in page)
        sentences = [row.sentence for row in page]
    assert "recorded the witness key" in sentences[0]
    assert "contoso.example/witness" in sentences[0]
    assert "in place of" in sentences[3]
    assert "revoked its key" in sentences[4]
    assert "Lost" in sentences[4]


def test_the_entries_that_bring_parties_name_their_witnesses(people: cast.Cast) -> None:
    ours, theirs, gone = FileKey(), FileKey(), FileKey()
    keyholders.register_witness(ours, by=people.alice, name="northwind.example/w")
    keyholders.register_witness(theirs, by=people.carol, name="contoso.example/w")
    lost = keyholders.register_witness(gone, by=people.carol, name="contoso.example/old")
    keyholders.register(FileKey(), by=people.carol)
    perform(RevokeKey(party=people.contoso, key=lost, reason="Lost"), actor=people.carol.actor)
    case = cast.joint_case(people)
    history = [events.read(event) for event in reading.read_events(case.pk)]
    opened = next(event for event in history if isinstance(event, LogOpened))
    assert opened.parties[0].keys == (WitnessKey("northwind.example/w", ours.public).vkey,)
    joined = {event.party: event.keys for event in history if isinstance(event, PartyAdded)}
    assert joined[people.contoso] == (WitnessKey("contoso.example/w", theirs.public).vkey,)
    assert joined[people.regulator] == ()


def test_a_party_that_joins_later_brings_its_keys(people: cast.Cast) -> None:
    a_life_of_keys(people)
    case = cast.joint_case(people)
    behind = keyring.lagging().filter(case=case).values_list("party", flat=True)
    assert list(behind) == [people.contoso]
    tasks.spread_keys(str(people.contoso))
    assert len(told(case.pk, people.contoso)) == 5
    assert list(behind.all()) == []


def test_copying_goes_on_where_a_crash_left_it_and_never_copies_twice(people: cast.Cast) -> None:
    case = cast.joint_case(people)
    a_life_of_keys(people)
    late, half = (
        copies.due(case.pk, people.contoso),
        CopyKeys(case=case.pk, party=people.contoso, since=0, until=2),
    )
    assert late is not None
    perform(half, actor=worker_for(people.contoso))
    due = copies.due(case.pk, people.contoso)
    assert due is not None
    assert (due.since, due.until) == (2, 5)
    keyring.spread(case.pk, people.contoso)
    keyring.spread(case.pk, people.contoso)
    assert [event.version for event in told(case.pk, people.contoso)] == [1, 2, 3, 4, 5]
    # Another worker that had looked at the same moment: the same command again, or one that comes too late.
    assert perform(due, actor=worker_for(people.contoso)).replayed
    with pytest.raises(Refused) as caught:
        perform(late, actor=worker_for(people.contoso))
    assert caught.value.code == "stale"
    assert len(told(case.pk, people.contoso)) == 5


def test_a_count_that_is_behind_the_log_has_nothing_copied_twice(people: cast.Cast) -> None:
    case = cast.joint_case(people)
    a_life_of_keys(people)
    keyring.spread(case.pk, people.contoso)
    for behind in (0, 2):  # the same command as before, and another one
        Participation.objects.filter(case=case, party=people.contoso).update(keys=behind)
        keyring.spread(case.pk, people.contoso)
    assert [event.version for event in told(case.pk, people.contoso)] == [1, 2, 3, 4, 5]


def test_a_party_outside_the_case_brings_nothing_into_it(people: cast.Cast) -> None:
    case = cast.joint_case(people)
    keyholders.register(FileKey(), by=people.mallory)
    before = reading.head(case.pk)
    keyring.spread(case.pk, people.outsiders)
    copy = CopyKeys(case=case.pk, party=people.outsiders, since=0, until=1)
    with pytest.raises(Refused) as caught:
        perform(copy, actor=worker_for(people.outsiders))
    assert caught.value.code == "not-found"
    assert reading.head(case.pk) == before


@pytest.mark.usefixtures("committed_db")
def test_workers_at_the_same_case_at_once_copy_each_event_once() -> None:
    people = cast.the_cast()
    case = cast.joint_case(people)
    a_life_of_keys(people)

    def work(turn: int) -> None:
        try:
            keyring.spread(case.pk, people.contoso)
            if turn == 0:
                keyholders.register(FileKey(), by=people.dan)
            keyring.spread(case.pk, people.contoso)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    keyring.spread(case.pk, people.contoso)
    host, copied = told(HOST_LOG, people.contoso), told(case.pk, people.contoso)
    assert [(e.version, e.fields) for e in copied] == [(e.version, e.fields) for e in host]
    assert len(copied) == 6
    assert verify_log(case.pk) == []


def test_a_log_in_doubt_holds_up_no_other_case(people: cast.Cast, caplog: pytest.LogCaptureFixture) -> None:
    doubtful, fine = cast.joint_case(people), cast.joint_case(people)
    a_life_of_keys(people)
    found = reading.head(doubtful.pk)
    assert found is not None
    memory().adopt(doubtful.pk, Stand(found.size + 3, bytes(32)))  # as if its database had been put back
    tasks.spread_keys(str(people.contoso))
    assert len(told(fine.pk, people.contoso)) == 5
    assert told(doubtful.pk, people.contoso) == []
    assert "log-in-doubt" in caplog.text
