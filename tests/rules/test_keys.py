"""Keys: who may register, replace and end them, and what has to be shown."""

from dataclasses import replace
from typing import Any

import pytest

from cases.rules import keys
from cases.rules.key_events import KeyRegistered, KeyRevoked, KeyRotated, SignaturesRequired
from cases.rules.keys import CopyKeys, KeyRing, RequireSignatures, RevokeKey
from cases.rules.known import Around
from cases.rules.shape import Event
from ledger.authorship import Signature, key_id
from ledger.cosigning import WitnessKey
from tests.keyholders import FileKey, Holder, Passkey, registering, rotating
from tests.rules.given import (
    ALICE,
    BOB,
    CAROL,
    CASE,
    JOINT,
    MALLORY,
    NORTHWIND,
    OLGA,
    RHEA,
    WORKER,
    decide,
    member,
    name,
    refused,
)

SITE = Around(host="localhost", rp_id="localhost", origins=("http://localhost:8000",))
COUNSEL = member("cora", NORTHWIND, "counsel")
FIRST, SECOND, WITNESS = FileKey(), FileKey(), FileKey()
PHONE = Passkey(rp_id="localhost", origin="http://localhost:8000")


def own(holder: Holder, who: Any = ALICE, **said: Any) -> Any:
    return registering(holder, party=who.party, member=who.member, host="localhost", **said)


def witness(holder: Holder = WITNESS, who: Any = ALICE, name: str = "northwind.example/witness") -> Any:
    return registering(holder, party=who.party, member=None, name=name, host="localhost")


def given(*commands: Any, who: Any = ALICE) -> tuple[Event, ...]:
    events: tuple[Event, ...] = ()
    for command in commands:
        events += tuple(decide(events, command, who, SITE))
    return events


def ring(events: Any) -> KeyRing:
    held = KeyRing()
    for event in events:
        held = held.after(event)
    return held


@pytest.mark.parametrize("holder", [FIRST, PHONE])
def test_a_member_registers_its_own_key(holder: Holder) -> None:
    command = own(holder, name="laptop")
    (event,) = decide((), command, ALICE, SITE)
    assert isinstance(event, KeyRegistered)
    assert set(event.fields()) == {
        "key", "alg", "public", "party", "member", "purpose", "name", "statement", "proof",
    }  # fmt: skip
    assert event.key == key_id(holder.public)
    assert event.stream == f"keys/{NORTHWIND}"
    assert event.proof == command.proof.fields()
    assert set(event.proof) == ({"sig"} if holder is FIRST else {"sig", "authenticator_data", "client_data"})
    assert KeyRegistered.of(event.fields()) == event
    assert ring([event]).live[event.key].member == ALICE.member


def test_a_statement_is_the_canonical_text_of_what_the_key_is_for() -> None:
    assert own(FIRST, name="é").statement == (
        f'{{"alg":"ed25519","host":"localhost","member":"{ALICE.member}","name":"é","party":"{NORTHWIND}",'
        f'"public":"{FIRST.public.hex()}","purpose":"member","replaces":null,"statement":"countersign/key/v1"}}'
    )


def test_a_viewer_has_a_key_of_its_own_and_decides_on_no_other() -> None:
    assert decide((), own(FIRST, RHEA), RHEA, SITE)
    assert refused("role", (), witness(who=RHEA), RHEA, SITE).status == 403


@pytest.mark.parametrize("who", [ALICE, COUNSEL])
def test_a_lawyer_registers_the_witness(who: Any) -> None:
    (event,) = decide((), witness(), who, SITE)
    assert isinstance(event, KeyRegistered)
    assert (event.member, event.purpose, event.name) == (None, "witness", "northwind.example/witness")
    assert WitnessKey(event.name, bytes.fromhex(event.public)).vkey.startswith("northwind.example/witness+")


@pytest.mark.parametrize("bad", ["", "two words", "a+b", "zero\u200bwidth", "x" * 121])
def test_a_witness_has_a_name_that_a_note_can_hold(bad: str) -> None:
    assert refused("invalid", (), witness(name=bad), ALICE, SITE).field == "name"


