"""What witnesses bring by API: cosignatures, what they saw last, and entries that the host has lost."""

import json
import random
import time
from dataclasses import dataclass
from typing import Any

import pytest

from cases.perform import perform
from cases.reads import ledger_head
from cases.rules.case import ReviseCase
from cases.rules.keys import RevokeKey
from ledger import holding, reading, signing
from ledger.authorship import key_id
from ledger.cosigning import Cosigned, WitnessKey, cosigned_message
from ledger.host import host_key, memory
from ledger.models import Cosignature
from tests import keyholders
from tests.api.client import Api, is_problem
from tests.api.conftest import Scene
from tests.keyholders import FileKey

TEXT = "text/plain; charset=utf-8"
LINES = "application/jsonl"


@dataclass(frozen=True)
class Witness:
    """A party's witness, trusting enough to cosign whatever it is shown."""

    name: str
    holder: FileKey

    @property
    def key(self) -> WitnessKey:
        return WitnessKey(self.name, self.holder.public)

    def cosign(self, note: str, *, at: int | None = None) -> str:
        when = int(time.time()) if at is None else at
        said = cosigned_message(signing.parse_checkpoint(note).text, when)
        return Cosigned(self.key, when, self.holder.private.sign(said)).line


@pytest.fixture
def witnessed(scene: Scene) -> tuple[Scene, Witness]:
    """The joint case, and a witness whose key Contoso registered."""
    witness = Witness("contoso.example/witness", FileKey())
    keyholders.register_witness(witness.holder, by=scene.cast.carol, name=witness.name)
    return scene, witness


def newest(api: Api, scene: Scene) -> str:
    said: str = api.get(f"{scene.path}/ledger/checkpoint").content.decode()
    return said


def say(api: Api, scene: Scene, tail: str, body: str | bytes, kind: str = TEXT) -> Any:
    data = body.encode() if isinstance(body, str) else body
    return api.ask("POST", f"{scene.path}/ledger/{tail}", data=data, content_type=kind)


def bare(note: str) -> str:
    """A note with the host's own signature alone."""
    head, _, lines = note.partition("\n\n")
    return f"{head}\n\n{lines.splitlines(keepends=True)[0]}"


def test_a_cosignature_stands_under_the_checkpoint_for_everybody(witnessed: tuple[Scene, Witness]) -> None:
    scene, witness = witnessed
    note = newest(scene.carol, scene)
    line = witness.cosign(note)
    said = say(scene.carol, scene, "cosignatures?size=5", line)
    assert said.status_code == 200
    assert said.json()["cosignatures"][0] | {"at": ""} == {"vkey": witness.key.vkey, "line": line, "at": ""}
    for api in (scene.alice, scene.rhea):
        assert newest(api, scene) == note + line
    proof = scene.rhea.get(f"{scene.path}/ledger/entries/0/proof").content.decode()
    assert proof.endswith(note + line)


def test_the_first_cosignature_of_a_size_is_the_one_that_counts(witnessed: tuple[Scene, Witness]) -> None:
    scene, witness = witnessed
    note = newest(scene.carol, scene)
    first = witness.cosign(note, at=int(time.time()) - 60)
    assert say(scene.carol, scene, "cosignatures?size=5", first).status_code == 200
    again = say(scene.rhea, scene, "cosignatures", note + witness.cosign(note))
    assert [one["line"] for one in again.json()["cosignatures"]] == [first]
    assert newest(scene.alice, scene) == note + first


