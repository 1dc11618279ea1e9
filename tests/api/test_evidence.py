"""Evidence by API: upload, list, custody, download."""

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import CustodyEvent, EvidenceItem
from evidence.vault import Intake, VaultFull
from tests.api.client import BOUNDARY, Api, is_problem, part
from tests.api.conftest import Scene


def vault_files() -> set[Path]:
    """Everything that lies in the vault."""
    return {path for path in Path(settings.VAULT_DIR).rglob("*") if path.is_file()}


def fresh(size: int = 400) -> bytes:
    """Lines that no other test has put into the vault."""
    return b"".join(b'{"ts":"2026-02-08T10:00:00Z","id":"%s"}\n' % uuid4().hex.encode() for _ in range(size))


@pytest.mark.parametrize("first", ["fields", "file"])
def test_upload_in_either_order(scene: Scene, first: str) -> None:
    content = fresh()
    digest = hashlib.sha256(content).hexdigest()
    response = scene.alice.upload(
        scene.case.pk,
        content,
        first=first,
        sha256=digest.upper(),
        title="Gateway log, February",
        source_system="gateway",
        acquired_at="2026-02-09T08:00:00+01:00",
        marking="amber",
        covers_from="2026-02-08T00:00:00Z",
        covers_until="2026-02-09T00:00:00Z",
    )
    assert response.status_code == 201, response.content
    said = response.json()
    assert said["sha256"] == digest
    assert said["size"] == len(content)
    assert said["number"] == "E-1"
    assert said["state"] == "sealed"
    assert said["title"] == "Gateway log, February"
    assert said["acquired_at"] == "2026-02-09T08:00:00+01:00"
    assert said["declared_sha256"] == digest
    assert said["owner"]["id"] == str(scene.cast.northwind)
    assert response["Location"] == f"/api/v1{scene.path}/evidence/{said['id']}"
    receipt = said["receipt"]
    assert [one["index"] for one in receipt["entries"]] == list(range(receipt["index"], receipt["index"] + 3))
    entries = scene.alice.get(f"{scene.path}/ledger/entries?after={receipt['index'] - 1}").json()["entries"]
    assert [one["leaf_hash"] for one in entries] == [one["leaf_hash"] for one in receipt["entries"]]
    assert [one["type"] for one in entries] == ["EvidenceAcquired", "EvidenceReceived", "EvidenceSealed"]


def test_a_file_alone_is_enough(scene: Scene) -> None:
    said = scene.alice.upload(scene.case.pk, fresh(), name="..\\logs\\acce ss ü.log").json()
    assert said["title"] == "acce ss ü.log"
    assert said["filename"] == "acce ss ü.log"
    assert (said["kind"], said["marking"], said["format"]) == ("log", "TLP:AMBER", None)


def test_an_empty_file_is_evidence_too(scene: Scene) -> None:
    assert scene.alice.upload(scene.case.pk, b"").json()["size"] == 0


BAD_UPLOADS = [
    ({"sha256": "abc"}, "sha256", "64 hexadecimal digits"),
    ({"acquired_at": "2026-02-09T08:00:00"}, "acquired_at", "zone"),
    ({"acquired_at": "last week"}, "acquired_at", "not a time"),
    (
        {"covers_from": "2026-02-09T00:00:00Z", "covers_until": "2026-02-08T00:00:00Z"},
        "covers_until",
        "before it starts",
    ),
    ({"kind": "murder weapon"}, "kind", "not a valid choice"),
    ({"marking": "TLP:PURPLE"}, "marking", "not a valid choice"),
    ({"title": "x" * 201}, "title", "200"),
    ({"sha_256": "x"}, "sha_256", "Nothing here reads this field"),
]


@pytest.mark.parametrize(("fields", "field", "sentence"), BAD_UPLOADS)
@pytest.mark.parametrize("first", ["fields", "file"])
def test_a_bad_upload_leaves_nothing(
    scene: Scene, fields: dict[str, str], field: str, sentence: str, first: str
) -> None:
    before = vault_files()
    response = scene.alice.upload(scene.case.pk, fresh(), first=first, headers=None, **fields)
    assert response.status_code == 422
    told = is_problem(response)["errors"]
    assert [one["field"] for one in told] == [field]
    assert sentence in told[0]["detail"]
    assert vault_files() == before
    assert not EvidenceItem.objects.filter(case=scene.case).exists()