def test_a_witness_does_not_sign_with_a_passkey() -> None:
    assert refused("invalid", (), witness(PHONE), ALICE, SITE).field == "alg"


def test_nobody_registers_a_key_for_somebody_else() -> None:
    refused("not-found", (), own(FIRST, BOB), ALICE, SITE)
    refused("not-found", (), own(FIRST, CAROL), ALICE, SITE)
    refused("not-found", (), witness(who=CAROL), ALICE, SITE)
    refused("role", (), own(FIRST), OLGA, SITE)
    refused("role", (), own(FIRST), WORKER, SITE)
    refused("invalid", (), replace(own(FIRST), purpose="witness", name="n.example/w"), ALICE, SITE)
    refused("invalid", (), replace(own(FIRST), member=None), ALICE, SITE)


def test_a_key_is_registered_once() -> None:
    refused("key-exists", given(own(FIRST)), own(FIRST), ALICE, SITE)
    refused("key-exists", (), own(FIRST), ALICE, replace(SITE, key_taken=True))
    gone = (*given(own(FIRST)), KeyRevoked(party=NORTHWIND, key=key_id(FIRST.public), reason="Lost"))
    refused("key-exists", gone, own(FIRST), ALICE, SITE)


def test_a_member_has_a_limit_of_keys() -> None:
    many = given(*(own(FileKey()) for _ in range(keys.MOST_LIVE)))
    refused("too-many-keys", many, own(FIRST), ALICE, SITE)
    assert decide(many, own(FIRST, BOB), BOB, SITE)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "another"},
        {"public": SECOND.public.hex()},
        {"statement": "countersign/key/v1"},
        {"statement": own(FIRST).statement.replace("localhost", "elsewhere")},
        {"statement": own(FIRST).statement + " "},
        {"proof": SECOND.sign(own(FIRST).statement)},
        {"proof": FIRST.sign("something else")},
        {"proof": PHONE.sign(own(FIRST).statement)},
        {"proof": Signature("")},
        {"proof": Signature("no base64!")},
        {"proof": Signature(FIRST.sign(own(FIRST).statement).sig + "\n")},
        {"proof": Signature("A" * 9_000)},
    ],
)
def test_who_does_not_hold_a_key_does_not_register_it(changed: dict[str, Any]) -> None:
    assert refused("signature-wrong", (), replace(own(FIRST), **changed), ALICE, SITE).status == 422


@pytest.mark.parametrize(
    "public", ["", "zz", "AB" * 32, "ab" * 31, PHONE.public.hex(), "04" + "ab" * 64, "ab" * 32 + "\n"]
)
def test_what_is_no_key_is_refused(public: str) -> None:
    kind = "webauthn" if public.startswith("04ab") else "ed25519"
    assert refused("invalid", (), replace(own(FIRST), public=public, alg=kind), ALICE, SITE).field == "public"


def test_a_compressed_point_is_not_a_second_name_for_a_passkey() -> None:
    short = (b"\x02" + PHONE.public[1:33]).hex()
    assert refused("invalid", (), replace(own(PHONE), public=short), ALICE, SITE).field == "public"


@pytest.mark.parametrize(
    "changed",
    [
        {"rp_id": "example.org"},
        {"origin": "http://localhost:9000"},
        {"origin": "https://localhost:8000"},
        {"flags": 0x04},
        {"kind": "webauthn.create"},
    ],
)
def test_a_passkey_signs_for_this_site_with_somebody_there(changed: dict[str, Any]) -> None:
    refused("signature-wrong", (), own(replace(PHONE, **changed)), ALICE, SITE)


