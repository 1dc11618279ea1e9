"""Shares by API: offered, read before they are accepted, accepted, changed, ended; and what they open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import ingest, reads
from cases.models import Share
from cases.perform import perform
from cases.projections.wall import shares_changed
from cases.rules.sharing import RevokeShare
from tests.api.conftest import Scene
from tests.cast import LINES, disclose, sealed_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def at(scene: Scene) -> str:
    """The shares of a case in which Northwind has one searchable item."""
    ingest.run(sealed_item(scene.cast, scene.case).pk)
    return f"{scene.path}/shares"


def terms(scene: Scene, **changes: Any) -> dict[str, Any]:
    told = {"to": str(scene.cast.contoso), "items": ["E-1"], "purpose": "Joint analysis"}
    return told | {"operations": ["metadata"]} | changes


def test_offer_read_accept_and_revoke(scene: Scene, at: str) -> None:
    offered = scene.alice.post(at, terms(scene, summary="One gateway log", operations=["search"]))
    assert offered.status_code == 201
    told = offered.json()
    assert offered.headers["Location"].endswith(f"/shares/{told['id']}")
    assert (told["status"], told["side"], told["item_count"]) == ("offered", "given", 1)
    assert told["receipt"]["leaf_hash"]
    one = f"{at}/{told['id']}"
    seen = scene.carol.get(one).json()
    assert (seen["side"], seen["summary"], seen["items"]) == ("received", "One gateway log", [])
    assert scene.carol.get(f"{scene.path}/evidence/E-1").status_code == 404

    accepted = scene.carol.post(f"{one}/accept", {"terms": seen["digest"]})
    assert accepted.status_code == 200 and accepted.json()["status"] == "accepted"
    assert scene.carol.get(one).json()["items"][0]["title"] == "Gateway log"
    assert scene.carol.get(f"{scene.path}/evidence/E-1").status_code == 200
    found = scene.carol.post(f"{scene.path}/search", {"query": "hello"})
    assert found.json()["total"] == 200
    assert scene.carol.get(f"{scene.path}/evidence/E-1/content").status_code == 404
    assert scene.carol.get(f"{scene.path}/evidence/E-1/records/1").status_code == 404

    ended = scene.alice.post(f"{one}/revoke", {"reason": "Agreement ended"})
    assert (ended.json()["status"], ended.json()["reason"]) == ("revoked", "Agreement ended")
    assert scene.carol.get(f"{scene.path}/evidence/E-1").status_code == 404
    assert scene.carol.post(f"{scene.path}/search", {"query": "hello"}).json()["total"] == 0
    assert scene.carol.get(one).json()["status"] == "revoked"


ROUTES = {
    "item": ("GET", "/evidence/E-1", None),
    "custody": ("GET", "/evidence/E-1/custody", None),
    "content": ("GET", "/evidence/E-1/content", None),
    "head": ("HEAD", "/evidence/E-1/content", None),
    "rejects": ("GET", "/evidence/E-1/rejects", None),
    "record": ("GET", "/evidence/E-1/records/1", None),
    "search": ("POST", "/search", {"query": "", "items": ["E-1"]}),
    "histogram": ("POST", "/histogram", {"query": "", "items": ["E-1"]}),
    "aggregate": ("POST", "/aggregate", {"query": "", "by": "tokens", "items": ["E-1"]}),
}


@pytest.mark.parametrize(
    ("operation", "doors"),
    [
        ("exists", set()),
        ("metadata", {"item", "custody"}),
        ("search", {"item", "custody", "search", "histogram", "aggregate"}),
        ("preview", {"item", "custody", "rejects", "record"}),
        ("download", {"item", "custody", "content", "head"}),
        ("export", {"item", "custody"}),
    ],
)
def test_an_operation_opens_its_routes_and_the_rest_is_not_there(
    scene: Scene, at: str, operation: str, doors: set[str]
) -> None:
    share = scene.alice.post(at, terms(scene, operations=[operation])).json()["id"]
    assert scene.carol.post(f"{at}/{share}/accept", {}).status_code == 200
    for name, (method, tail, body) in ROUTES.items():
        answer = scene.carol.ask(method, f"{scene.path}{tail}", json_=body)
        assert answer.status_code == (200 if name in doors else 404), name
        if answer.streaming:
            assert answer.getvalue() == LINES
    listed = scene.carol.get(f"{scene.path}/evidence").json()["results"]
    assert bool(listed) is ("item" in doors)
    (known,) = scene.carol.get(f"{at}/{share}").json()["items"]
    assert (known["number"], known["title"] is None) == ("E-1", operation == "exists")


def test_new_terms_wait(scene: Scene, at: str) -> None:
    share = scene.alice.post(at, terms(scene)).json()["id"]
    one = f"{at}/{share}"
    scene.carol.post(f"{one}/accept", {})
    changed = scene.alice.ask("PATCH", one, json_={"operations": ["download"], "agreement": "A-2"})
    told = changed.json()
    assert (told["pending"], told["operations"], told["terms"]) == (True, ["metadata"], 2)
    assert (told["proposed"]["operations"], told["proposed"]["items"]) == (["download"], 1)
    assert told["proposed"]["purpose"] == "Joint analysis"
    assert scene.carol.get(f"{scene.path}/evidence/E-1/content").status_code == 404
    stale = scene.carol.post(f"{one}/accept", {"terms": told["digest"]})
    assert stale.status_code == 409
    assert stale.json()["type"].endswith("other-terms")
    scene.carol.post(f"{one}/accept", {"terms": told["proposed_digest"]})
    assert scene.carol.get(f"{scene.path}/evidence/E-1/content").getvalue() == LINES
    assert scene.carol.ask("PATCH", one, json_={"purpose": "x"}).status_code == 403


def test_refusing_and_giving_up(scene: Scene, at: str) -> None:
    first, second = (scene.alice.post(at, terms(scene)).json()["id"] for _ in range(2))
    assert scene.carol.post(f"{at}/{first}/refuse", {"reason": ""}).status_code == 422
    told = scene.carol.post(f"{at}/{first}/refuse", {"reason": "Not agreed"}).json()
    assert (told["status"], told["reason"]) == ("refused", "Not agreed")
    assert scene.carol.post(f"{at}/{first}/accept", {}).status_code == 409
    scene.carol.post(f"{at}/{second}/accept", {})
    assert scene.alice.post(f"{at}/{second}/give-up", {"reason": "x"}).status_code == 403
    assert scene.carol.post(f"{at}/{second}/give-up", {"reason": "Done"}).json()["status"] == "given_up"
    assert scene.carol.get(f"{scene.path}/evidence/E-1").status_code == 404


def test_a_share_of_others_is_not_there(scene: Scene, at: str) -> None:
    share = scene.alice.post(at, terms(scene)).json()["id"]
    assert scene.rhea.get(at).json()["results"] == []
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {"purpose": "x"}),
        ("POST", "/accept", {}),
        ("POST", "/refuse", {"reason": "x"}),
        ("POST", "/revoke", {"reason": "x"}),
        ("POST", "/give-up", {"reason": "x"}),
    ):
        for who in (scene.rhea, scene.mallory):
            assert who.ask(method, f"{at}/{share}{tail}", json_=body).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"operations": []},
        {"operations": ["read"]},
        {"to": None},
        {"purpose": ""},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"items": []},
        {"tlp": "PINK"},
        {"onward": True},
        {"audience": "everybody"},
    ],
)
def test_terms_that_cannot_stand(scene: Scene, at: str, changes: dict[str, Any]) -> None:
    assert scene.alice.post(at, terms(scene, **changes)).status_code == 422


def test_an_item_that_one_does_not_see_cannot_be_offered(scene: Scene, at: str) -> None:
    sealed_item(scene.cast, scene.case, by=scene.cast.dan)
    for name in ("E-2", "E-99"):
        answer = scene.alice.post(at, terms(scene, items=[name]))
        assert answer.status_code == 404


def test_the_same_key_offers_once(scene: Scene, at: str) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "offer-1"}
    first, again = (scene.alice.post(at, terms(scene), **key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.json()["receipt"]["replayed"]
    assert len(scene.alice.get(at).json()["results"]) == 1


def test_a_list_of_shares_asks_little(scene: Scene, at: str) -> None:
    for _ in range(5):
        scene.alice.post(at, terms(scene))
    page = scene.alice.get(f"{at}?limit=2").json()
    assert len(page["results"]) == 2 and page["next"]
    rest = scene.alice.get(f"{at}?limit=200&cursor={page['next']}").json()
    assert len(rest["results"]) == 3 and rest["next"] is None
    with CaptureQueriesContext(connection) as queries:
        scene.alice.get(at)
    assert len(queries) <= 12


def test_an_expired_share_opens_nothing_a_second_later(scene: Scene, at: str) -> None:
    (item,) = scene.case.items.all()
    share = disclose(scene.case, item, scene.cast.contoso, by=scene.cast.alice)
    assert scene.carol.get(f"{scene.path}/evidence/E-1/content").getvalue() == LINES
    Share.objects.filter(pk=share).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    shares_changed([scene.case.pk], [share])
    for method, tail, body in ROUTES.values():
        assert scene.carol.ask(method, f"{scene.path}{tail}", json_=body).status_code == 404


def test_a_running_download_breaks_off(scene: Scene, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.streams.CHUNK", 1_000)
    monkeypatch.setattr("cases.streams.EVERY", 0.0)
    (item,) = scene.case.items.all()
    share = disclose(scene.case, item, scene.cast.contoso, by=scene.cast.alice)
    answer = scene.carol.get(f"{scene.path}/evidence/E-1/content")
    pieces = iter(answer.streaming_content)
    assert len(next(pieces)) == 1_000
    revoke = RevokeShare(case=scene.case.pk, share=share, reason="Over")
    perform(revoke, actor=scene.cast.alice.actor)
    assert not b"".join(pieces)
    kinds = [one.type for one in reads.ledger_page(scene.cast.alice.actor, scene.case)]
    assert kinds[-1] == "DownloadBrokenOff"