def test_what_is_no_cosignature_of_this_log_leaves_nothing(witnessed: tuple[Scene, Witness]) -> None:
    scene, witness = witnessed
    note = newest(scene.carol, scene)
    stranger = Witness("contoso.example/witness", FileKey())
    other = host_key().sign("another", signing.checkpoint_text("another", 5, bytes(32)))
    here = signing.parse_checkpoint(note)
    forked = signing.checkpoint_text(here.origin, 5, bytes(32)) + "\n"
    line = witness.cosign(note)
    for tail, body, status, code in (
        ("cosignatures?size=5", stranger.cosign(note), 403, "unknown-key"),
        ("cosignatures?size=5", witness.cosign(note, at=int(time.time()) + 3600), 422, "from-the-future"),
        ("cosignatures?size=4", line, 409, "does-not-verify"),
        ("cosignatures?size=1", line, 409, "no-such-checkpoint"),
        ("cosignatures?size=77", line, 409, "no-such-checkpoint"),
        ("cosignatures?size=5", witness.cosign(other), 409, "does-not-verify"),
        ("cosignatures", other + witness.cosign(other), 409, "does-not-verify"),
        ("cosignatures", forked + line, 409, "does-not-verify"),
        ("cosignatures?size=4", note + line, 409, "does-not-verify"),
        ("cosignatures", line, 422, "malformed-note"),
        ("cosignatures?size=5", "", 422, "malformed-note"),
        ("cosignatures?size=5", line.rstrip(), 422, "malformed-note"),
        ("cosignatures?size=5", "— x !!!\n", 422, "malformed-note"),
        ("cosignatures?size=5", "\0", 422, "malformed-note"),
        ("cosignatures?size=-5", line, 422, "invalid"),
        ("cosignatures?size=five", line, 422, "invalid"),
        ("cosignatures", note.replace("\n5\n", "\n" + "9" * 19 + "\n") + line, 409, "no-such-checkpoint"),
    ):
        response = say(scene.carol, scene, tail, body)
        assert (response.status_code, code) == (status, is_problem(response)["type"].rsplit(":", 1)[-1]), tail
    assert not Cosignature.objects.filter(log=scene.case.pk).exists()


def test_a_revoked_witness_cosigns_no_more(witnessed: tuple[Scene, Witness]) -> None:
    scene, witness = witnessed
    note = newest(scene.carol, scene)
    revoke = RevokeKey(party=scene.cast.contoso, key=key_id(witness.holder.public), reason="Stolen")
    perform(revoke, actor=scene.cast.carol.actor)
    assert say(scene.carol, scene, "cosignatures?size=5", witness.cosign(note)).status_code == 403


TEXTS = ("cosignatures?size=5", "seen", "refeed/checkpoint")
JSONL = ("refeed?from=5", "refeed/openings")


@pytest.mark.parametrize("tail", TEXTS)
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * (64 * 1024 + 1), TEXT, 413),
        (b"x" * (64 * 1024), TEXT, 422),
        (b"\xff\xfe", TEXT, 400),
        ("é".encode("latin-1"), "text/plain", 400),
        (b"x", "text/plain; charset=utf-16", 415),
        (b"x", "text/plain; charset=", 415),
        (b"{}", "application/json", 415),
        (b"x", "", 415),
        (b"", TEXT, 422),
        (b"\n\n\n", TEXT, 422),
    ],
)
def test_texts_that_cannot_be_read(scene: Scene, tail: str, body: bytes, kind: str, status: int) -> None:
    if tail == "refeed/checkpoint" and status == 422:
        status = 409  # nothing was given back that a checkpoint could be for
    assert say(scene.carol, scene, tail, body, kind).status_code == status


@pytest.mark.parametrize("tail", JSONL)
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", LINES, 422),
        (b"{}", LINES, 422),
        (b"x" * (256 * (32 * 1024 + 1) + 1), LINES, 413),
        (b"{}\n", "application/json", 415),
        (b"{}\n", TEXT, 415),
    ],
)
def test_lines_that_cannot_be_read(scene: Scene, tail: str, body: bytes, kind: str, status: int) -> None:
    assert say(scene.carol, scene, tail, body, kind).status_code == status


def test_a_checkpoint_that_the_log_shows_stops_nothing(scene: Scene) -> None:
    for size in (3, 5):
        note = scene.carol.get(f"{scene.path}/ledger/checkpoint?size={size}").content.decode()
        said = say(scene.rhea, scene, "seen", note)
        assert (said.status_code, said.json()) == (
            200,
            {"size": 5, "missing": 0, "first_missing": None, "doubt": None},
        )
    assert holding.hold_of(scene.case.pk) is None


