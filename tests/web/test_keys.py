"""Keys and signed acts on the web: register, replace, revoke; sign by passkey or by a key in a file."""

import base64
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from cases import reads
from cases.models import Case, Party, PartyKey
from tests.cast import Person
from tests.signers import FileKey, SoftPasskey
from tests.web.conftest import World
from web.models import Passkey

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


def passkey() -> SoftPasskey:
    return SoftPasskey(origin=settings.WEBAUTHN_ORIGINS[0])


def register_file(client: Client, key: FileKey, **said: str) -> Any:
    drawn = client.post("/keys/new", {"purpose": "member", "name": "Laptop", "public": key.public, **said})
    assert drawn.status_code == 200
    fields = hidden(drawn.text)
    return client.post("/keys/register", fields | {"proof": json.dumps(key.sign(fields["statement"]))})


def register_passkey(client: Client, key: SoftPasskey) -> Any:
    said = {"purpose": "member", "name": "Phone", "command": str(uuid4())}
    drawn = client.post("/keys/new", said | {"spki": key.spki}, headers=JSON).json()
    assert drawn["public"] == key.public
    return client.post(
        "/keys/register",
        said
        | {
            "alg": "webauthn",
            "public": drawn["public"],
            "statement": drawn["statement"],
            "credential": key.credential,
            "proof": json.dumps(key.sign(drawn["statement"])),
        },
    )


def demand(client: Client, required: str = "yes") -> None:
    assert client.post("/keys/signatures", {"required": required}).status_code == 302


def auth_of(world: World) -> Any:
    """The signature in the newest leaf of the case."""
    head = reads.ledger_head(world.cast.alice.actor, world.case)
    row = reads.ledger_page(world.cast.alice.actor, world.case, after=head.size - 2, limit=1)[0]
    return json.loads(base64.b64decode(row.leaf_b64)).get("auth")


def status_of(world: World) -> str:
    return Case.objects.get(pk=world.case.pk).status


def test_a_page_without_any_key_says_what_keys_are_for(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.cast.alice).get("/keys")
    assert page.status_code == 200
    assert "No signing key yet" in page.text and "No witness yet" in page.text
    assert "never leaves your device" in page.text
    assert "once a member has registered a key" in page.text
    assert 'href="/keys"' in signed_in(world.cast.alice).get("/").text


