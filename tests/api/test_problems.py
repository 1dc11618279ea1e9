"""Every error under /api/v1/ is a problem, and none says more than it should."""

import json
from uuid import UUID, uuid4

import pytest
from django.db import InterfaceError, OperationalError

from api.problems import problem_for
from cases import listings
from tests.api.client import Api, is_problem
from tests.api.conftest import Scene
from tests.cast import sealed_item

NO_ONE = UUID("5d1c8f8e-3a0b-4a6e-9a53-0c6f5f1f7a11")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/cases/a/b/c/d",
        "/cases/x/ledger/entries/-1",
        "/cases/%00",
        "/cases/a%20b",
        "/schema/x",
        "/cases//",
        "//",
    ],
)
def test_unknown_routes(scene: Scene, path: str) -> None:
    response = scene.alice.get(path)
    assert response.status_code == 404
    assert is_problem(response)["detail"] == "There is nothing here, or nothing that you may see."


def routes(case: object, item: object) -> list[tuple[str, str, object]]:
    """Each route below a case: method, path, a body that would do."""
    one = f"/cases/{case}"
    bit = f"{one}/evidence/{item}"
    return [
        ("GET", one, None),
        ("PATCH", one, {"title": "x"}),
        ("POST", f"{one}/status", {"to": "closed", "reason": "x"}),
        ("POST", f"{one}/hold", {"hold": True, "reason": "x"}),
        ("GET", f"{one}/parties", None),
        ("POST", f"{one}/parties", {"party": str(uuid4()), "role": "partner"}),
        ("GET", f"{one}/evidence", None),
        ("GET", bit, None),
        ("GET", f"{bit}/custody", None),
        ("GET", f"{bit}/content", None),
        ("GET", f"{bit}/rejects", None),
        ("GET", f"{bit}/records/1", None),
        ("GET", f"{one}/exposure", None),
        ("GET", f"{one}/why", None),
        ("GET", f"{one}/view-as", None),
        ("GET", f"{one}/knowledge", None),
        ("GET", f"{one}/shares", None),
        (
            "POST",
            f"{one}/shares",
            {"to": str(uuid4()), "items": ["1"], "operations": ["search"], "purpose": "x"},
        ),
        ("GET", f"{one}/shares/{uuid4()}", None),
        ("PATCH", f"{one}/shares/{uuid4()}", {"purpose": "x"}),
        ("POST", f"{one}/shares/{uuid4()}/accept", {}),
        ("POST", f"{one}/shares/{uuid4()}/refuse", {"reason": "x"}),
        ("POST", f"{one}/shares/{uuid4()}/revoke", {"reason": "x"}),
        ("POST", f"{one}/shares/{uuid4()}/give-up", {"reason": "x"}),
        ("POST", f"{one}/search", {"query": ""}),
        ("POST", f"{one}/search", {"query": "((("}),
        ("POST", f"{one}/histogram", {"query": ""}),
        ("POST", f"{one}/aggregate", {"query": "", "by": "x"}),
        ("GET", f"{one}/fields", None),
        ("GET", f"{one}/ledger", None),
        ("GET", f"{one}/ledger/entries", None),
        ("GET", f"{one}/ledger/entries/0", None),
    ]


@pytest.mark.parametrize("number", range(len(routes(0, 0))))
def test_a_stranger_cannot_tell_hidden_from_absent(scene: Scene, number: int) -> None:
    item = sealed_item(scene.cast, scene.case)
    answers = set()
    for case in (scene.case.pk, scene.case.reference, uuid4(), "CS-2020-9999"):
        method, path, body = routes(case, item.pk)[number]
        response = scene.mallory.ask(method, path, json_=body)
        assert response.status_code == 404
        said = is_problem(response)
        assert said.pop("instance") == f"/api/v1{path}"
        answers.add(json.dumps(said))
    assert len(answers) == 1


@pytest.mark.parametrize("number", range(len(routes(0, 0))))
def test_every_route_wants_a_token(scene: Scene, number: int) -> None:
    method, path, body = routes(scene.case.pk, uuid4())[number]
    assert Api().ask(method, path, json_=body).status_code == 401


def test_an_item_of_another_party_is_absent_until_it_is_shared(scene: Scene) -> None:
    item = sealed_item(scene.cast, scene.case)
    for tail in ("", "/custody", "/content", "/rejects", "/records/1"):
        for shown in (item.pk, item.label, item.number, uuid4(), "E-99"):
            assert scene.carol.get(f"{scene.path}/evidence/{shown}{tail}").status_code == 404
    assert scene.carol.get(f"{scene.path}/evidence").json()["results"] == []
    hidden = scene.carol.post(f"{scene.path}/search", {"query": "", "items": [item.label]})
    absent = scene.carol.post(f"{scene.path}/search", {"query": "", "items": ["E-99"]})
    assert (hidden.status_code, hidden.content) == (404, absent.content)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/cases", "GET, POST, HEAD, OPTIONS"),
        ("PUT", "/me", "GET, HEAD, OPTIONS"),
        ("POST", "/schema", "GET, HEAD, OPTIONS"),
        ("DELETE", f"/cases/{NO_ONE}", "GET, PATCH, HEAD, OPTIONS"),
        ("GET", f"/cases/{NO_ONE}/search", "POST, OPTIONS"),
    ],
)
def test_methods_that_are_not_there(scene: Scene, method: str, path: str, allowed: str) -> None:
    response = scene.alice.ask(method, path)
    assert response.status_code == 405
    assert sorted(response["Allow"].split(", ")) == sorted(allowed.split(", "))


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 422),
        (b'{"title": NaN}', "application/json", 400),
        (b'{"title": 1' + b"0" * 5000 + b"}", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"title": "' + b"x" * (1 << 20) + b'"}', "application/json", 413),
        (b"title=x", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "text/xml", 415),
        (b"{}", "", 415),
    ],
)
def test_bodies_that_cannot_be_read(scene: Scene, body: bytes, kind: str, status: int) -> None:
    response = scene.alice.ask("POST", "/cases", data=body, content_type=kind)
    assert response.status_code == status


def test_the_answer_is_json_whatever_is_accepted(scene: Scene) -> None:
    for accept in ("text/html", "application/xml", "*/*;q=0", "nonsense", "x" * 9000):
        assert scene.alice.get("/me", headers={"Accept": accept}).json()["name"] == "Alice"
        assert scene.alice.get("/nothing", headers={"Accept": accept}).status_code == 404


def test_a_trailing_slash_is_forgiven(scene: Scene) -> None:
    assert scene.alice.get("/cases/").json() == scene.alice.get("/cases").json()
    assert scene.alice.post("/cases/", {"title": "x"}).status_code == 201
    assert scene.alice.get(f"{scene.path}/ledger/").status_code == 200


def test_an_error_of_ours_tells_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(actor: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(listings, "own_party", broken)
    scene.alice.client.raise_request_exception = False
    response = scene.alice.get("/me")
    assert response.status_code == 500
    assert b"hunter2" not in response.content


def test_what_never_reaches_a_view_is_a_problem_too(scene: Scene) -> None:
    assert scene.alice.get("/me", headers={"Host": "evil.example"}).status_code == 400
    other = scene.alice.client.get("/api/v2/cases")
    assert (other.status_code, other["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("gone", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_not_called_an_error_of_ours(gone: type[Exception]) -> None:
    problem = problem_for(gone("the connection is lost"))
    assert problem is not None
    assert (problem.status, problem.code, problem.headers["Retry-After"]) == (503, "database", "2")
    assert "not known whether anything was changed" in problem.detail
    assert "connection is lost" not in problem.detail
