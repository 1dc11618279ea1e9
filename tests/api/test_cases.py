"""Cases by API: create, list, revise, move, hold, join."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Case
from tests.api.client import is_problem
from tests.api.conftest import Scene
from tests.cast import joint_case


def test_a_title_is_enough_to_create_a_case(scene: Scene) -> None:
    response = scene.alice.post("/cases", {"title": "Bulk extraction"})
    assert response.status_code == 201
    said = response.json()
    assert re.fullmatch(r"CS-\d{4}-\d{4,5}", said["reference"])
    assert (said["status"], said["category"], said["severity"], said["tlp"]) == (
        "draft",
        "other",
        "medium",
        "TLP:AMBER",
    )
    assert said["my_part"] == "lead"
    assert said["lead"]["id"] == str(scene.cast.northwind)
    assert said["receipt"]["log"] == said["id"]
    assert said["receipt"]["checkpoint"].startswith("countersign/")
    assert len(said["receipt"]["entries"]) == said["receipt"]["size"]
    assert response["Location"] == f"/api/v1/cases/{said['id']}"
    assert scene.alice.get(f"/cases/{said['reference']}").json()["id"] == said["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", said["created_at"])


def test_words_are_understood_as_people_write_them(scene: Scene) -> None:
    body = {"title": "x", "category": "Model distillation", "severity": "HIGH", "tlp": "amber+strict"}
    said = scene.alice.post("/cases", body).json()
    assert (said["category"], said["severity"], said["tlp"]) == (
        "model_distillation",
        "high",
        "TLP:AMBER+STRICT",
    )


BAD_CASES = [
    ({}, "title", "required"),
    ({"title": ""}, "title", "blank"),
    ({"title": "x" * 201}, "title", "200"),
    ({"title": "a\0b"}, "title", "Null"),
    ({"title": "\ud800"}, "title", ""),
    ({"title": {"a": 1}}, "title", "valid string"),
    ({"title": "x", "category": "murder"}, "category", "not a valid choice"),
    ({"title": "x", "severity": 7}, "severity", "not a valid choice"),
    ({"title": "x", "tlp": "TLP:PURPLE"}, "tlp", "not a valid choice"),
    ({"title": "x", "titel": "y"}, "titel", "Nothing here reads this field"),
    ({"title": "x", "reference": "r" * 41}, "reference", "40"),
]


@pytest.mark.parametrize(("body", "field", "sentence"), BAD_CASES)
def test_a_bad_case_is_refused_by_field(scene: Scene, body: object, field: str, sentence: str) -> None:
    before = Case.objects.count()
    response = scene.alice.post("/cases", body)
    assert response.status_code == 422
    told = is_problem(response)["errors"]
    assert [one["field"] for one in told] == [field]
    assert sentence in told[0]["detail"]
    assert Case.objects.count() == before


def test_opening_and_reopening_are_done_once(scene: Scene) -> None:
    case = scene.alice.post("/cases", {"title": "x"}).json()["id"]
    for body, key in (
        ({"to": "open"}, "open"),
        ({"to": "closed", "reason": "Done."}, "close"),
        ({"to": "open", "reason": "More."}, "reopen"),
    ):
        first, again = (
            scene.alice.post(f"/cases/{case}/status", body, headers={"Idempotency-Key": key})
            for _ in range(2)
        )
        assert (first.status_code, again.status_code) == (200, 200), again.content
        assert again.json()["receipt"]["replayed"] is True


def test_the_same_key_creates_one_case(scene: Scene) -> None:
    key = {"Idempotency-Key": "ticket 4711"}
    first = scene.alice.post("/cases", {"title": "Once"}, headers=key)
    again = scene.alice.post("/cases", {"title": "Once"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["receipt"]["leaf_hash"] == again.json()["receipt"]["leaf_hash"]
    assert again.json()["receipt"]["replayed"] is True
    other = scene.alice.post("/cases", {"title": "Twice"}, headers=key)
    assert other.status_code == 409
    assert scene.carol.post("/cases", {"title": "Once"}, headers=key).json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256])
def test_a_bad_key_is_refused(scene: Scene, key: str) -> None:
    assert scene.alice.post("/cases", {"title": "x"}, headers={"Idempotency-Key": key}).status_code == 422


def test_only_investigators_create_cases(scene: Scene) -> None:
    assert scene.rhea.post("/cases", {"title": "x"}).status_code == 403


def test_revise(scene: Scene) -> None:
    response = scene.alice.ask("PATCH", scene.path, json_={"severity": "critical"})
    assert response.status_code == 200
    assert response.json()["severity"] == "critical"
    assert response.json()["title"] == scene.case.title
    assert scene.alice.ask("PATCH", scene.path, json_={"severity": "critical"}).status_code == 409
    assert scene.carol.ask("PATCH", scene.path, json_={"severity": "low"}).status_code == 403


def test_the_life_of_a_case(scene: Scene) -> None:
    def go(to: str, reason: str = "") -> int:
        return int(scene.alice.post(f"{scene.path}/status", {"to": to, "reason": reason}).status_code)

    assert go("contained") == 422
    assert go("contained", "Accounts are suspended.") == 200
    asked = scene.alice.post(f"{scene.path}/status", {"to": "closed", "reason": "Settled."})
    assert (asked.status_code, asked.json()["status"]) == (200, "contained")
    closing = asked.json()["closing"]
    assert [party["id"] for party in closing["waits_for"]] == [str(scene.cast.contoso)]
    assert go("closed", "Settled.") == 409
    assert scene.carol.post(f"{scene.path}/closing/{closing['id']}/agree", {}).status_code == 200
    assert scene.alice.get(scene.path).json()["status"] == "closed"
    assert scene.alice.get(scene.path).json()["status_reason"] == "Settled."
    assert go("open", "New accounts appeared.") == 200
    assert scene.alice.get(scene.path).json()["status"] == "open"
    assert go("buried", "x") == 422


def test_hold(scene: Scene) -> None:
    placed = scene.carol.post(f"{scene.path}/hold", {"hold": True, "reason": "Litigation is expected."})
    assert placed.status_code == 200
    assert placed.json()["legal_hold"] is True
    assert scene.alice.post(f"{scene.path}/hold", {"hold": False, "reason": "x"}).status_code == 409
    assert scene.rhea.post(f"{scene.path}/hold", {"hold": True, "reason": "x"}).status_code == 403
    lifted = scene.carol.post(f"{scene.path}/hold", {"hold": False, "reason": "Settled."})
    assert lifted.json()["legal_hold"] is False


def test_parties(scene: Scene) -> None:
    seen = scene.alice.get(f"{scene.path}/parties").json()
    assert [one["role"] for one in seen["results"]] == ["lead", "partner", "observer"]
    assert str(scene.cast.outsiders) in [one["id"] for one in seen["candidates"]]
    assert scene.rhea.get(f"{scene.path}/parties").json()["candidates"] == []
    body = {"party": str(scene.cast.outsiders), "role": "observer"}
    proposed = scene.alice.post(f"{scene.path}/parties", body)
    assert proposed.status_code == 201
    told = proposed.json()
    assert (told["party"]["id"], told["joined_at"]) == (str(scene.cast.outsiders), None)
    assert scene.mallory.get(scene.path).status_code == 404
    at = f"{scene.path}/parties/proposals/{told['proposal']['id']}"
    assert scene.alice.post(f"{scene.path}/parties", body).status_code == 409
    assert (
        scene.alice.post(f"{scene.path}/parties", {"party": str(uuid4()), "role": "partner"}).status_code
        == 422
    )
    assert scene.alice.post(f"{scene.path}/parties", {"party": "x", "role": "lead"}).status_code == 422
    assert scene.mallory.post(f"{at}/consent", {}).status_code == 404
    consented = scene.carol.post(f"{at}/consent", {})
    assert (consented.status_code, consented.json()["status"]) == (200, "carried")
    assert scene.mallory.get(scene.path).status_code == 200


def test_pages_hold_every_case_once(scene: Scene) -> None:
    wanted = {str(scene.case.pk)} | {str(joint_case(scene.cast, title=f"Case {n}").pk) for n in range(6)}
    found: list[str] = []
    cursor = ""
    while True:
        page = scene.alice.get(f"/cases?limit=2{cursor}").json()
        found += [one["id"] for one in page["results"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(found) == 7
    assert set(found) == wanted
    with CaptureQueriesContext(
        connection,
    ) as queries:
        scene.alice.get("/cases?limit=200")
    assert len(queries) <= 12


def test_filters(scene: Scene) -> None:
    joint_case(scene.cast, title="Other draft", open_=False)

    def titles(query: str) -> set[str]:
        return {one["title"] for one in scene.alice.get(f"/cases?{query}").json()["results"]}

    assert titles("status=draft") == {"Other draft"}
    assert titles("status=draft&status=open") == {"Other draft", scene.case.title}
    assert titles("text=gateway") == {scene.case.title}
    assert titles("category=other") == set()
    assert titles("updated_after=2030-01-01T00:00:00Z") == set()


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=", "limit=1e9", "limit=" + "9" * 5000, "cursor=%%%",
        "cursor=bnVsbA", "cursor=WyJ4IiwieSJd", "status=buried", "updated_after=yesterday", "text=%00",
    ],
)  # fmt: skip
def test_a_bad_query_string_is_refused(scene: Scene, query: str) -> None:
    response = scene.alice.get(f"/cases?{query}")
    assert response.status_code == 422
    assert is_problem(response)["errors"]
