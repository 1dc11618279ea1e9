"""What the API answers is what its description says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cases import ingest
from cases.models import EvidenceItem
from ledger.authorship import key_id
from tests.api.client import Api
from tests.api.conftest import Scene
from tests.cast import disclose, sealed_item
from tests.keyholders import FileKey


def check(described: dict[str, Any], template: str, method: str, response: Any) -> None:
    """Hold a response against the schema of its operation and status."""
    answers = described["paths"][f"/api/v1{template}"][method]["responses"]
    answer = answers[str(response.status_code)]
    if "$ref" in answer:
        answer = described["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    (content,) = answer["content"].values()
    Draft202012Validator(content["schema"] | {"components": described["components"]}).validate(
        response.json()
    )


@pytest.mark.django_db
def test_answers_are_as_described(scene: Scene) -> None:
    described = Api().get("/schema").json()
    for item in (
        sealed_item(scene.cast, scene.case),
        sealed_item(scene.cast, scene.case, by=scene.cast.carol),
    ):
        ingest.run(item.pk)
    disclose(
        scene.case,
        EvidenceItem.objects.get(case=scene.case, number=2),
        scene.cast.northwind,
        by=scene.cast.carol,
    )
    at, item_at = "/cases/{case}", "/cases/{case}/evidence/{item}"
    for template in (
        "/me",
        "/cases",
        "/keys",
        at,
        f"{at}/parties",
        f"{at}/evidence",
        item_at,
        f"{item_at}/custody",
        f"{item_at}/rejects",
        f"{at}/fields",
        f"{at}/ledger",
        f"{at}/ledger/entries",
    ):
        path = template.replace("{case}", str(scene.case.pk)).replace("{item}", "E-1")
        check(described, template, "get", scene.alice.get(path))
        check(described, template, "get", Api().get(path))
    check(
        described, f"{at}/ledger/entries/{{index}}", "get", scene.alice.get(f"{scene.path}/ledger/entries/3")
    )
    check(
        described,
        f"{at}/ledger/consistency",
        "get",
        scene.rhea.get(f"{scene.path}/ledger/consistency?from=2"),
    )
    check(described, f"{at}/ledger/consistency", "get", scene.rhea.get(f"{scene.path}/ledger/consistency"))
    check(
        described, f"{item_at}/records/{{line}}", "get", scene.alice.get(f"{scene.path}/evidence/2/records/3")
    )
    bodies: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/search", {"query": "hello"}),
        ("/search", {"query": "(("}),
        ("/histogram", {"query": ""}),
        ("/aggregate", {"query": "", "by": "requester_ip_address"}),
        ("/status", {"to": "contained", "reason": "Suspended."}),
        ("/status", {"to": "draft"}),
        ("/hold", {"hold": True, "reason": "Litigation."}),
        ("/parties", {"party": str(scene.cast.outsiders), "role": "observer"}),
    )
    for tail, body in bodies:
        check(described, at + tail, "post", scene.alice.post(scene.path + tail, body))
    for tail, kind in (
        ("/ledger/seen", "text/plain"),
        ("/ledger/cosignatures", "text/plain"),
        ("/ledger/refeed", "application/jsonl"),
        ("/ledger/refeed/checkpoint", "text/plain"),
        ("/ledger/refeed/openings", "application/jsonl"),
    ):
        for sent in (scene.rhea.get(f"{scene.path}/ledger/checkpoint").content, b"x" * 70_000):
            told_to = scene.rhea.ask("POST", scene.path + tail, data=sent, content_type=kind)
            check(described, at + tail, "post", told_to)
    check(described, "/cases", "post", scene.alice.post("/cases", {"title": "x"}))
    check(described, at, "patch", scene.alice.ask("PATCH", scene.path, json_={"title": "y"}))
    check(described, f"{at}/evidence", "post", scene.alice.upload(scene.case.pk, b"x\n"))
    for side in (scene.alice, scene.carol):
        check(described, f"{at}/shares", "get", side.get(f"{scene.path}/shares"))
    offer: dict[str, Any] = {"to": str(scene.cast.contoso), "items": ["1"], "purpose": "x"}
    offer["operations"] = ["search"]
    offered = scene.alice.post(f"{scene.path}/shares", offer)
    for answer in (offered, scene.alice.post(f"{scene.path}/shares", offer | {"operations": []})):
        check(described, f"{at}/shares", "post", answer)
    share, one = f"{scene.path}/shares/{offered.json()['id']}", f"{at}/shares/{{share}}"
    check(described, one, "get", scene.carol.get(share))
    for tail in ("accept", "refuse", "give-up"):
        said = {} if tail == "accept" else {"reason": "x"}
        check(described, f"{one}/{tail}", "post", scene.carol.post(f"{share}/{tail}", said))
    check(described, one, "patch", scene.alice.ask("PATCH", share, json_={"watermark": True}))
    check(described, f"{one}/revoke", "post", scene.alice.post(f"{share}/revoke", {"reason": "x"}))
    other, bit = f"party={scene.cast.contoso}", f"share={offered.json()['id']}"
    for tail, query in (
        ("exposure", bit),
        ("exposure", "item=1"),
        ("why", other),
        ("why", f"{other}&item=1"),
        ("view-as", other),
        ("knowledge", f"{other}&as_of=5"),
        ("knowledge", f"party={scene.cast.northwind}&as_of=2999-03-03T00:00:00Z"),
    ):
        check(described, f"{at}/{tail}", "get", scene.alice.get(f"{scene.path}/{tail}?{query}"))


@pytest.mark.django_db
def test_answers_about_keys_are_as_described(scene: Scene) -> None:
    described = Api().get("/schema").json()
    key, other = FileKey(), FileKey()
    said = {"purpose": "member", "alg": "ed25519", "public": key.public.hex()}
    drawn = scene.alice.post("/keys/statement", said)
    check(described, "/keys/statement", "post", drawn)
    text = drawn.json()["statement"]
    registered = said | {"statement": text, "proof": key.sign(text).fields()}
    check(described, "/keys", "post", scene.alice.post("/keys", registered))
    check(described, "/keys", "post", scene.alice.post("/keys", registered))
    check(described, "/keys", "get", scene.alice.get("/keys"))
    id_ = key_id(key.public)
    said |= {"public": other.public.hex()}
    text = scene.alice.post("/keys/statement", said | {"replaces": id_}).json()["statement"]
    both = {"proof": other.sign(text).fields(), "old_proof": key.sign(text).fields()}
    rotated = scene.alice.post(f"/keys/{id_}/rotate", said | {"statement": text} | both)
    check(described, "/keys/{key}/rotate", "post", rotated)
    required = scene.alice.post("/keys/signatures-required", {"required": True})
    check(described, "/keys/signatures-required", "post", required)
    act = {"command": "PlaceLegalHold", "reason": "x"}
    check(described, "/cases/{case}/intents", "post", scene.alice.post(f"{scene.path}/intents", act))
    asked = {"command": "RequireSignatures", "required": False}
    check(described, "/keys/intents", "post", scene.alice.post("/keys/intents", asked))
    hold = scene.alice.post(f"{scene.path}/hold", {"hold": True, "reason": "x"})
    check(described, "/cases/{case}/hold", "post", hold)
    assert hold.status_code == 409
    revoked = scene.alice.post(f"/keys/{key_id(other.public)}/revoke", {"reason": "x"})
    check(described, "/keys/{key}/revoke", "post", revoked)
