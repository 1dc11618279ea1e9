"""The ledger by API: what one party may read, all of them may verify."""

import base64
import hashlib
import time
from typing import Any

import pytest

from ledger import merkle, signing
from ledger.cosigning import Cosigned, WitnessKey, cosigned_message
from tests.api.conftest import Scene
from tests.cast import sealed_item
from tests.keyholders import FileKey, register_witness


def test_the_head(scene: Scene) -> None:
    said = scene.alice.get(f"{scene.path}/ledger").json()
    assert said["size"] == 5  # opened log, created, opened, two parties
    assert len(said["root"]) == 64
    assert said["checkpoint"].splitlines()[1] == "5"
    assert scene.carol.get(f"{scene.path}/ledger").json() == said


def test_a_sealed_entry_says_who_and_when_and_no_more(scene: Scene) -> None:
    sealed_item(scene.cast, scene.case)
    mine = scene.alice.get(f"{scene.path}/ledger/entries?after=4").json()["entries"]
    theirs = scene.carol.get(f"{scene.path}/ledger/entries?after=4").json()["entries"]
    assert [one["type"] for one in mine] == ["EvidenceAcquired", "EvidenceReceived", "EvidenceSealed"]
    assert mine[0]["opening"]["title"][1] == "Gateway log"
    for seen, opened in zip(theirs, mine, strict=True):
        assert (seen["opening"], seen["type"]) == (None, None)
        assert seen["leaf"] == opened["leaf"]
        assert seen["leaf_hash"] == hashlib.sha256(b"\0" + base64.b64decode(seen["leaf"])).hexdigest()
        assert "Gateway" not in str(seen)


def test_pages_of_entries(scene: Scene) -> None:
    first = scene.alice.get(f"{scene.path}/ledger/entries?limit=3").json()
    rest = scene.alice.get(f"{scene.path}/ledger/entries?limit=3&after={first['next']}").json()
    assert [one["index"] for one in first["entries"] + rest["entries"]] == [0, 1, 2, 3, 4]
    assert rest["next"] is None
    assert scene.alice.get(f"{scene.path}/ledger/entries?after=99999").json() == {"entries": [], "next": None}


@pytest.mark.parametrize("query", ["after=-2", "after=x", "limit=0", "limit=1001", "after=" + "9" * 30])
def test_bad_pages(scene: Scene, query: str) -> None:
    assert scene.alice.get(f"{scene.path}/ledger/entries?{query}").status_code == 422


def test_an_entry_is_proven_also_to_those_who_may_not_read_it(scene: Scene) -> None:
    sealed_item(scene.cast, scene.case)
    for index in range(8):
        said = scene.rhea.get(f"{scene.path}/ledger/entries/{index}").json()
        merkle.verify_inclusion(
            index,
            said["size"],
            bytes.fromhex(said["leaf_hash"]),
            [bytes.fromhex(one) for one in said["proof"]],
            bytes.fromhex(said["root"]),
        )
    for beyond in (8, 10**14):
        assert scene.rhea.get(f"{scene.path}/ledger/entries/{beyond}").status_code == 404


def test_how_far_each_entry_is_proven(scene: Scene) -> None:
    """Recorded until the witnesses of the lead and of every partner have countersigned; an observer's is not
    waited for."""
    witnesses = {}
    for person in (scene.cast.alice, scene.cast.carol):
        witnesses[person.party] = FileKey()
        register_witness(witnesses[person.party], by=person, name=f"{person.user.username}/witness")
    said = scene.rhea.get(f"{scene.path}/ledger").json()
    assert (said["countersigned"], said["waiting"], said["doubt"]) == (0, 0, None)
    assert [(one["part"], one["needed"], len(one["vkeys"])) for one in said["witnesses"]] == [
        ("lead", True, 1),
        ("partner", True, 1),
        ("observer", False, 0),
    ]
    for person in (scene.cast.alice, scene.cast.carol):
        key = WitnessKey(f"{person.user.username}/witness", witnesses[person.party].public)
        text, at = signing.parse_checkpoint(said["checkpoint"]).text, int(time.time())
        signature = witnesses[person.party].private.sign(cosigned_message(text, at))
        sent: dict[str, Any] = {
            "data": Cosigned(key, at, signature).line.encode(),
            "content_type": "text/plain",
        }
        taken = scene.rhea.ask("POST", f"{scene.path}/ledger/cosignatures?size=5", **sent)
        assert taken.status_code == 200
    scene.alice.post(f"{scene.path}/hold", {"hold": True, "reason": "Litigation."})
    said = scene.rhea.get(f"{scene.path}/ledger").json()
    assert (said["size"], said["countersigned"], said["waiting"]) == (6, 5, 5)
    assert said["waiting_since"] == said["recorded_at"]
    entries = scene.carol.get(f"{scene.path}/ledger/entries").json()["entries"]
    assert [one["state"] for one in entries] == ["countersigned"] * 5 + ["recorded"]
    both = [str(scene.cast.northwind), str(scene.cast.contoso)]
    assert [one["signed_by"] for one in entries] == [both] * 5 + [[]]
    old, new = (scene.carol.get(f"{scene.path}/ledger/entries/{index}").json() for index in (4, 5))
    assert (old["state"], new["state"]) == ("countersigned", "recorded")
    assert {one["party"] for one in old["countersigned_by"]} == {
        str(scene.cast.northwind),
        str(scene.cast.contoso),
    }
    assert (old["signed_by"], new["signed_by"]) == (both, [])
    assert (new["countersigned_at"], new["countersigned_by"]) == (None, [])
    assert new["after"] == old["countersigned_at"]


@pytest.mark.parametrize(
    "tail", ["", "/entries?limit=1000", "/entries/3", "/checkpoint", "/leaves", "/policy"]
)
def test_a_question_costs_the_same_however_long_the_log(
    scene: Scene, tail: str, django_assert_max_num_queries: Any
) -> None:
    sealed_item(scene.cast, scene.case)
    with django_assert_max_num_queries(12):
        assert scene.carol.get(f"{scene.path}/ledger{tail}").status_code == 200
