"""By API: what others have read, who sees what and why, what was known when."""

from typing import Any

import pytest

from cases import examination, ingest, reads
from cases.models import EvidenceItem
from tests.api.conftest import Scene
from tests.cast import accepted, offer, sealed_item


@pytest.fixture
def item(scene: Scene) -> EvidenceItem:
    """An item of Northwind, shared with Contoso and searched by carol."""
    made = sealed_item(scene.cast, scene.case)
    ingest.run(made.pk)
    accepted(scene.case, offer(scene.case, made, to=scene.cast.contoso, by=scene.cast.alice))
    carol = scene.cast.carol.actor
    examination.search(carol, reads.case(carol, scene.case.pk), query="hello", limit=5)
    return made


def shares(scene: Scene) -> Any:
    return scene.alice.get(f"{scene.path}/shares").json()["results"]


def test_exposure_names_each_reading(scene: Scene, item: EvidenceItem) -> None:
    (share,) = shares(scene)
    for asked in (f"party={scene.cast.contoso}", "item=E-1", f"share={share['id']}", ""):
        said = scene.alice.get(f"{scene.path}/exposure?{asked}").json()
        (reading,) = said["readings"]
        assert (reading["who"], reading["how"], reading["query"]) == ("Carol", "search", "hello")
        assert reading["items"] == {str(item.pk): 5} and said["older"] is None
        assert [line["item"]["number"] for line in said["lines"]] == ["E-1"]
        entry = scene.alice.get(f"{scene.path}/ledger/entries/{reading['entry']}").json()
        assert entry["type"] == "EvidenceExamined"
    assert scene.alice.get(f"{scene.path}/exposure?before={reading['entry']}").json()["readings"] == []


def test_exposure_is_for_the_owner_alone(scene: Scene, item: EvidenceItem) -> None:
    (share,) = shares(scene)
    assert scene.carol.get(f"{scene.path}/exposure?item=E-1").status_code == 403
    assert scene.carol.get(f"{scene.path}/exposure?share={share['id']}").status_code == 403
    assert scene.carol.get(f"{scene.path}/exposure").json()["readings"] == []
    assert scene.rhea.get(f"{scene.path}/exposure?item=E-1").status_code == 404
    assert scene.rhea.get(f"{scene.path}/exposure?share={share['id']}").status_code == 404
    assert scene.alice.get(f"{scene.path}/exposure?party=nonsense").status_code == 404
    assert scene.mallory.get(f"{scene.path}/exposure").status_code == 404


def test_why_and_what_another_would_see(scene: Scene, item: EvidenceItem) -> None:
    dan = f"member={scene.cast.dan.member}"
    said = scene.alice.get(f"{scene.path}/why?{dan}&item={item.pk}").json()
    assert said["allowed"] and "download" in said["operations"] and said["member"]
    assert any("accepted the terms" in step["sentence"] and step["entry"] for step in said["steps"])
    regulator = f"party={scene.cast.regulator}"
    assert not scene.alice.get(f"{scene.path}/why?{regulator}&item=E-1").json()["allowed"]
    assert scene.alice.get(f"{scene.path}/why?{regulator}").json()["allowed"]
    view = scene.alice.get(f"{scene.path}/view-as?{dan}").json()
    assert (view["own"], [one["item"]["id"] for one in view["items"]]) == (1, [str(item.pk)])
    assert scene.alice.get(f"{scene.path}/view-as?{regulator}").json()["items"] == []


@pytest.mark.parametrize("route", ["why", "view-as", "knowledge"])
def test_who_asks_about_nobody_or_may_not_ask_is_told_so(scene: Scene, route: str) -> None:
    assert scene.alice.get(f"{scene.path}/{route}?as_of=1").status_code == 422
    stranger = f"party={scene.cast.outsiders}&as_of=1"
    assert scene.alice.get(f"{scene.path}/{route}?{stranger}").status_code == 404
    assert scene.mallory.get(f"{scene.path}/{route}?party={scene.cast.contoso}&as_of=1").status_code == 404
    if route != "knowledge":
        assert scene.rhea.get(f"{scene.path}/{route}?party={scene.cast.contoso}").status_code == 403


def test_what_contoso_knew(scene: Scene, item: EvidenceItem) -> None:
    asked = f"{scene.path}/knowledge?party={scene.cast.contoso}"
    now = scene.alice.get(f"{asked}&as_of=2999-03-03T00:00:00Z").json()
    (known,) = now["known"]
    assert known["item"]["number"] == "E-1" and known["purpose"] == "Joint analysis"
    assert [one["records"] for one in known["totals"]] == [5] and len(now["readings"]) == 1
    before = scene.alice.get(f"{asked}&as_of={now['entry'] - 1}&item=E-1").json()
    assert before["known"][0]["totals"] == [] and before["readings"] == []
    assert scene.alice.get(f"{asked}&as_of=2").json()["known"] == []
    for wrong in ("2999-03-03T00:00:00", "yesterday", "999999", "2001-01-01T00:00:00Z"):
        assert scene.alice.get(f"{asked}&as_of={wrong}").status_code == 422
    assert scene.carol.get(f"{asked}&as_of=5&item=E-99").status_code == 404
