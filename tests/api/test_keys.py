"""Keys and signed acts by API, the private halves in files that only countersign-witness and -sign open."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cases.models import PartyKey, Proposal
from ledger.authorship import key_id
from ledger.models import Entry
from tests.api.client import Api, api_of, is_problem
from tests.api.conftest import Scene
from tests.cast import sealed_item


def program(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """countersign-witness, as its own process."""
    return subprocess.run(
        [sys.executable, "-m", "witness", *arguments], capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class KeyFile:
    """A key in a file, of which this test knows only the path and what keygen printed."""

    path: Path
    public: str
    id: str

    def sign(self, text: str) -> Any:
        """What countersign-sign prints for a text."""
        file = self.path.with_suffix(".json")
        file.write_text(text + "\n")
        done = program("sign", "--key", str(self.path), str(file))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def keygen(tmp_path: Path) -> Any:
    def make() -> KeyFile:
        path = tmp_path / f"{uuid4().hex[:8]}.key"
        printed = program("keygen", str(path)).stdout
        told = dict(line.split() for line in printed.splitlines())
        assert path.stat().st_mode & 0o777 == 0o600
        assert told["key"] == key_id(bytes.fromhex(told["public"]))
        return KeyFile(path, told["public"], told["key"])

    return make


def facts(key: KeyFile, **more: str) -> dict[str, str]:
    return {"purpose": "member", "name": "Laptop", "alg": "ed25519", "public": key.public, **more}


def register(api: Api, key: KeyFile, **more: str) -> Any:
    said = facts(key, **more)
    drawn = api.post("/keys/statement", said).json()
    return api.post("/keys", said | {"statement": drawn["statement"], "proof": key.sign(drawn["statement"])})


def intent(api: Api, path: str, **act: str) -> Any:
    answer = api.post(f"{path}/intents", act)
    assert answer.status_code == 200, answer.content
    return answer.json()


def close(api: Api, scene: Scene, by: KeyFile, /, **changed: Any) -> Any:
    """Close the case with a signature; `changed` replaces parts of the authorship."""
    drawn = intent(api, scene.path, command="CloseCase", reason="Settled.")
    authorship = by.sign(drawn["intent"]) | changed
    return api.post(f"{scene.path}/status", {"to": "closed", "reason": "Settled.", "authorship": authorship})


def signer_of(answer: Any) -> str | None:
    """The id of the key in the leaf that a receipt names; None where nobody signed."""
    receipt = answer.json()["receipt"]
    leaf = Entry.objects.get(log=receipt["log"], index=receipt["index"]).leaf
    auth = json.loads(bytes(leaf)).get("auth")
    return str(auth["key"]) if auth else None


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, is_problem(answer)["type"].rsplit(":", 1)[-1]


def proposed(scene: Scene) -> bool:
    """Whether the closing has been put to the other parties."""
    return Proposal.objects.filter(case=scene.case, kind="closing").exists()


def test_a_member_and_a_witness_key_are_registered(scene: Scene, keygen: Any) -> None:
    mine, witness = keygen(), keygen()
    said = register(scene.alice, mine)
    assert said.status_code == 201
    told = said.json()
    assert (told["id"], told["member"], told["vkey"]) == (mine.id, str(scene.cast.alice.member), None)
    assert told["receipt"]["checkpoint"].startswith("countersign/")
    told = register(scene.alice, witness, purpose="witness", name="northwind.example/w1").json()
    assert told["member"] is None and told["vkey"].startswith("northwind.example/w1+")
    listed = scene.alice.get("/keys").json()
    assert {one["id"] for one in listed["results"]} == {mine.id, witness.id}
    assert listed["signatures_required"] is False
    assert scene.carol.get("/keys").json()["results"] == [], "keys are listed to their own party"


def test_a_signed_act_names_its_member_in_the_leaf(scene: Scene, keygen: Any) -> None:
    key = keygen()
    register(scene.alice, key)
    answer = close(scene.alice, scene, key)
    assert answer.status_code == 200 and answer.json()["closing"]["waits_for"][0]["id"] == str(
        scene.cast.contoso
    )
    assert signer_of(answer) == key.id
    index = answer.json()["receipt"]["index"]
    entry = scene.carol.get(f"{scene.path}/ledger/entries/{index}").json()
    opening = {name: value for name, (_, value) in entry["opening"].items()}
    assert opening["signed"] == {"reason": "Settled."}
    assert json.loads(opening["intent"])["command"] == "CloseCase"


def test_every_binding_act_can_be_signed(scene: Scene, keygen: Any) -> None:
    key, case = keygen(), scene.path
    register(scene.alice, key)
    item = sealed_item(scene.cast, scene.case)
    outsiders, contoso = str(scene.cast.outsiders), str(scene.cast.contoso)
    offer = {"to": contoso, "items": [str(item.pk)], "operations": ["search"], "purpose": "Joint work"}
    acts: tuple[tuple[dict[str, Any], str, dict[str, Any], int], ...] = (
        (
            {"command": "OfferShare", "offer": offer},
            f"{case}/shares",
            offer,
            201,
        ),
        (
            {"command": "AddParty", "party": outsiders, "role": "observer"},
            f"{case}/parties",
            {"party": outsiders, "role": "observer"},
            201,
        ),
        (
            {"command": "PlaceLegalHold", "reason": "Litigation."},
            f"{case}/hold",
            {"hold": True, "reason": "Litigation."},
            200,
        ),
        (
            {"command": "LiftLegalHold", "reason": "Over."},
            f"{case}/hold",
            {"hold": False, "reason": "Over."},
            200,
        ),
        (
            {"command": "CloseCase", "reason": "Done."},
            f"{case}/status",
            {"to": "closed", "reason": "Done."},
            200,
        ),
        (
            {"command": "ReopenCase", "reason": "More."},
            f"{case}/status",
            {"to": "open", "reason": "More."},
            200,
        ),
    )
    for act, path, body, status in acts:
        drawn = intent(scene.alice, case, **act)
        answer = scene.alice.post(path, body | {"authorship": key.sign(drawn["intent"])})
        assert answer.status_code == status, answer.content
        assert signer_of(answer) == key.id
        again = scene.alice.post(path, body | {"authorship": key.sign(drawn["intent"])})
        assert again.json()["receipt"]["replayed"] is True, "what is signed is done once"
        if act["command"] == "CloseCase":
            closing = answer.json()["closing"]["id"]
            assert scene.carol.post(f"{case}/closing/{closing}/agree", {}).status_code == 200


def test_where_the_party_demands_it_the_unsigned_act_is_refused(scene: Scene, keygen: Any) -> None:
    key = keygen()
    assert code_of(scene.alice.post("/keys/signatures-required", {"required": True}))[0] == 409
    register(scene.alice, key)
    assert scene.alice.post("/keys/signatures-required", {"required": True}).status_code == 200
    assert scene.alice.get("/keys").json()["signatures_required"] is True
    unsigned = scene.alice.post(f"{scene.path}/status", {"to": "closed", "reason": "Settled."})
    assert code_of(unsigned) == (409, "signature-needed")
    contained = scene.alice.post(f"{scene.path}/status", {"to": "contained", "reason": "Stopped."})
    assert contained.status_code == 200, "what does not bind the party needs no signature"
    assert close(scene.alice, scene, key).status_code == 200


def test_a_revoked_key_signs_nothing_more(scene: Scene, keygen: Any) -> None:
    key = keygen()
    register(scene.alice, key)
    told = scene.alice.post(f"/keys/{key.id}/revoke", {"reason": "Lost on a train."}).json()
    assert told["ended_why"] == "revoked" and told["ended_at"]
    assert code_of(close(scene.alice, scene, key)) == (422, "key-unknown")
    assert not proposed(scene)
    assert code_of(scene.alice.post(f"/keys/{key.id}/revoke", {"reason": "Again."})) == (409, "key-ended")


def test_a_replaced_key_signs_nothing_more_and_the_new_one_does(scene: Scene, keygen: Any) -> None:
    old, new = keygen(), keygen()
    register(scene.alice, old)
    said = facts(new, replaces=old.id)
    text = scene.alice.post("/keys/statement", said).json()["statement"]
    signed = facts(new) | {"statement": text, "proof": new.sign(text)}
    by_new = scene.alice.post(f"/keys/{old.id}/rotate", signed | {"old_proof": new.sign(text)})
    assert code_of(by_new) == (422, "signature-wrong")
    told = scene.alice.post(f"/keys/{old.id}/rotate", signed | {"old_proof": old.sign(text)})
    assert told.status_code == 201 and told.json()["id"] == new.id
    assert PartyKey.objects.get(pk=old.id).replaced_by_id == new.id
    assert code_of(close(scene.alice, scene, old)) == (422, "key-unknown")
    assert close(scene.alice, scene, new).status_code == 200


def test_keys_of_others_sign_nothing_for_me(scene: Scene, keygen: Any) -> None:
    mine, of_bob, of_carol, unknown, witness = (keygen() for _ in range(5))
    register(scene.alice, mine)
    register(api_of(scene.cast.bob), of_bob)
    register(scene.carol, of_carol)
    register(scene.alice, witness, purpose="witness", name="northwind.example/w1")
    for key in (of_bob, of_carol, unknown, witness):
        assert code_of(close(scene.alice, scene, key)) == (422, "key-unknown")
    # A signature by another key under my key's name.
    assert code_of(close(scene.alice, scene, of_bob, key=mine.id)) == (422, "signature-wrong")
    assert not proposed(scene)


def test_what_was_signed_is_what_is_asked(scene: Scene, keygen: Any) -> None:
    key, path = keygen(), f"{scene.path}/status"
    register(scene.alice, key)
    drawn = intent(scene.alice, scene.path, command="CloseCase", reason="Settled.")
    signed = key.sign(drawn["intent"])
    for body in (
        {"to": "closed", "reason": "Dropped.", "authorship": signed},
        {"to": "contained", "reason": "Settled.", "authorship": signed},
        {"to": "closed", "reason": "Settled.", "authorship": signed | {"intent": drawn["intent"] + " "}},
        {"to": "closed", "reason": "Settled.", "authorship": signed | {"alg": "webauthn"}},
        {"to": "closed", "reason": "Settled.", "authorship": signed | {"sig": "AAAA"}},
    ):
        assert scene.alice.post(path, body).status_code == 422, body
    hold = {"hold": True, "reason": "Settled.", "authorship": signed}
    assert code_of(scene.alice.post(f"{scene.path}/hold", hold)) == (422, "signature-wrong")
    for broken in ("", "{}", "[]", "7", '{"command_id":"x"}', '{"command_id":7}', "\u00fc"):
        answer = scene.alice.post(
            path, {"to": "closed", "reason": "x", "authorship": signed | {"intent": broken}}
        )
        assert code_of(answer) == (422, "invalid"), broken
    assert not proposed(scene)


def test_an_idempotency_key_may_only_say_what_the_intent_says(scene: Scene, keygen: Any) -> None:
    key, path = keygen(), f"{scene.path}/status"
    register(scene.alice, key)
    header = {"Idempotency-Key": "close it"}
    act = {"command": "CloseCase", "reason": "Settled."}
    drawn = scene.alice.post(f"{scene.path}/intents", act, headers=header).json()
    body = {"to": "closed", "reason": "Settled.", "authorship": key.sign(drawn["intent"])}
    other = scene.alice.post(path, body, headers={"Idempotency-Key": "another"})
    assert code_of(other) == (422, "invalid")
    assert scene.alice.post(path, body, headers=header).status_code == 200


def test_acts_on_keys_can_be_signed_too(scene: Scene, keygen: Any) -> None:
    key, lost = keygen(), keygen()
    register(scene.alice, key)
    register(scene.alice, lost)
    drawn = intent(scene.alice, "/keys", command="RevokeKey", key=lost.id, reason="Lost.")
    body = {"reason": "Lost.", "authorship": key.sign(drawn["intent"])}
    assert signer_of(scene.alice.post(f"/keys/{lost.id}/revoke", body)) == key.id
    drawn = scene.alice.post("/keys/intents", {"command": "RequireSignatures", "required": True}).json()
    body = {"required": True, "authorship": key.sign(drawn["intent"])}
    assert signer_of(scene.alice.post("/keys/signatures-required", body)) == key.id


def test_an_intent_takes_just_the_fields_of_its_act(scene: Scene) -> None:
    for body in (
        {"command": "CloseCase"},
        {"command": "CloseCase", "reason": "x", "party": str(uuid4())},
        {"command": "AddParty", "party": str(uuid4())},
        {"command": "OpenCase"},
        {"command": "OfferShare", "offer": {"to": str(uuid4()), "purpose": "x"}},
        {"command": "AcceptShare"},
        {"command": "AcceptShare", "share": str(uuid4()), "reason": "x"},
        {"command": "DiscloseEvidence", "reason": "x"},
    ):
        assert code_of(scene.alice.post(f"{scene.path}/intents", body)) == (422, "invalid"), body


def test_strangers_learn_nothing(scene: Scene, keygen: Any) -> None:
    key = keygen()
    register(scene.alice, key)
    act = {"command": "CloseCase", "reason": "x"}
    assert scene.mallory.post(f"{scene.path}/intents", act).status_code == 404
    nobody = Api()
    signed = facts(key) | {"statement": "x", "proof": {"sig": "AAAA"}, "old_proof": {"sig": "AAAA"}}
    for path, body in (
        (f"/keys/{key.id}/revoke", {"reason": "x"}),
        (f"/keys/{key.id}/rotate", signed),
    ):
        assert scene.mallory.post(path, body).status_code == 404
        missing = path.replace(key.id, "0" * 64)
        assert scene.mallory.post(missing, body).json() | {"instance": ""} == scene.mallory.post(
            path, body
        ).json() | {"instance": ""}
        assert nobody.post(path, body).status_code == 401
    for path in ("/keys", "/keys/statement", "/keys/signatures-required", "/keys/intents"):
        assert nobody.post(path, {}).status_code == 401
    assert api_of(scene.cast.bob).post(f"/keys/{key.id}/revoke", {"reason": "x"}).status_code == 403


def test_a_key_is_taken_only_with_proof_of_possession(scene: Scene, keygen: Any) -> None:
    key, other = keygen(), keygen()
    text = scene.alice.post("/keys/statement", facts(key)).json()["statement"]
    wrong = facts(key) | {"statement": text, "proof": other.sign(text)}
    assert code_of(scene.alice.post("/keys", wrong)) == (422, "signature-wrong")
    # A statement drawn for somebody else is not one's own, though its key signed it.
    theirs = scene.carol.post("/keys/statement", facts(key)).json()["statement"]
    taken = facts(key) | {"statement": theirs, "proof": key.sign(theirs)}
    assert code_of(scene.alice.post("/keys", taken)) == (422, "signature-wrong")
    assert not PartyKey.objects.filter(pk=key.id).exists()
    assert register(scene.alice, key).status_code == 201
    assert code_of(register(scene.carol, key)) == (409, "key-exists")


def test_countersign_sign_signs_only_what_it_understands(tmp_path: Path, keygen: Any) -> None:
    key = keygen()
    spaced, mixed = '{"intent": "countersign/intent/v1"}', '{"intent":"countersign/key/v1"}'
    for text in ('{"a":1}', spaced, "hello", mixed, ""):
        file = tmp_path / "other.json"
        file.write_text(text)
        done = program("sign", "--key", str(key.path), str(file))
        assert done.returncode != 0 and not done.stdout and "Traceback" not in done.stderr, text