@pytest.mark.parametrize("first", ["fields", "file"])
def test_a_wrong_hash_leaves_nothing(scene: Scene, first: str) -> None:
    before = vault_files()
    response = scene.alice.upload(scene.case.pk, fresh(), first=first, sha256="0" * 64)
    assert response.status_code == 422
    said = is_problem(response)
    assert said["type"].endswith(":wrong-hash")
    assert said["errors"][0]["field"] == "sha256"
    assert vault_files() == before
    assert not EvidenceItem.objects.filter(case=scene.case).exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (f"--{BOUNDARY}--\r\n".encode(), 422),
        (part("file", b"not a file") + f"--{BOUNDARY}--\r\n".encode(), 422),
        (part("other", b"x", filename="x.log") + f"--{BOUNDARY}--\r\n".encode(), 422),
        (part("file", b"x" * 100, filename="x.log")[:-30], 422),
        (b"nonsense", 422),
    ],
)
def test_bodies_without_a_whole_file(scene: Scene, body: bytes, status: int) -> None:
    before = vault_files()
    response = scene.alice.multipart(f"{scene.path}/evidence", body)
    assert response.status_code in (status, 400)
    assert vault_files() == before


def test_json_is_no_upload(scene: Scene) -> None:
    assert scene.alice.post(f"{scene.path}/evidence", {"file": "x"}).status_code == 415


def test_a_body_of_unknown_length_is_refused(scene: Scene) -> None:
    assert scene.alice.multipart(f"{scene.path}/evidence", b"x", CONTENT_LENGTH="").status_code == 411


