"""The ledger by API: what one party may read, all of them may verify."""

import base64
import hashlib

import pytest

from ledger import merkle
from tests.api.conftest import Scene
from tests.cast import sealed_item


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