def test_a_key_in_a_file_is_registered_with_proof_of_possession(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    printed = f"vkey   -\npublic {key.public}\nkey    {key.id}"
    assert register_file(alice, key, public=printed).status_code == 302
    held = PartyKey.objects.get(pk=key.id)
    assert (held.member_id, held.alg, held.name) == (world.cast.alice.member, "ed25519", "Laptop")
    page = alice.get("/keys").text
    assert key.id in page and "Laptop" in page


def test_who_cannot_sign_for_a_key_does_not_register_it(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    fields = hidden(alice.post("/keys/new", {"purpose": "member", "name": "", "public": key.public}).text)
    answer = alice.post("/keys/register", fields | {"proof": FileKey().sign(fields["statement"])["sig"]})
    assert answer.status_code == 422
    assert "does not hold for this text and key" in answer.text
    for told in ("", "{", "{}", '{"sig": 7}', "[", "ü", "x" * 70_000):
        assert alice.post("/keys/register", fields | {"proof": told}).status_code == 422, told
    assert not PartyKey.objects.filter(pk=key.id).exists()


def test_what_is_no_public_key_is_told_beside_its_field(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).post("/keys/new", {"purpose": "member", "public": "abc"})
    assert answer.status_code == 422
    assert "This is no Ed25519 public key" in answer.text


def test_a_passkey_is_registered_by_script(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), passkey()
    assert register_passkey(alice, key).status_code == 302
    assert PartyKey.objects.get(pk=key.id).alg == "webauthn"
    assert Passkey.objects.get(pk=key.id).credential == key.credential


@pytest.mark.parametrize(
    "spki", ["", "AAAA", "ü", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="]
)
def test_a_passkey_of_another_kind_is_refused_in_words(world: World, signed_in: SignedIn, spki: str) -> None:
    answer = signed_in(world.cast.alice).post("/keys/new", {"purpose": "member", "spki": spki}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["sentence"]


def test_a_key_is_replaced_by_both_keys(world: World, signed_in: SignedIn) -> None:
    alice, old, new = signed_in(world.cast.alice), FileKey(), FileKey()
    register_file(alice, old)
    drawn = alice.post(
        "/keys/new", {"purpose": "member", "name": "Laptop", "public": new.public, "replaces": old.id}
    )
    fields = hidden(drawn.text)
    text = fields["statement"]
    by_new = json.dumps(new.sign(text))
    assert alice.post("/keys/register", fields | {"proof": by_new, "old_proof": by_new}).status_code == 422
    signed = {"proof": by_new, "old_proof": json.dumps(old.sign(text)), "command": str(uuid4())}
    assert alice.post("/keys/register", fields | signed).status_code == 302
    ended = PartyKey.objects.get(pk=old.id)
    assert (ended.ended_why, ended.replaced_by_id) == ("rotated", new.id)
    assert "Keys that have ended (1)" in alice.get("/keys").text


def test_a_passkey_is_replaced_by_both_passkeys(world: World, signed_in: SignedIn) -> None:
    alice, old, new = signed_in(world.cast.alice), passkey(), passkey()
    register_passkey(alice, old)
    said = {"purpose": "member", "name": "", "replaces": old.id, "command": str(uuid4())}
    drawn = alice.post("/keys/new", said | {"spki": new.spki}, headers=JSON).json()
    assert drawn["allow"] == [old.credential]
    signed = {
        "alg": "webauthn",
        "public": new.public,
        "statement": drawn["statement"],
        "credential": new.credential,
        "proof": json.dumps(new.sign(drawn["statement"])),
        "old_proof": json.dumps(old.sign(drawn["statement"])),
    }
    assert alice.post("/keys/register", said | signed).status_code == 302
    assert PartyKey.objects.get(pk=old.id).replaced_by_id == new.id


def test_a_key_is_revoked_with_its_reason(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    assert alice.post(f"/keys/{key.id}/revoke", {"reason": ""}).status_code == 422
    assert alice.post(f"/keys/{key.id}/revoke", {"reason": "Lost on a train."}).status_code == 302
    assert PartyKey.objects.get(pk=key.id).ended_why == "revoked"


def test_members_do_not_decide_on_keys_of_others(world: World, signed_in: SignedIn) -> None:
    alice, bob, carol = (signed_in(one) for one in (world.cast.alice, world.cast.bob, world.cast.carol))
    key, of_bob = FileKey(), FileKey()
    register_file(alice, key)
    register_file(bob, of_bob)
    assert bob.post(f"/keys/{key.id}/revoke", {"reason": "x"}).status_code == 403
    assert carol.post(f"/keys/{key.id}/revoke", {"reason": "x"}).status_code == 404
    assert carol.post("/keys/new", {"public": FileKey().public, "replaces": key.id}).status_code == 404
    assert key.id not in carol.get("/keys").text
    assert bob.post("/keys/signatures", {"required": "yes"}).status_code == 403
    witness = {"purpose": "witness", "name": "northwind.example/witness"}
    assert register_file(bob, FileKey(), **witness).status_code == 403
    # Who leads the party may end any of its keys.
    assert alice.post(f"/keys/{of_bob.id}/revoke", {"reason": "Left us."}).status_code == 302


def test_a_witness_key_is_registered_and_shown_with_its_verifier_key(
    world: World, signed_in: SignedIn
) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    assert register_file(alice, key, purpose="witness", name="northwind.example/witness").status_code == 302
    held = PartyKey.objects.get(pk=key.id)
    assert (held.purpose, held.member_id) == ("witness", None)
    assert held.vkey.startswith("northwind.example/witness+")
    assert held.vkey in unescape(alice.get("/keys").text)


def test_without_a_key_a_form_offers_no_signature(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.cast.alice).get(world.url()).text
    assert "Sign with" not in page
    assert re.search(r'<button class="btn" type="submit">Close the case</button>', page)


def test_a_passkey_signs_the_closing_of_a_case(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), passkey()
    register_passkey(alice, key)
    assert "Sign with my passkey" in alice.get(world.url()).text
    form = {"command": str(uuid4()), "reason": "Settled.\r\nAll of it."}
    drawn = alice.post(world.url("/steps/CloseCase"), form | {"sign": "passkey"}, headers=JSON)
    asked = drawn.json()
    assert asked["allow"] == [key.credential]
    assert status_of(world) == "open", "drawing an intent does nothing"
    signed = {"intent": asked["intent"], "signature": json.dumps(key.sign(asked["intent"]))}
    # A form's own newlines are not those of a script; what is signed is the same.
    form["reason"] = "Settled.\nAll of it."
    answer = alice.post(world.url("/steps/CloseCase"), form | signed)
    assert answer.status_code == 302
    assert status_of(world) == "closed"
    assert (auth_of(world)["key"], auth_of(world)["alg"]) == (key.id, "webauthn")


def test_a_key_in_a_file_signs_on_a_page_of_its_own(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    form = {"command": str(uuid4()), "reason": "Settled “for good”.", "sign": "file"}
    page = alice.post(world.url("/steps/CloseCase"), form)
    assert "Sign: Close the case" in page.text and "countersign-sign --key" in page.text
    fields = hidden(page.text)
    # Somebody else's signature is none, and the form says so.
    wrong = alice.post(
        world.url("/steps/CloseCase"), fields | {"signature": FileKey().sign(fields["intent"])["sig"]}
    )
    assert wrong.status_code == 422 and status_of(world) == "open"
    answer = alice.post(
        world.url("/steps/CloseCase"), fields | {"signature": json.dumps(key.sign(fields["intent"]))}
    )
    assert answer.status_code == 302
    assert auth_of(world)["key"] == key.id


def test_a_disclosure_is_signed(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    form = {
        "command": str(uuid4()),
        "party": str(world.cast.contoso),
        "purpose": "Joint analysis",
        "legal_basis": "",
        "sign": "file",
    }
    at = world.url("/evidence/E-1/disclose")
    fields = hidden(alice.post(at, form).text)
    answer = alice.post(at, fields | {"signature": key.sign(fields["intent"])["sig"]})
    assert answer.status_code == 302
    assert auth_of(world)["key"] == key.id


def test_what_was_signed_is_what_is_done(world: World, signed_in: SignedIn) -> None:
    alice, key = signed_in(world.cast.alice), FileKey()
    register_file(alice, key)
    form = {"command": str(uuid4()), "reason": "Settled.", "sign": "file"}
    fields = hidden(alice.post(world.url("/steps/CloseCase"), form).text)
    fields["signature"] = key.sign(fields["intent"])["sig"]
    for changed in ({"reason": "Dropped."}, {"command": str(uuid4())}, {"intent": fields["intent"] + " "}):
        assert alice.post(world.url("/steps/CloseCase"), fields | changed).status_code == 422
    assert alice.post(world.url("/steps/PlaceLegalHold"), fields).status_code == 422
    assert status_of(world) == "open"


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
    assert status_of(world) == "open"
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