class Untouchable:
    """A request body that nobody may read."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("the body was read before the rights were checked")

    readline = readlines = __iter__ = read

    def close(self) -> None:
        """Closing is not reading."""


@pytest.mark.parametrize("who", ["mallory", "rhea", "nobody"])
def test_rights_come_before_the_body(scene: Scene, who: str) -> None:
    api = Api() if who == "nobody" else getattr(scene, who)
    extra: dict[str, Any] = {"wsgi.input": Untouchable(), "CONTENT_LENGTH": str(1 << 40)}
    response = api.multipart(f"{scene.path}/evidence", b"", **extra)
    assert response.status_code == {"mallory": 404, "rhea": 403, "nobody": 401}[who]


def test_a_full_disk_is_said_and_leaves_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Intake, chunk: bytes) -> None:
        self.abort()
        raise VaultFull("The vault's disk is full, so the file was not kept.")

    monkeypatch.setattr(Intake, "write", full)
    before = vault_files()
    assert scene.alice.upload(scene.case.pk, fresh()).status_code == 507
    assert vault_files() == before


def test_the_same_key_uploads_once(scene: Scene) -> None:
    content, key = fresh(), {"Idempotency-Key": "upload 1"}
    first = scene.alice.upload(scene.case.pk, content, headers=key)
    again = scene.alice.upload(scene.case.pk, content, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert scene.alice.upload(scene.case.pk, fresh(), headers=key).status_code == 409
    assert scene.alice.upload(scene.case.pk, content, headers=key, title="Other").status_code == 409
    assert EvidenceItem.objects.filter(case=scene.case).count() == 1


def test_the_same_bytes_twice_are_two_items_and_one_blob(scene: Scene) -> None:
    content = fresh()
    before = vault_files()
    first = scene.alice.upload(scene.case.pk, content).json()
    other = scene.carol.upload(scene.case.pk, content).json()
    assert first["id"] != other["id"]
    assert len(vault_files() - before) == 1


def test_list_and_one(scene: Scene) -> None:
    ids = [scene.alice.upload(scene.case.pk, fresh(4)).json()["id"] for _ in range(5)]
    scene.carol.upload(scene.case.pk, fresh(4))
    page = scene.alice.get(f"{scene.path}/evidence?limit=3").json()
    rest = scene.alice.get(f"{scene.path}/evidence?limit=3&cursor={page['next']}").json()
    assert [one["id"] for one in page["results"] + rest["results"]] == ids
    assert rest["next"] is None
    assert len(scene.alice.get(f"{scene.path}/evidence?state=sealed&kind=log").json()["results"]) == 5
    assert scene.alice.get(f"{scene.path}/evidence?format=jsonl").json()["results"] == []
    assert scene.alice.get(f"{scene.path}/evidence?state=lost").status_code == 422
    with CaptureQueriesContext(connection) as queries:
        scene.alice.get(f"{scene.path}/evidence")
    assert len(queries) <= 12
    for name in (ids[1], "E-2", "2", "e-2"):
        one = scene.alice.get(f"{scene.path}/evidence/{name}").json()
        assert (one["id"], one["ingest"]["pending"], one["ingest"]["step"]) == (ids[1], True, "verify")


def test_custody(scene: Scene) -> None:
    item = scene.alice.upload(scene.case.pk, fresh()).json()["id"]
    at = f"{scene.path}/evidence/{item}"
    steps = scene.alice.get(f"{at}/custody").json()
    assert [one["kind"] for one in steps["results"]] == ["acquired", "received", "sealed"]
    assert all(one["party"]["id"] == str(scene.cast.northwind) for one in steps["results"])
    assert scene.carol.get(f"{at}/custody").status_code == 404


def test_download_is_recorded_before_it_begins(scene: Scene) -> None:
    content = fresh()
    item = scene.alice.upload(scene.case.pk, content, name='acc"ess ü.log').json()
    at = f"{scene.path}/evidence/{item['id']}/content"
    response = scene.alice.get(at)
    assert CustodyEvent.objects.filter(item=item["id"], kind="examined").count() == 1
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == content
    assert response["ETag"] == f'"{item["sha256"]}"'
    assert response["Content-Length"] == str(len(content))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''" in response["Content-Disposition"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, None),
        ("bytes=-7", -7, None),
        ("bytes=3-99999999", 3, None),
        ("bytes=0-0", 0, 1),
    ],
)
def test_a_range(scene: Scene, asked: str, start: int, end: int | None) -> None:
    content = fresh()
    item = scene.alice.upload(scene.case.pk, content).json()["id"]
    response = scene.alice.get(f"{scene.path}/evidence/{item}/content", headers={"Range": asked})
    assert response.status_code == 206
    body = b"".join(response.streaming_content)
    assert body == content[start:end]
    first = start % len(content)
    assert response["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(content)}"


@pytest.mark.parametrize("asked", ["bytes=9-3", "lines=1-2", "bytes=0-1,5-6", "bytes=-", "bytes=x"])
def test_a_range_that_means_nothing_is_ignored(scene: Scene, asked: str) -> None:
    item = scene.alice.upload(scene.case.pk, fresh()).json()["id"]
    response = scene.alice.get(f"{scene.path}/evidence/{item}/content", headers={"Range": asked})
    assert response.status_code == 200
    assert len(b"".join(response.streaming_content)) == int(response["Content-Length"])


def test_what_is_not_sent_is_not_recorded(scene: Scene) -> None:
    item = scene.alice.upload(scene.case.pk, fresh()).json()
    at = f"{scene.path}/evidence/{item['id']}/content"
    beyond = scene.alice.get(at, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{item['size']}")
    assert scene.alice.get(at, headers={"If-None-Match": f'"{item["sha256"]}"'}).status_code == 304
    head = scene.alice.ask("HEAD", at)
    assert (head.status_code, head["Content-Length"]) == (200, str(item["size"]))
    changed = scene.alice.get(at, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert changed.status_code == 200
    assert len(b"".join(changed.streaming_content)) == item["size"]
    assert CustodyEvent.objects.filter(item=item["id"], kind="examined").count() == 1


def test_problems_are_the_only_errors(scene: Scene) -> None:
    response = scene.alice.multipart(f"{scene.path}/evidence", part("file", b"x", filename="a") * 120)
    assert response.status_code in (400, 413)
    assert json.loads(response.content)["status"] == response.status_code