def test_rotation_is_signed_by_the_old_key_and_the_new() -> None:
    before = given(own(FIRST))
    command = rotating(PHONE, FIRST, party=NORTHWIND, member=ALICE.member, host="localhost")
    (event,) = decide(before, command, ALICE, SITE)
    assert isinstance(event, KeyRotated)
    assert event.replaces == key_id(FIRST.public)
    assert event.old_proof == command.old_proof.fields()
    assert KeyRotated.of(event.fields()) == event
    after = ring((*before, event))
    assert after.keys[key_id(FIRST.public)].ended == "rotated"
    assert set(after.live) == {key_id(PHONE.public)}
    refused("signature-wrong", before, replace(command, old_proof=command.proof), ALICE, SITE)
    refused("signature-wrong", before, replace(command, proof=command.old_proof), ALICE, SITE)


def test_only_a_key_in_use_of_the_same_holder_and_purpose_is_replaced() -> None:
    rotate = rotating(SECOND, FIRST, party=NORTHWIND, member=ALICE.member, host="localhost")
    refused("key-unknown", (), rotate, ALICE, SITE)
    refused("key-unknown", given(own(FIRST, BOB), who=BOB), rotate, ALICE, SITE)
    refused("key-unknown", given(witness(FIRST)), rotate, ALICE, SITE)
    ended = (*given(own(FIRST)), KeyRevoked(party=NORTHWIND, key=key_id(FIRST.public), reason="Lost"))
    refused("key-unknown", ended, rotate, ALICE, SITE)


def test_a_lost_key_is_ended_by_its_holder_or_a_lawyer() -> None:
    before = given(own(FIRST, BOB), who=BOB)
    revoke = RevokeKey(party=NORTHWIND, key=key_id(FIRST.public), reason="Laptop lost")
    for who in (BOB, ALICE, COUNSEL):
        (event,) = decide(before, revoke, who)
        assert event.fields() == {
            "party": str(NORTHWIND), "key": key_id(FIRST.public), "reason": "Laptop lost",
        }  # fmt: skip
    refused("role", before, revoke, member("ines", NORTHWIND, "investigator"))
    refused("role", given(witness()), replace(revoke, key=key_id(WITNESS.public)), BOB)
    refused("not-found", before, revoke, CAROL)
    refused("not-found", before, revoke, MALLORY)
    refused("not-found", (), revoke, ALICE)
    refused("invalid", before, replace(revoke, reason=" "), ALICE)
    refused("key-ended", (*before, event), revoke, ALICE)


def test_a_party_asks_its_members_to_sign_once_one_of_them_can() -> None:
    wanted = RequireSignatures(party=NORTHWIND, required=True)
    refused("no-signer", (), wanted, ALICE)
    assert decide((), wanted, ALICE, Around(signers=True)) == [
        SignaturesRequired(party=NORTHWIND, required=True)
    ]
    now = (SignaturesRequired(party=NORTHWIND, required=True),)
    refused("nothing-changed", now, wanted, ALICE, Around(signers=True))
    assert decide(now, replace(wanted, required=False), COUNSEL)
    refused("role", now, replace(wanted, required=False), BOB)
    refused("not-found", now, replace(wanted, required=False), CAROL)
    refused("role", now, replace(wanted, required=False), OLGA)


def test_a_case_is_told_exactly_what_the_host_log_tells() -> None:
    told = given(own(FIRST), witness())
    copy = CopyKeys(case=CASE, party=NORTHWIND, since=0, until=2)
    assert tuple(decide(JOINT, copy, WORKER, Around(copied=told))) == told
    refused("nothing-to-copy", JOINT, copy, WORKER, Around(copied=told[:1]))
    refused("stale", (*JOINT, told[0]), copy, WORKER, Around(copied=told))
    refused("stale", JOINT, replace(copy, since=1), WORKER, Around(copied=told[1:]))
    refused("nothing-to-copy", JOINT, replace(copy, until=0), WORKER)
    refused("not-found", JOINT, replace(copy, party=name("contoso")), WORKER, Around(copied=told))
    refused("role", JOINT, copy, ALICE, Around(copied=told))
    refused("not-found", JOINT, copy, MALLORY, Around(copied=told))
