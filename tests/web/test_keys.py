"""Keys and signed acts on the web: register, replace, revoke; sign by passkey or by a key in a file."""

import base64
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

from cases import reads
from cases.models import Party, PartyKey, Proposal
from ledger.authorship import key_id
from tests.cast import Person
from tests.keyholders import FileKey, Holder, Passkey, b64
from tests.web.conftest import World
from web.models import Passkey as Remembered

SignedIn = Callable[[Person], Client]
JSON = {"Accept": "application/json"}


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the one form on a page that has something to sign."""
    form = re.search(r'<form class="form card stack".*?</form>', text, re.DOTALL)
    assert form, text
    found = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', form[0]):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name
        found[name[1]] = unescape(value[1]) if value else ""
    return found


def id_of(key: Holder) -> str:
    return key_id(key.public)


def hex_of(key: Holder) -> str:
    return key.public.hex()


def signature(key: Holder, text: str) -> str:
    """What countersign-sign prints, or a browser's script hands in."""
    return json.dumps(key.sign(text).fields())


def spki(key: Passkey) -> str:
    """The public key as a browser tells it."""
    return b64(key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def credential(key: Passkey) -> str:
    """By what name the browser finds the passkey."""
    return id_of(key)[:32]


def register_file(client: Client, key: FileKey, **said: str) -> Any:
    drawn = client.post("/keys/new", {"purpose": "member", "name": "Laptop", "public": hex_of(key), **said})
    assert drawn.status_code == 200
    fields = hidden(drawn.text)
    return client.post("/keys/register", fields | {"proof": signature(key, fields["statement"])})


def register_passkey(client: Client, key: Passkey) -> Any:
    said = {"purpose": "member", "name": "Phone", "command": str(uuid4())}
    drawn = client.post("/keys/new", said | {"spki": spki(key)}, headers=JSON).json()
    assert drawn["public"] == hex_of(key)
    return client.post(
        "/keys/register",
        said
        | {
            "alg": "webauthn",
            "public": drawn["public"],
            "statement": drawn["statement"],
            "credential": credential(key),
            "proof": signature(key, drawn["statement"]),
        },
    )


def demand(client: Client, required: str = "yes") -> None:
    assert client.post("/keys/signatures", {"required": required}).status_code == 302


def auth_of(world: World) -> Any:
    """The signature in the newest leaf of the case."""
    head = reads.ledger_head(world.cast.alice.actor, world.case)
    row = reads.ledger_page(world.cast.alice.actor, world.case, after=head.size - 2, limit=1)[0]
    return json.loads(base64.b64decode(row.leaf_b64)).get("auth")


def proposed(world: World) -> bool:
    """Whether the closing has been put to the other parties."""
    return Proposal.objects.filter(case=world.case, kind="closing").exists()


def test_a_page_without_any_key_says_what_keys_are_for(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.cast.alice).get("/keys")
    assert page.status_code == 200
    assert "No signing key yet" in page.text and "No witness yet" in page.text
    assert "never leaves your device" in page.text
    assert "once a member has registered a key" in page.text
    assert 'href="/keys"' in signed_in(world.cast.alice).get("/").text


def test_a_key_in_a_file_is_registered_with_proof_of_possession(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    printed = f"vkey   -\npublic {hex_of(key)}\nkey    {id_of(key)}"
    assert register_file(alice, key, public=printed).status_code == 302
    held = PartyKey.objects.get(pk=id_of(key))
    assert (held.member_id, held.alg, held.name) == (world.cast.alice.member, "ed25519", "Laptop")
    page = alice.get("/keys").text
    assert id_of(key) in page and "Laptop" in page


def test_who_cannot_sign_for_a_key_does_not_register_it(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    fields = hidden(alice.post("/keys/new", {"purpose": "member", "name": "", "public": hex_of(key)}).text)
    answer = alice.post("/keys/register", fields | {"proof": FileKey().sign(fields["statement"]).sig})
    assert answer.status_code == 422
    assert "does not hold for this text and key" in answer.text
    for told in ("", "{", "{}", '{"sig": 7}', "[", "ü", "x" * 70_000):
        assert alice.post("/keys/register", fields | {"proof": told}).status_code == 422, told
    assert not PartyKey.objects.filter(pk=id_of(key)).exists()


def test_what_is_no_public_key_is_told_beside_its_field(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).post("/keys/new", {"purpose": "member", "public": "abc"})
    assert answer.status_code == 422
    assert "This is no Ed25519 public key" in answer.text


def test_a_passkey_is_registered_by_script(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), Passkey()
    assert register_passkey(alice, key).status_code == 302
    assert PartyKey.objects.get(pk=id_of(key)).alg == "webauthn"
    assert Remembered.objects.get(pk=id_of(key)).credential == credential(key)


@pytest.mark.parametrize(
    "spki", ["", "AAAA", "ü", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="]
)
def test_a_passkey_of_another_kind_is_refused_in_words(world: World, signed_in: SignedIn, spki: str) -> None:
    answer = signed_in(world.cast.alice).post("/keys/new", {"purpose": "member", "spki": spki}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["sentence"]


def test_nobody_else_names_the_passkey_of_a_key(world: World, signed_in: SignedIn) -> None:
    alice, mallory, key = signed_in(world.cast.alice), signed_in(world.cast.mallory), Passkey()
    said = {"purpose": "member", "alg": "webauthn", "public": hex_of(key), "statement": "x"}
    told = said | {"credential": "theirs", "proof": signature(key, "x")}
    assert mallory.post("/keys/register", told).status_code == 422
    assert not Remembered.objects.filter(pk=id_of(key)).exists()
    assert register_passkey(alice, key).status_code == 302
    assert mallory.post("/keys/register", told).status_code in (409, 422)
    assert Remembered.objects.get(pk=id_of(key)).credential == credential(key)


def test_a_key_is_replaced_by_both_keys(world: World, signed_in: SignedIn) -> None:
    alice, old, new = signed_in(world.cast.alice), FileKey(), FileKey()
    register_file(alice, old)
    drawn = alice.post(
        "/keys/new",
        {"purpose": "member", "name": "Laptop", "public": hex_of(new), "replaces": id_of(old)},
    )
    fields = hidden(drawn.text)
    text = fields["statement"]
    by_new = signature(new, text)
    assert alice.post("/keys/register", fields | {"proof": by_new, "old_proof": by_new}).status_code == 422
    signed = {"proof": by_new, "old_proof": signature(old, text), "command": str(uuid4())}
    assert alice.post("/keys/register", fields | signed).status_code == 302
    ended = PartyKey.objects.get(pk=id_of(old))
    assert (ended.ended_why, ended.replaced_by_id) == ("rotated", id_of(new))
    assert "Keys that have ended (1)" in alice.get("/keys").text


def test_a_passkey_is_replaced_by_both_passkeys(world: World, signed_in: SignedIn) -> None:
    alice, old, new = signed_in(world.cast.alice), Passkey(), Passkey()
    register_passkey(alice, old)
    said = {"purpose": "member", "name": "", "replaces": id_of(old), "command": str(uuid4())}
    drawn = alice.post("/keys/new", said | {"spki": spki(new)}, headers=JSON).json()
    assert drawn["allow"] == [credential(old)]
    signed = {
        "alg": "webauthn",
        "public": hex_of(new),
        "statement": drawn["statement"],
        "credential": credential(new),
        "proof": signature(new, drawn["statement"]),
        "old_proof": signature(old, drawn["statement"]),
    }
    assert alice.post("/keys/register", said | signed).status_code == 302
    assert PartyKey.objects.get(pk=id_of(old)).replaced_by_id == id_of(new)


def test_a_key_is_revoked_with_its_reason(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    assert alice.post(f"/keys/{id_of(key)}/revoke", {"reason": ""}).status_code == 422
    assert alice.post(f"/keys/{id_of(key)}/revoke", {"reason": "Lost on a train."}).status_code == 302
    assert PartyKey.objects.get(pk=id_of(key)).ended_why == "revoked"


def test_members_do_not_decide_on_keys_of_others(world: World, signed_in: SignedIn) -> None:
    alice, bob, carol = (signed_in(one) for one in (world.cast.alice, world.cast.bob, world.cast.carol))
    key, of_bob = FileKey(), FileKey()
    register_file(alice, key)
    register_file(bob, of_bob)
    assert bob.post(f"/keys/{id_of(key)}/revoke", {"reason": "x"}).status_code == 403
    assert carol.post(f"/keys/{id_of(key)}/revoke", {"reason": "x"}).status_code == 404
    assert carol.post("/keys/new", {"public": hex_of(FileKey()), "replaces": id_of(key)}).status_code == 404
    assert id_of(key) not in carol.get("/keys").text
    assert bob.post("/keys/signatures", {"required": "yes"}).status_code == 403
    witness = {"purpose": "witness", "name": "northwind.example/witness"}
    assert register_file(bob, FileKey(), **witness).status_code == 403
    # Who leads the party may end any of its keys.
    assert alice.post(f"/keys/{id_of(of_bob)}/revoke", {"reason": "Left us."}).status_code == 302


def test_a_witness_key_is_registered_and_shown_with_its_verifier_key(
    world: World, signed_in: SignedIn
) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    assert register_file(alice, key, purpose="witness", name="northwind.example/witness").status_code == 302
    held = PartyKey.objects.get(pk=id_of(key))
    assert (held.purpose, held.member_id) == ("witness", None)
    assert held.vkey.startswith("northwind.example/witness+")
    assert held.vkey in unescape(alice.get("/keys").text)


def test_without_a_key_a_form_offers_no_signature(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.cast.alice).get(world.url()).text
    assert "Sign with" not in page
    assert re.search(r'<button class="btn" type="submit">Close the case</button>', page)


def test_a_passkey_signs_the_closing_of_a_case(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), Passkey()
    register_passkey(alice, key)
    assert "Sign with my passkey" in alice.get(world.url()).text
    form = {"command": str(uuid4()), "reason": "Settled.\r\nAll of it."}
    drawn = alice.post(world.url("/steps/CloseCase"), form | {"sign": "passkey"}, headers=JSON)
    asked = drawn.json()
    assert asked["allow"] == [credential(key)]
    assert not proposed(world), "drawing an intent does nothing"
    signed = {"intent": asked["intent"], "signature": signature(key, asked["intent"])}
    # A form's own newlines are not those of a script; what is signed is the same.
    form["reason"] = "Settled.\nAll of it."
    answer = alice.post(world.url("/steps/CloseCase"), form | signed)
    assert answer.status_code == 302
    assert proposed(world)
    assert (auth_of(world)["key"], auth_of(world)["alg"]) == (id_of(key), "webauthn")


def test_a_key_in_a_file_signs_on_a_page_of_its_own(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    form = {"command": str(uuid4()), "reason": "Settled “for good”.", "sign": "file"}
    page = alice.post(world.url("/steps/CloseCase"), form)
    assert "Sign: Close the case" in page.text and "countersign-sign --key" in page.text
    fields = hidden(page.text)
    # Somebody else's signature is none, and the form says so.
    wrong = alice.post(
        world.url("/steps/CloseCase"), fields | {"signature": FileKey().sign(fields["intent"]).sig}
    )
    assert wrong.status_code == 422 and not proposed(world)
    answer = alice.post(
        world.url("/steps/CloseCase"), fields | {"signature": signature(key, fields["intent"])}
    )
    assert answer.status_code == 302
    assert auth_of(world)["key"] == id_of(key)


def test_an_offer_to_share_is_signed(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    form = {
        "command": str(uuid4()),
        "to": str(world.cast.contoso),
        "operations": ["search"],
        "purpose": "Joint analysis",
        "legal_basis": "",
        "tlp": "TLP:AMBER",
        "sign": "file",
    }
    at = world.url("/evidence/E-1/share")
    page = alice.post(at, form).text
    assert "<dt>It may</dt><dd>Search and count its records</dd>" in page
    fields = hidden(page)
    answer = alice.post(at, fields | {"signature": key.sign(fields["intent"]).sig})
    assert answer.status_code == 302
    assert auth_of(world)["key"] == id_of(key)


def test_what_was_signed_is_what_is_done(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    form = {"command": str(uuid4()), "reason": "Settled.", "sign": "file"}
    fields = hidden(alice.post(world.url("/steps/CloseCase"), form).text)
    fields["signature"] = key.sign(fields["intent"]).sig
    for changed in ({"reason": "Dropped."}, {"command": str(uuid4())}, {"intent": fields["intent"] + " "}):
        assert alice.post(world.url("/steps/CloseCase"), fields | changed).status_code == 422
    assert alice.post(world.url("/steps/PlaceLegalHold"), fields).status_code == 422
    assert not proposed(world)


def test_where_signatures_are_demanded_the_plain_button_is_gone(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    demand(alice)
    assert Party.objects.get(pk=world.cast.northwind).signatures_required
    page = alice.get(world.url()).text
    assert '<button class="btn" type="submit">Close the case</button>' not in page
    assert "wants its members to sign" in page
    answer = alice.post(world.url("/steps/CloseCase"), {"command": str(uuid4()), "reason": "Settled."})
    assert answer.status_code == 409
    assert "wants this act signed" in answer.text
    assert not proposed(world)
    # What does not bind the party needs no signature.
    steps = world.url("/steps/ContainCase")
    assert alice.post(steps, {"command": str(uuid4()), "reason": "Stopped."}).status_code == 302
    demand(alice, "no")
    assert '<button class="btn" type="submit">Close the case</button>' in alice.get(world.url()).text


def test_who_has_no_key_hears_where_to_get_one(world: World, signed_in: SignedIn) -> None:
    alice, bob = signed_in(world.cast.alice), signed_in(world.cast.bob)
    register_file(bob, FileKey())
    demand(alice)
    page = alice.get(world.url()).text
    assert "you have no signing key in use yet" in page
    assert 'href="/keys">Register one' in page


def test_a_script_hears_what_is_missing(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    answer = alice.post(world.url("/steps/CloseCase"), {"reason": "", "sign": "passkey"}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["sentence"] == "Reason is missing."
