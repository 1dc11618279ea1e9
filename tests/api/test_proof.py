"""Checkpoints, leaves and proofs by API, for each party of a case and nobody else."""

import base64
from typing import Any
from uuid import uuid4

import pytest

from ledger import merkle, signing
from ledger.host import host_key
from tests.api.client import Api, is_problem
from tests.api.conftest import Scene
from tests.cast import sealed_item


def verified(note: str, origin: str) -> signing.Checkpoint:
    return signing.verify_checkpoint(note, name=origin, public=host_key().public)


def origin(scene: Scene) -> str:
    return f"countersign/localhost/case/{scene.case.pk}"


def leaves(api: Api, scene: Scene, query: str = "") -> list[bytes]:
    response = api.get(f"{scene.path}/ledger/leaves{query}")
    assert response["Content-Type"] == "application/jsonl"
    lines: list[bytes] = response.content.split(b"\n")
    assert lines.pop() == b""
    return lines


def test_every_party_computes_the_signed_root_from_the_leaves(scene: Scene) -> None:
    sealed_item(scene.cast, scene.case)
    for api in (scene.alice, scene.carol, scene.rhea):
        response = api.get(f"{scene.path}/ledger/checkpoint")
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        signed = verified(response.content.decode(), origin(scene))
        assert signed.size == 8
        assert merkle.root_of_leaves(map(merkle.leaf_hash, leaves(api, scene))) == signed.root


def test_an_older_checkpoint_by_its_size(scene: Scene) -> None:
    said = scene.carol.get(f"{scene.path}/ledger/checkpoint?size=3").content.decode()
    assert verified(said, origin(scene)).size == 3
    # The log was opened and the case created in one append: there was never a checkpoint in between.
    assert scene.carol.get(f"{scene.path}/ledger/checkpoint?size=1").status_code == 404


def test_pages_of_leaves_end_with_the_log_and_with_the_tile(scene: Scene) -> None:
    whole = leaves(scene.rhea, scene)
    assert len(whole) == 5
    assert leaves(scene.rhea, scene, "?from=2&to=4") == whole[2:4]
    assert leaves(scene.rhea, scene, "?from=3&to=999999") == whole[3:]
    for nothing in ("?from=5", "?from=2&to=2", "?from=5000000&to=9000000"):
        assert leaves(scene.rhea, scene, nothing) == []


def test_the_log_is_shown_to_have_only_grown(scene: Scene) -> None:
    for older in range(6):
        said = scene.carol.get(f"{scene.path}/ledger/consistency?from={older}").json()
        assert (said["size1"], said["size2"], said["origin"]) == (older, 5, origin(scene))
        merkle.verify_consistency(
            older,
            5,
            [bytes.fromhex(step) for step in said["proof"]],
            bytes.fromhex(said["root1"]),
            bytes.fromhex(said["root2"]),
        )
    between = scene.carol.get(f"{scene.path}/ledger/consistency?from=1&to=4").json()
    assert len(between["proof"]) == 2


def test_the_receipt_names_its_proof(scene: Scene) -> None:
    receipt = scene.alice.post(f"{scene.path}/hold", {"hold": True, "reason": "Litigation."}).json()[
        "receipt"
    ]
    assert receipt["proof"] == f"/api/v1{scene.path}/ledger/entries/{receipt['index']}/proof"
    response = scene.rhea.get(receipt["proof"].removeprefix("/api/v1"))
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    proof, _, note = response.content.decode().partition("\n\n")
    header, place, *path = proof.split("\n")
    assert (header, place) == ("c2sp.org/tlog-proof@v1", f"index {receipt['index']}")
    signed = verified(note, origin(scene))
    merkle.verify_inclusion(
        receipt["index"],
        signed.size,
        bytes.fromhex(receipt["leaf_hash"]),
        [base64.b64decode(step) for step in path],
        signed.root,
    )
    older = scene.rhea.get(f"{scene.path}/ledger/entries/0/proof?size=3").content.decode()
    assert verified(older.partition("\n\n")[2], origin(scene)).size == 3


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("checkpoint?size=x", 422),
        ("checkpoint?size=-1", 422),
        ("checkpoint?size=" + "9" * 40, 422),
        ("checkpoint?size=99", 404),
        ("leaves?from=-1", 422),
        ("leaves?from=%EF%BC%91", 422),
        ("leaves?from=1.5", 422),
        ("leaves?from=3&to=2", 422),
        ("leaves?to=" + "9" * 19, 422),
        ("consistency", 422),
        ("consistency?from=-1", 422),
        ("consistency?from=3&to=2", 422),
        ("consistency?from=6", 422),
        ("consistency?from=2&to=6", 404),
        ("entries/5/proof", 404),
        ("entries/2/proof?size=2", 404),
        ("entries/0/proof?size=1", 404),
        ("entries/0/proof?size=-3", 422),
        ("entries/-1/proof", 404),
        ("entries/" + "9" * 15 + "/proof", 404),
    ],
)
def test_questions_that_have_no_answer(scene: Scene, query: str, status: int) -> None:
    assert scene.carol.get(f"{scene.path}/ledger/{query}").status_code == status


ROUTES: list[tuple[str, str, str, bytes | None]] = [
    ("GET", "checkpoint", "", None),
    ("GET", "leaves", "", None),
    ("GET", "consistency?from=0", "", None),
    ("GET", "entries/0/proof", "", None),
    ("GET", "policy", "", None),
    ("POST", "cosignatures?size=5", "text/plain", b"x"),
    ("POST", "seen", "text/plain", b"x"),
    ("POST", "refeed?from=5", "application/jsonl", b"x"),
    ("POST", "refeed/checkpoint", "text/plain", b"x"),
    ("POST", "refeed/openings", "application/jsonl", b"x"),
    ("POST", "cosignatures?size=x", "text/csv", b"x"),
    ("POST", "refeed", "text/plain", b"x"),
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_a_stranger_cannot_tell_a_hidden_log_from_none(
    scene: Scene, route: tuple[str, str, str, bytes | None]
) -> None:
    method, tail, kind, body = route
    sent: dict[str, Any] = {} if body is None else {"data": body, "content_type": kind}
    answers = set()
    for case in (scene.case.pk, scene.case.reference, uuid4(), "CS-2020-9999"):
        response = scene.mallory.ask(method, f"/cases/{case}/ledger/{tail}", **sent)
        assert response.status_code == 404
        said = is_problem(response)
        said.pop("instance")
        answers.add(str(said))
        assert Api().ask(method, f"/cases/{case}/ledger/{tail}", **sent).status_code == 401
    assert len(answers) == 1