def beyond(scene: Scene, size: int = 9) -> str:
    """A checkpoint by this host's key that its log does not show: what a witness kept before a rollback."""
    name = signing.parse_checkpoint(newest(scene.alice, scene)).origin
    return host_key().sign(name, signing.checkpoint_text(name, size, bytes([size]) * 32))


@pytest.mark.parametrize("size", [9, 5, 4])
def test_a_checkpoint_that_the_log_does_not_show_stops_all_writing(scene: Scene, size: int) -> None:
    said = say(scene.carol, scene, "seen", beyond(scene, size))
    assert said.status_code == 200
    doubt = said.json()["doubt"]
    assert str(size) in doubt
    for _ in range(2):
        refused = scene.alice.post(f"{scene.path}/hold", {"hold": True, "reason": "Litigation."})
        assert refused.status_code == 503
        assert is_problem(refused)["type"].endswith(":log-in-doubt")
        assert is_problem(refused)["detail"] == doubt
    assert ledger_head(scene.cast.alice.actor, scene.case).size == 5
    for tail in ("/ledger/checkpoint", "/ledger/leaves", "/ledger/entries/0/proof", ""):
        assert scene.alice.get(f"{scene.path}{tail}").status_code == 200  # reading goes on


def test_only_this_hosts_signature_over_this_log_stops_it(scene: Scene) -> None:
    note = newest(scene.alice, scene)
    other = host_key().sign("another", signing.checkpoint_text("another", 9, bytes(32)))
    for body, status in (
        (other, 409),
        (note.replace("\n5\n", "\n9\n"), 409),
        (note.replace("/case/", "/host/"), 409),
        (note.partition("\n\n")[0] + "\n\n— x AAAAAAAA\n", 409),
        (note.replace("\n5\n", "\n05\n"), 422),
        ("x\n9\nAAAA\n\n" + note.splitlines()[-1] + "\n", 422),
    ):
        assert say(scene.carol, scene, "seen", body).status_code == status
    assert holding.hold_of(scene.case.pk) is None
    perform(ReviseCase(case=scene.case.pk, severity="low"), actor=scene.cast.alice.actor)


def leaves(scene: Scene) -> list[bytes]:
    return reading.leaves(scene.case.pk, 0, 5)


def test_nothing_is_taken_back_by_a_log_that_lacks_nothing(scene: Scene) -> None:
    body = b"".join(one + b"\n" for one in leaves(scene))
    assert is_problem(say(scene.carol, scene, "refeed?from=0", body, LINES))["type"].endswith(
        "nothing-missing"
    )
    assert say(scene.carol, scene, "refeed/checkpoint", newest(scene.carol, scene)).status_code == 409


def test_leaves_given_back_are_looked_at_before_they_wait(scene: Scene) -> None:
    say(scene.carol, scene, "seen", beyond(scene))
    own = leaves(scene)
    later = own[4].replace(b'"i":4', b'"i":5')
    for query, lines, status in (
        ("refeed?from=0", own, 202),
        ("refeed?from=5", [later], 202),
        ("refeed?from=5", [later.replace(b'"i":5', b'"i": 5')], 422),
        ("refeed?from=5", [later + b" "], 422),
        ("refeed?from=5", [b"x" * (32 * 1024 + 1)], 422),
        ("refeed?from=5", [b"[" * 5000], 422),
        ("refeed?from=5", [b"\xff"], 422),
        ("refeed?from=5", [b""], 422),
        ("refeed?from=5", own[:1], 409),
        ("refeed?from=5", [later.replace(b"/case/", b"/host/")], 409),
        ("refeed?from=5", [later] * 257, 422),
        ("refeed?from=7", [later.replace(b'"i":5', b'"i":7')], 409),
        ("refeed?from=-1", own, 422),
        ("refeed?from=1e3", own, 422),
        ("refeed", own, 422),
        ("refeed?from=" + "9" * 16, own, 422),
    ):
        body = b"".join(one + b"\n" for one in lines)
        assert say(scene.carol, scene, query, body, LINES).status_code == status, (query, lines[0][:60])
    # What waits is no part of the log, and does not become one without the host's signature over it.
    assert say(scene.carol, scene, "refeed/checkpoint", beyond(scene)).status_code == 409
    assert say(scene.carol, scene, "refeed/checkpoint", newest(scene.carol, scene)).status_code == 200
    assert reading.leaves(scene.case.pk, 0, 5) == own
    assert ledger_head(scene.cast.alice.actor, scene.case).size == 5


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"i":0}',
        b'{"i":0,"fields":[],"hidden":[]}',
        b'{"i":true,"fields":{},"hidden":[]}',
        b'{"i":0,"fields":{"a":[1,2]},"hidden":[]}',
        b'{"i":0,"fields":{"a":["00"]},"hidden":[]}',
        b'{"i":0,"fields":{"a":"00"},"hidden":[]}',
    ],
)
def test_openings_that_are_none(scene: Scene, line: bytes) -> None:
    assert say(scene.carol, scene, "refeed/openings", line + b"\n", LINES).status_code == 422


