"""Referrals by API, and what their receiver is not told before it accepts."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from cases import reads
from cases.models import Case, EvidenceItem, Referral
from cases.perform import perform
from cases.rules.case import CreateCase
from cases.rules.keys import RequireSignatures
from ledger import reading
from tests.api.client import Api, api_of
from tests.api.conftest import Scene
from tests.api.test_true_to_schema import check
from tests.cast import person, sealed_item
from tests.keyholders import FileKey, register

CANARY = "canary-91ab"
SAID = {
    "summary": "Your accounts extract our answers.",
    "indicators": ["203.0.113.7"],
    "purpose": "Find and stop them",
    "agreement": "NW-O 1",
}


@pytest.fixture
def alone(scene: Scene) -> Case:
    """A case that Northwind leads alone."""
    case = uuid4()
    perform(CreateCase(case=case, title=f"Title {CANARY}", summary=CANARY), actor=scene.cast.alice.actor)
    return reads.case(scene.cast.alice.actor, case)


@pytest.fixture
def item(scene: Scene, alone: Case) -> EvidenceItem:
    return sealed_item(scene.cast, alone, title=f"Item {CANARY}", filename=f"{CANARY}.jsonl")


@pytest.fixture
def sent(scene: Scene, alone: Case, item: EvidenceItem) -> dict[str, Any]:
    """A referral with that item, sent by alice to mallory's party."""
    body = SAID | {"case": alone.reference, "to": str(scene.cast.outsiders), "items": ["E-1"]}
    body |= {"labels": ["One log"], "allowed": ["search", "preview"]}
    answer = scene.alice.post("/referrals", body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(told["id"])
    return told


def test_sender_and_receiver_read_the_same_words_and_each_its_own_side(
    scene: Scene, alone: Case, item: EvidenceItem, sent: dict[str, Any]
) -> None:
    theirs = scene.mallory.get(f"/referrals/{sent['id']}").json()
    own = scene.alice.get(f"/referrals/{sent['id']}").json()
    for name, value in SAID.items():
        assert own[name] == theirs[name] == value
    assert (own["side"], theirs["side"]) == ("sent", "received")
    assert (own["case"], theirs["case"]) == (alone.reference, None)
    assert (own["items"], theirs["items"]) == ([str(item.pk)], [])
    assert own["item_count"] == theirs["item_count"] == 1
    assert theirs["labels"] == ["One log"]
    assert theirs["waits"]
    assert sent["receipt"]["index"] > 0


def test_lists_by_side(scene: Scene, sent: dict[str, Any]) -> None:
    for client, side, ids in (
        (scene.mallory, "", [sent["id"]]),
        (scene.mallory, "?side=received", [sent["id"]]),
        (scene.mallory, "?side=sent", []),
        (scene.alice, "?side=sent", [sent["id"]]),
        (scene.carol, "", []),
        (scene.rhea, "", []),
    ):
        assert [one["id"] for one in client.get(f"/referrals{side}").json()["results"]] == ids
    assert scene.alice.get("/referrals?side=both").status_code == 422


def test_a_list_is_paged(scene: Scene, alone: Case) -> None:
    body = SAID | {"case": str(alone.pk), "to": str(scene.cast.outsiders)}
    made = [scene.alice.post("/referrals", body).json()["id"] for _ in range(3)]
    first = scene.mallory.get("/referrals?limit=2").json()
    second = scene.mallory.get(f"/referrals?limit=2&cursor={first['next']}").json()
    assert [one["id"] for one in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None


def test_from_nothing_with_one_request_that_may_be_repeated(scene: Scene) -> None:
    body = SAID | {"matter": {"title": "Resold keys"}, "to": str(scene.cast.outsiders)}
    key = {"Idempotency-Key": "the-same-wish"}
    first, second = (scene.alice.post("/referrals", body, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 201, first.text
    assert first.json()["id"] == second.json()["id"]
    assert not first.json()["recorded"]["replayed"]
    assert second.json()["recorded"]["replayed"]
    [case] = reads.my_cases(scene.cast.alice.actor, text="Resold keys")
    assert (case.status, case.reference) == ("draft", first.json()["case"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"to": str(UUID(int=5))}, 422),
        ({"tlp": "TLP:RED"}, 409),
        ({"items": ["E-1"]}, 422),
        ({"case": "CS-2026-0001"}, 422),
        ({"expires_at": "2001-01-01T00:00:00Z"}, 422),
        ({"nonsense": 1}, 422),
    ],
)
def test_what_is_refused_leaves_no_draft(scene: Scene, change: dict[str, Any], status: int) -> None:
    body = SAID | {"matter": {"title": "Resold keys"}, "to": str(scene.cast.outsiders)} | change
    assert scene.alice.post("/referrals", body).status_code == status
    assert not reads.my_cases(scene.cast.alice.actor, text="Resold keys").exists()


def test_who_must_sign_leaves_no_draft_either(scene: Scene) -> None:
    register(FileKey(), by=scene.cast.alice)
    rule = RequireSignatures(party=scene.cast.northwind, required=True)
    perform(rule, actor=scene.cast.alice.actor)
    body = SAID | {"matter": {"title": "Resold keys"}, "to": str(scene.cast.outsiders)}
    answer = scene.alice.post("/referrals", body)
    assert answer.json()["type"].endswith(":signature-needed")
    assert not reads.my_cases(scene.cast.alice.actor, text="Resold keys").exists()


def authorship(holder: FileKey, key: str, intent: str) -> dict[str, str]:
    return {"key": key, "alg": "ed25519", "intent": intent, "sig": holder.sign(intent).sig}


def test_from_nothing_and_signed(scene: Scene) -> None:
    holder = FileKey()
    key = register(holder, by=scene.cast.alice)
    body = SAID | {"matter": {"title": "Resold keys"}, "to": str(scene.cast.outsiders)}
    drawn = scene.alice.post("/referrals/intents", body).json()
    assert not reads.my_cases(scene.cast.alice.actor, text="Resold keys").exists()
    signed = {
        "key": key,
        "alg": "ed25519",
        "intent": drawn["intent"],
        "sig": holder.sign(drawn["intent"]).sig,
    }
    answer = scene.alice.post("/referrals", body | {"authorship": signed})
    assert answer.status_code == 201, answer.text
    case = Referral.objects.get(pk=answer.json()["id"]).case_id
    [act] = [one for one in reading.read_events(case) if "signed" in one.fields]
    assert act.type == "ReferralSent"


def test_asking_answering_refusing_withdrawing(scene: Scene, alone: Case, sent: dict[str, Any]) -> None:
    at = f"/referrals/{sent['id']}"
    asked = scene.mallory.post(f"{at}/ask", {"question": "Which week?"})
    assert (asked.status_code, asked.json()["asking"], asked.json()["receipt"]) == (200, True, None)
    assert len(asked.json()["recorded"]["leaf_hash"]) == 64
    answered = scene.alice.post(f"{at}/answer", {"text": "The second."}).json()
    assert [(note["kind"], note["text"]) for note in answered["notes"]] == [
        ("question", "Which week?"),
        ("answer", "The second."),
    ]
    refused = scene.mallory.post(f"{at}/refuse", {"reason": "Not ours"}).json()
    assert (refused["status"], refused["reason"], refused["case"]) == ("refused", "Not ours", None)
    assert scene.alice.post(f"{at}/withdraw", {"reason": "Mistaken"}).status_code == 409
    body = SAID | {"case": str(alone.pk), "to": str(scene.cast.outsiders)}
    other = scene.alice.post("/referrals", body).json()["id"]
    assert (
        scene.alice.post(f"/referrals/{other}/withdraw", {"reason": "Mistaken"}).json()["status"]
        == "withdrawn"
    )


def test_accepting_answers_with_the_case_and_its_receipt(
    scene: Scene, alone: Case, item: EvidenceItem, sent: dict[str, Any]
) -> None:
    at = f"/referrals/{sent['id']}"
    assert scene.mallory.post(f"{at}/accept", {"terms": "0" * 64}).status_code == 409
    terms = scene.mallory.get(at).json()["digest"]
    answer = scene.mallory.post(f"{at}/accept", {"terms": terms})
    assert answer.status_code == 200, answer.text
    assert answer.json()["case"] == alone.reference
    assert len(answer.json()["receipt"]["entries"]) == 4
    items = scene.mallory.get(f"/cases/{alone.reference}/evidence").json()["results"]
    assert [one["id"] for one in items] == [str(item.pk)]


def test_an_acceptance_is_signed_before_the_case_is_seen(scene: Scene, sent: dict[str, Any]) -> None:
    holder, at = FileKey(), f"/referrals/{sent['id']}"
    key = register(holder, by=scene.cast.mallory)
    rule = RequireSignatures(party=scene.cast.outsiders, required=True)
    perform(rule, actor=scene.cast.mallory.actor)
    assert scene.mallory.post(f"{at}/accept", {}).status_code == 409
    drawn = scene.mallory.post(f"{at}/intents", {}).json()
    signed = {
        "key": key,
        "alg": "ed25519",
        "intent": drawn["intent"],
        "sig": holder.sign(drawn["intent"]).sig,
    }
    assert scene.mallory.post(f"{at}/accept", {"authorship": signed}).status_code == 200


def test_consent(scene: Scene) -> None:
    body = SAID | {"case": scene.case.reference, "to": str(scene.cast.outsiders)}
    at = f"/referrals/{scene.alice.post('/referrals', body).json()['id']}"
    assert scene.mallory.get(at).status_code == scene.carol.get(at).status_code == 404
    [asked] = scene.carol.get("/referrals").json()["consent_asked"]
    assert (asked["case"], asked["receiver"]["id"]) == (scene.case.reference, str(scene.cast.outsiders))
    for client in (scene.mallory, scene.rhea):
        assert client.get("/referrals").json()["consent_asked"] == []
        assert client.post(f"{at}/consent", {"agreed": True}).status_code == 404
    assert scene.carol.post(f"{at}/consent", {"agreed": True}).json()["receipt"]["index"] > 0
    assert scene.mallory.get(at).json()["status"] == "waiting"
    [one] = scene.alice.get(at).json()["consents"]
    assert one["agreed"] is True
    assert scene.mallory.get(at).json()["consents"] == []


# Walls


def everything(client: Api, at: str, case: Case) -> Iterator[tuple[str, Any]]:
    """All that a receiver can get before it accepts, refusals among it."""
    acts = ("accept", "intents", "ask", "answer", "withdraw", "consent", "refuse")
    for path in ("/referrals", "/referrals?side=received&limit=1", at, "/me", "/cases", "/keys", "/schema"):
        for method in ("GET", "HEAD", "OPTIONS"):
            yield path, client.ask(method, path)
    for act in acts:
        yield act, client.get(f"{at}/{act}")
        for body in (
            {"agreed": None},
            {"nonsense": 1},
            {"terms": "0" * 64},
            {"reason": " "},
            {"agreed": False},
        ):
            yield act, client.post(f"{at}/{act}", body)
    yield "ask", client.post(f"{at}/ask", {"question": "Who?"})
    for given in (case.reference, str(case.pk)):
        for path in ("", "/parties", "/evidence", "/evidence/E-1", "/ledger", "/ledger/entries", "/intents"):
            answer = client.get(f"/cases/{given}{path}")
            assert answer.status_code in (404, 405)
            yield path, answer
    yield "refuse", client.post(f"{at}/refuse", {"reason": "Not ours"})
    yield at, client.get(at)


def test_before_acceptance_nothing_of_the_case_is_in_any_answer(
    scene: Scene, alone: Case, item: EvidenceItem, sent: dict[str, Any]
) -> None:
    head = reading.head(alone.pk)
    assert head is not None
    secrets = (CANARY, alone.reference, str(item.pk), item.sha256, head.root_hex)
    found = 0
    for path, answer in everything(scene.mallory, f"/referrals/{sent['id']}", alone):
        assert answer.status_code < 500
        said = f"{answer.headers}{answer.text}".replace(f"/cases/{alone.reference}", "")
        for secret in secrets:
            assert secret not in said, (path, secret)
        found += SAID["purpose"] in said  # type: ignore[operator]
        if path != "/schema":
            for name in ('"size"', '"index"', '"checkpoint"'):
                assert name not in said, (path, name)
    assert found > 2


def test_absent_and_another_partys_are_the_same_answer(scene: Scene, sent: dict[str, Any]) -> None:
    for path in ("", "/accept", "/refuse", "/ask", "/answer", "/withdraw", "/consent", "/intents"):
        ask = scene.carol.get if not path else lambda at: scene.carol.post(at, {})
        there, nowhere = (ask(f"/referrals/{one}{path}") for one in (sent["id"], uuid4()))
        assert there.status_code == nowhere.status_code == 404
        assert there.json() | {"instance": ""} == nowhere.json() | {"instance": ""}


def test_a_member_without_the_role_is_told_so(scene: Scene, sent: dict[str, Any]) -> None:
    vic = person(f"vic-{uuid4().hex[:6]}", scene.cast.outsiders, "viewer", host=scene.cast.operator)
    answer = api_of(vic).post(f"/referrals/{sent['id']}/accept", {})
    assert answer.status_code == 403
    assert answer.json()["type"].endswith(":role")


def test_answers_are_as_described(scene: Scene, sent: dict[str, Any]) -> None:
    described, at = Api().get("/schema").json(), f"/referrals/{sent['id']}"
    check(described, "/referrals", "get", scene.mallory.get("/referrals"))
    check(described, "/referrals/{referral}", "get", scene.alice.get(at))
    check(described, "/referrals/{referral}", "get", scene.carol.get(at))
    for act, body in (
        ("ask", {"question": "Who?"}),
        ("accept", {"terms": "0" * 64}),
        ("accept", {}),
        ("refuse", {"reason": "Late"}),
    ):
        check(described, f"/referrals/{{referral}}/{act}", "post", scene.mallory.post(f"{at}/{act}", body))
