"""Joining, leading, closing and leaving by API."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.client import is_problem
from tests.api.conftest import Scene


def propose(scene: Scene, **changed: str) -> Any:
    body = {"party": str(scene.cast.outsiders), "role": "partner"} | changed
    return scene.alice.post(f"{scene.path}/parties", body)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, is_problem(answer)["type"].rsplit(":", 1)[-1]


def test_a_proposed_party_joins_with_the_last_consent(scene: Scene) -> None:
    told = propose(scene).json()
    proposal = told["proposal"]
    assert (proposal["kind"], proposal["status"], proposal["by"]["id"]) == (
        "party",
        "open",
        str(scene.cast.northwind),
    )
    assert [party["id"] for party in proposal["waits_for"]] == [str(scene.cast.contoso)]
    listed = scene.carol.get(f"{scene.path}/parties").json()["proposals"]
    assert [one["id"] for one in listed] == [proposal["id"]]
    at = f"{scene.path}/parties/proposals/{proposal['id']}"
    key = {"Idempotency-Key": "yes"}
    first, again = (scene.carol.post(f"{at}/consent", {}, headers=key) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (200, "carried")
    assert again.json()["receipt"]["replayed"] is True
    assert scene.mallory.get(scene.path).json()["my_part"] == "partner"
    assert code_of(scene.carol.post(f"{at}/consent", {})) == (409, "not-open")


def test_an_objection_says_why(scene: Scene) -> None:
    at = f"{scene.path}/parties/proposals/{propose(scene).json()['proposal']['id']}"
    assert code_of(scene.carol.post(f"{at}/object", {}))[0] == 422
    told = scene.carol.post(f"{at}/object", {"reason": "A competitor."}).json()
    assert told["status"] == "refused"
    assert [(one["answer"], one["reason"]) for one in told["answers"]] == [("objected", "A competitor.")]


def test_a_proposal_is_withdrawn_by_who_made_it(scene: Scene) -> None:
    at = f"{scene.path}/parties/proposals/{propose(scene).json()['proposal']['id']}"
    assert code_of(scene.carol.post(f"{at}/withdraw", {"reason": "x"})) == (403, "not-yours")
    told = scene.alice.post(f"{at}/withdraw", {"reason": "Too early."}).json()
    assert (told["status"], told["end_reason"]) == ("withdrawn", "Too early.")


def test_closing_waits_for_every_active_party(scene: Scene) -> None:
    asked = scene.alice.post(f"{scene.path}/status", {"to": "closed", "reason": "Settled."}).json()
    at = f"{scene.path}/closing/{asked['closing']['id']}"
    assert code_of(scene.rhea.post(f"{at}/agree", {})) == (403, "role")
    assert code_of(scene.alice.post(f"{at}/agree", {})) == (409, "answered-already")
    assert code_of(scene.carol.post(f"{at}/dissent", {}))[0] == 422
    told = scene.carol.post(f"{at}/dissent", {"reason": "They are back."}).json()
    assert (told["status"], told["answers"][0]["answer"]) == ("carried", "dissented")
    assert scene.carol.get(scene.path).json()["status"] == "closed"


def test_the_lead_is_offered_and_accepted(scene: Scene) -> None:
    assert code_of(scene.alice.post(f"{scene.path}/lead", {"to": str(scene.cast.regulator)}))[0] == 422
    offered = scene.alice.post(f"{scene.path}/lead", {"to": str(scene.cast.contoso)})
    assert offered.status_code == 201
    assert code_of(scene.alice.post(f"{scene.path}/parties/leave", {"reason": "x"})) == (409, "lead-stays")
    at = f"{scene.path}/lead/{offered.json()['id']}"
    assert scene.carol.post(f"{at}/accept", {}).json()["status"] == "carried"
    assert scene.alice.get(scene.path).json()["my_part"] == "partner"
    refused = scene.carol.post(f"{scene.path}/lead", {"to": str(scene.cast.northwind)}).json()
    at = f"{scene.path}/lead/{refused['id']}"
    assert scene.alice.post(f"{at}/refuse", {"reason": "Not now."}).json()["status"] == "refused"


def test_who_leaves_gets_a_receipt_and_nothing_more(scene: Scene) -> None:
    left = scene.carol.post(f"{scene.path}/parties/leave", {"reason": "Sold."})
    assert left.status_code == 200
    assert left.json()["receipt"]["checkpoint"].startswith("countersign/")
    for path in ("", "/parties", "/evidence", "/ledger", "/ledger/entries"):
        assert scene.carol.get(f"{scene.path}{path}").status_code == 404
    told = scene.alice.get(f"{scene.path}/parties").json()
    assert [one["party"]["id"] for one in told["past"]] == [str(scene.cast.contoso)]
    assert told["past"][0]["reason"] == "Sold."
    assert str(scene.cast.contoso) in [one["id"] for one in told["candidates"]]


@pytest.mark.parametrize("kind", ["parties/proposals", "closing", "lead"])
def test_what_is_not_proposed_here_is_not_there(scene: Scene, kind: str) -> None:
    proposal = propose(scene).json()["proposal"]["id"]
    good = {"parties/proposals": "consent", "closing": "agree", "lead": "accept"}[kind]
    for at in (
        f"{kind}/{uuid4()}/{good}",
        f"{kind}/{proposal}/nonsense",
        f"{kind}/x/{good}",
        *([f"{kind}/{proposal}/{good}"] if kind != "parties/proposals" else []),
    ):
        assert scene.carol.post(f"{scene.path}/{at}", {}).status_code == 404, at
    assert scene.mallory.post(f"{scene.path}/{kind}/{proposal}/{good}", {}).status_code == 404