def test_openings_of_entries_that_are_not_there_or_need_none(scene: Scene) -> None:
    for index, status in ((0, 200), (4, 200), (5, 404), (-1, 404), (10**30, 404)):
        line = json.dumps({"i": index, "fields": {"a": ["00", 1]}, "hidden": []}).encode() + b"\n"
        assert say(scene.carol, scene, "refeed/openings", line, LINES).status_code == status
    twice = (json.dumps({"i": 0, "fields": {}, "hidden": []}) + "\n") * 2
    assert say(scene.carol, scene, "refeed/openings", twice.encode(), LINES).status_code == 409


def test_the_policy_names_the_log_and_the_witness(witnessed: tuple[Scene, Witness]) -> None:
    scene, witness = witnessed
    response = scene.rhea.get(f"{scene.path}/ledger/policy")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    said = response.content.decode()
    origin = signing.parse_checkpoint(newest(scene.rhea, scene)).origin
    assert f"log {signing.vkey(origin, host_key().public)}\n" in said
    assert witness.key.vkey in said


def damaged(body: bytes, chance: random.Random) -> bytes:
    """A body that somebody mistyped, cut off, doubled or put together from pieces."""
    at, to = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    piece = chance.choice(
        [b"", b"\0", b"\xff", b"\n", b"9" * 30, b"-1", b"{}", b"[", b'"', "\u2028".encode()]
    )
    return chance.choice(
        [
            body[:at] + piece + body[to:],
            body[:at] + body[at:to] * 2 + body[to:],
            body[:at],
            body[at:to] + body,
        ]
    )


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_sent_is_answered_and_nothing_gets_in(
    witnessed: tuple[Scene, Witness], seed: int
) -> None:
    scene, witness = witnessed
    say(scene.carol, scene, "seen", beyond(scene))
    chance, note = random.Random(seed), newest(scene.carol, scene)
    rows = reading.read_entries(scene.case.pk)
    lines = b"".join(row.leaf + b"\n" for row in rows)
    openings = [{"i": row.index, "fields": row.opening, "hidden": ["00" * 32]} for row in rows]
    given = b"".join(json.dumps(one).encode() + b"\n" for one in openings)
    for _ in range(12):
        for tail, body, kind in (
            ("cosignatures?size=5", witness.cosign(note).encode(), TEXT),
            ("cosignatures", (note + witness.cosign(note)).encode(), TEXT),
            ("seen", note.encode(), TEXT),
            ("refeed?from=0", lines, LINES),
            ("refeed/checkpoint", beyond(scene).encode(), TEXT),
            ("refeed/openings", given, LINES),
        ):
            answer = say(scene.carol, scene, tail, damaged(body, chance), kind)
            assert answer.status_code < 500 or answer.json()["type"].endswith(":log-in-doubt")
    assert reading.read_entries(scene.case.pk) == rows
    for held in Cosignature.objects.filter(log=scene.case.pk):
        assert (held.size, bytes(held.public)) == (5, witness.holder.public)


@pytest.fixture(autouse=True)
def forget(scene: Scene) -> Any:
    """The files beside the host key outlive the rolled back database of these tests."""
    yield
    for path in memory().folder.glob(f"{scene.case.pk}*"):
        path.unlink()
