"""Bytes come in whole and with rights, or leave nothing."""

import hashlib
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from cases import intake, reads
from cases.models import Case, EvidenceItem
from cases.refusals import Forbidden, Invalid, Refused
from evidence.vault import vault
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


def content() -> bytes:
    return f"one line {uuid4()}\n".encode()


def blobs() -> set[Path]:
    return {path for path in Path(settings.VAULT_DIR).rglob("*") if path.is_file()}


class Untouched:
    """A stream that must not be read."""

    def read(self, size: int, /) -> bytes:
        raise AssertionError("Bytes were read before rights were asked.")


def take(person: cast.Person, case: Case, data: bytes, **more: object) -> EvidenceItem:
    facts = intake.AcquisitionFacts(title="A log")
    seen = reads.case(person.actor, case.pk)
    return intake.receive(
        BytesIO(data),
        actor=person.actor,
        case=seen,
        facts=facts,
        filename="a.log",
        **more,  # type: ignore[arg-type]
    )


def test_bytes_are_hashed_four_ways(people: cast.Cast, case: Case) -> None:
    data = content()
    item = take(people.alice, case, data, declared_sha256=hashlib.sha256(data).hexdigest().upper())
    assert item.sha256 == item.declared_sha256 == hashlib.sha256(data).hexdigest()
    assert item.md5 == hashlib.md5(data).hexdigest()
    assert (item.size, item.filename, item.sealed_by_id) == (len(data), "a.log", people.alice.member)


def test_a_wrong_declared_hash_leaves_nothing(people: cast.Cast, case: Case) -> None:
    before = blobs()
    with pytest.raises(Invalid) as caught:
        take(people.alice, case, content(), declared_sha256="ab" * 32)
    assert (caught.value.field, caught.value.status, caught.value.code) == ("sha256", 422, "wrong-hash")
    assert blobs() == before
    assert not reads.items(people.alice.actor, case).exists()


def test_rights_are_asked_before_bytes_are_read(people: cast.Cast, case: Case) -> None:
    facts = intake.AcquisitionFacts(title="A log")
    for person, error in ((people.rhea, Forbidden), (people.alice, Refused)):
        seen = reads.case(person.actor, case.pk)
        with pytest.raises(error):
            intake.receive(Untouched(), actor=person.actor, case=seen, facts=facts, filename="a.log")
        if person is people.rhea:
            cast.close(case.pk, by=people.alice, agreeing=[people.carol])


def test_bad_facts_are_refused_before_bytes_are_read(people: cast.Cast, case: Case) -> None:
    facts = intake.AcquisitionFacts(title="A log", acquired_at="noon")
    with pytest.raises(Invalid):
        intake.receive(Untouched(), actor=people.alice.actor, case=case, facts=facts, filename="a.log")


def test_the_same_bytes_twice_are_two_items_and_one_blob(people: cast.Cast, case: Case) -> None:
    data = content()
    mine = take(people.alice, case, data)
    before = blobs()
    theirs = take(people.dan, case, data)
    assert blobs() == before
    assert mine.pk != theirs.pk
    assert mine.sha256 == theirs.sha256
    assert [item.pk for item in reads.items(people.dan.actor, case)] == [theirs.pk]


def test_the_same_command_gives_the_same_item(people: cast.Cast, case: Case) -> None:
    data, command = content(), uuid4()
    first = take(people.alice, case, data, command_id=command)
    assert take(people.alice, case, data, command_id=command) == first
    with pytest.raises(Refused) as caught:
        take(people.alice, case, content(), command_id=command)
    assert caught.value.code == "command-id-reused"
    assert reads.items(people.alice.actor, case).count() == 1


def test_bytes_that_wait_in_the_vault_are_sealed_where_they_are(people: cast.Cast, case: Case) -> None:
    data = content()
    with vault().intake() as waiting:
        waiting.write(data)
        item = intake.receive(
            waiting,
            actor=people.alice.actor,
            case=case,
            facts=intake.AcquisitionFacts(title="A log"),
            filename="C:\\logs\\..\\a.log",
        )
    assert item.filename == "a.log"
    assert vault().path(item.sha256).read_bytes() == data
