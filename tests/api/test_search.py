"""Search by API, over items that the real worker has made searchable."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from cases import ingest
from cases.models import CustodyEvent, EvidenceItem
from tests.api.client import is_problem
from tests.api.conftest import Scene
from tests.cast import disclose, sealed_item

HERS = (
    b'{"ts":"2026-02-08T10:05:00.000Z","requester_ip_address":"198.51.100.9","note":"hello from contoso"}\n'
    b"not json at all\n"
)


@dataclass(frozen=True)
class Searched:
    """The scene with an item of each party, indexed."""

    scene: Scene
    hers: str
    ours: str

    @property
    def path(self) -> str:
        """Where the case is."""
        return self.scene.path


@pytest.fixture
def searched(scene: Scene) -> Searched:
    """alice's 200 lines are E-1, carol's two lines, one of which does not parse, are E-2."""
    ours = sealed_item(scene.cast, scene.case)
    hers = sealed_item(scene.cast, scene.case, by=scene.cast.carol, content=HERS, title="Trail")
    for item in (ours, hers):
        ingest.run(item.pk)
    return Searched(scene, str(hers.pk), str(ours.pk))


def test_a_search_gives_records_in_order_of_time(searched: Searched) -> None:
    said = searched.scene.alice.post(
        f"{searched.path}/search", {"query": "requester_ip_address:203.0.113.3", "limit": 10}
    ).json()
    assert said["total"] == 29
    assert said["total_is_exact"] is True
    assert len(said["records"]) == 10
    one = said["records"][0]
    assert (one["item"], one["item_number"], one["line"]) == (searched.ours, "E-1", 4)
    assert one["time"] == "2026-02-08T10:00:03.000000Z"
    assert one["time_text"] == "2026-02-08T10:00:03.000Z"
    assert one["fields"]["tokens"] == 3
    assert one["fields"]["source.ip"] == one["fields"]["requester_ip_address"] == "203.0.113.3"
    assert one["error"] is None
    times = [record["time"] for record in said["records"]]
    assert times == sorted(times)


def test_pages_by_cursor(searched: Searched) -> None:
    lines: list[int] = []
    cursor = None
    while True:
        body = {"query": "hello", "limit": 70, "cursor": cursor}
        page = searched.scene.alice.post(f"{searched.path}/search", body).json()
        lines += [one["line"] for one in page["records"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(lines) == list(range(1, 201))


def test_a_party_searches_what_it_may_read(searched: Searched) -> None:
    scene = searched.scene
    assert scene.alice.post(f"{searched.path}/search", {"query": "contoso"}).json()["total"] == 0
    assert scene.carol.post(f"{searched.path}/search", {"query": "contoso"}).json()["total"] == 1
    assert scene.rhea.post(f"{searched.path}/search", {"query": ""}).json()["total"] == 0
    disclose(scene.case, EvidenceItem.objects.get(pk=searched.hers), scene.cast.northwind, by=scene.cast.dan)
    assert scene.alice.post(f"{searched.path}/search", {"query": "contoso"}).json()["total"] == 1
    only = {"query": "hello", "items": ["E-2"]}
    assert scene.alice.post(f"{searched.path}/search", only).json()["total"] == 1


def test_items_are_named_by_id_or_number(searched: Searched) -> None:
    for name in (searched.ours, "E-1", "1"):
        assert searched.scene.alice.post(f"{searched.path}/search", {"items": [name]}).json()["total"] == 200
    assert searched.scene.alice.post(f"{searched.path}/search", {"items": []}).json()["total"] == 200
    for name in (searched.hers, "E-2", str(uuid4()), "x"):
        assert searched.scene.alice.post(f"{searched.path}/search", {"items": [name]}).status_code == 404


def test_a_time_range(searched: Searched) -> None:
    body = {"query": "", "from": "2026-02-08T11:00:10+01:00", "to": "2026-02-08T10:00:20Z"}
    assert searched.scene.alice.post(f"{searched.path}/search", body).json()["total"] == 10


def test_showing_records_is_recorded(searched: Searched) -> None:
    def count() -> int:
        return CustodyEvent.objects.filter(item__id=searched.ours, kind="examined").count()

    before = count()
    searched.scene.alice.post(f"{searched.path}/search", {"query": "hello"})
    assert count() == before + 1


BAD_SEARCHES = [
    ({"query": "(hello"}, "query"),
    ({"query": "a" * 10_001}, "query"),
    ({"query": "x\0"}, "query"),
    ({"query": 7.5, "limit": 0}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"limit": "many"}, "limit"),
    ({"from": "2026-02-08T10:00:00"}, "from"),
    ({"from": "yesterday"}, "from"),
    ({"to": 5}, "to"),
    ({"from": "2026-02-09T00:00:00Z", "to": "2026-02-08T00:00:00Z"}, "to"),
    ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
    ({"items": "E-1"}, "items"),
    ({"items": [{}]}, "items.0"),
    ({"querry": "x"}, "querry"),
    ({"cursor": "nonsense"}, None),
    ({"cursor": "bnVsbA"}, None),
]


@pytest.mark.parametrize(("body", "field"), BAD_SEARCHES)
def test_a_bad_search_says_what_is_wrong(searched: Searched, body: object, field: str | None) -> None:
    response = searched.scene.alice.post(f"{searched.path}/search", body)
    assert response.status_code == 422
    said = is_problem(response)
    if field:
        assert [one["field"] for one in said["errors"]] == [field]


def test_a_bad_query_says_where(searched: Searched) -> None:
    response = searched.scene.alice.post(f"{searched.path}/search", {"query": "hello AND tokens:[5 TO"})
    assert response.status_code == 422
    assert is_problem(response)["position"] > 0


def test_a_histogram(searched: Searched) -> None:
    said = searched.scene.alice.post(
        f"{searched.path}/histogram", {"query": "hello", "interval": "1m"}
    ).json()
    assert said["buckets"][0] == {"start": "2026-02-08T10:00:00.000000Z", "count": 60}
    assert [one["count"] for one in said["buckets"]] == [60, 60, 60, 20]
    assert (said["interval_seconds"], said["total"]) == (60, 200)
    assert searched.scene.alice.post(f"{searched.path}/histogram", {"query": "hello"}).json()["total"] == 200
    for bad in ("0m", "1y", "m", "1.5h", ""):
        assert searched.scene.alice.post(f"{searched.path}/histogram", {"interval": bad}).status_code == 422


def test_an_aggregate(searched: Searched) -> None:
    def ask(**body: object) -> dict[str, Any]:
        said: dict[str, Any] = searched.scene.alice.post(
            f"{searched.path}/aggregate", {"query": "", **body}
        ).json()
        return said

    top = ask(by="requester_ip_address", limit=2)
    assert top["rows"][0] == {"value": "203.0.113.0", "metric": 29, "count": 29}
    assert (len(top["rows"]), top["total"], top["distinct"]) == (2, 200, 7)
    assert ask(by="requester_ip_address", metric="sum:tokens")["total"] == sum(range(200))
    assert ask(by="requester_ip_address", metric="distinct:tokens", limit=1)["rows"][0]["metric"] == 29
    for bad in (
        {},
        {"by": ""},
        {"by": "tokens", "metric": "median:tokens"},
        {"by": "tokens", "metric": "sum:"},
    ):
        response = searched.scene.alice.post(f"{searched.path}/aggregate", {"query": "", **bad})
        assert response.status_code == 422


def test_fields(searched: Searched) -> None:
    names = [one["name"] for one in searched.scene.alice.get(f"{searched.path}/fields").json()["fields"]]
    assert {"requester_ip_address", "tokens", "note"} <= set(names)


def test_a_record_in_its_place(searched: Searched) -> None:
    said = searched.scene.alice.get(f"{searched.path}/evidence/E-1/records/10?around=2").json()
    assert said["record"]["line"] == 10
    assert [one["line"] for one in said["context"]] == [8, 9, 10, 11, 12]
    assert [one["line"] for one in said["context"] if one["asked"]] == [10]
    assert '"note":"hello 9"' in said["context"][2]["text"]
    for line in (0, 201, 10**14):
        assert searched.scene.alice.get(f"{searched.path}/evidence/E-1/records/{line}").status_code == 404
    assert searched.scene.alice.get(f"{searched.path}/evidence/E-1/records/1?around=51").status_code == 422


def test_lines_that_did_not_parse(searched: Searched) -> None:
    said = searched.scene.carol.get(f"{searched.path}/evidence/E-2/rejects").json()
    assert (said["total"], said["next"]) == (1, None)
    assert said["results"][0]["line"] == 2
    assert said["results"][0]["text"] == "not json at all"
    assert said["results"][0]["reason"]
    item = searched.scene.carol.get(f"{searched.path}/evidence/E-2").json()
    assert (item["state"], item["format"], item["records"], item["rejects"]) == ("indexed", "jsonl", 1, 1)
    assert searched.scene.alice.get(f"{searched.path}/evidence/E-1/rejects").json()["total"] == 0
    assert searched.scene.carol.get(f"{searched.path}/evidence/E-2/rejects?cursor=x").status_code == 422
