"""Acts signed in the browser with a passkey: P-256 over authenticatorData and the hash of clientDataJSON."""

import base64
import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.verifier import maker
from tests.verifier.conftest import Checked
from tests.verifier.maker import ALICE, NORTHWIND, Log

PASSKEY = ec.derive_private_key(7**50, ec.SECP256R1())
POINT = PASSKEY.public_key().public_bytes(
    serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
)


Fields = dict[str, Any]


def assertion(
    text: str, private: ec.EllipticCurvePrivateKey = PASSKEY, *, flags: int = 5, **changed: Any
) -> Fields:
    """What a browser gives back when the passkey is asked to sign a text."""
    challenge = base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
    told = {
        "type": "webauthn.get",
        "challenge": challenge,
        "origin": "https://example.org",
        "crossOrigin": False,
    }
    client = json.dumps(told | changed).encode()
    data = sha256(b"example.org").digest() + bytes([flags]) + (1).to_bytes(4, "big")
    signature = private.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
    return {
        "sig": maker.b64(signature),
        "authenticator_data": maker.b64(data),
        "client_data": maker.b64(client),
    }


def registration(point: bytes = POINT, **changed: Any) -> Fields:
    """A passkey registered with its own proof."""
    told = {
        "party": NORTHWIND,
        "member": ALICE,
        "purpose": "member",
        "name": "My phone",
        "alg": "webauthn",
        "public": point.hex(),
    }
    text = maker.statement(**told)
    return {
        **told,
        "key": sha256(point).hexdigest(),
        "statement": text,
        "proof": assertion(text, **changed),
    }


def bundle(registered: Fields, **changed: Any) -> dict[str, bytes]:
    """A log with one act that a passkey signed."""
    log = Log()
    log.add("KeyRegistered", event=registered)
    text = maker.intent(log, "AcceptCustodyTransfer", {"item": "E-1"})
    shown = assertion(text, **changed)
    auth = {
        "key": registered["key"],
        "alg": "webauthn",
        "intent": sha256(text.encode()).hexdigest(),
        "sig": shown.pop("sig"),
    }
    event = {"intent": text, "item": "E-1", "signed": {"item": "E-1"}, **shown}
    log.add("CustodyTransferAccepted", auth=auth, event=event)
    log.checkpoint(by=2)
    return log.files()


def test_a_passkey_signs(check: Checked) -> None:
    assert check(bundle(registration())) == (0, [])


WRONG: list[Fields] = [
    {"type": "webauthn.create"},
    {"challenge": "AAAA"},
    {"challenge": None},
    {"flags": 4},
    {"private": ec.derive_private_key(11**50, ec.SECP256R1())},
]


@pytest.mark.parametrize("changed", WRONG)
def test_what_a_passkey_must_not_have_signed(check: Checked, changed: Fields) -> None:
    code, findings = check(bundle(registration(), **changed))
    assert code == 1
    assert [one[:8] for one in findings] == ["entry 1:"]


@pytest.mark.parametrize("changed", WRONG)
def test_a_passkey_is_registered_by_its_own_signature(check: Checked, changed: Fields) -> None:
    code, findings = check(bundle(registration(**changed)))
    assert code == 1
    assert [one[:8] for one in findings] == ["entry 0:", "entry 1:"]


@pytest.mark.parametrize(
    "point",
    [
        POINT[:-1],
        b"\x04" + bytes(64),
        POINT[:1] + POINT[33:] + POINT[1:33],
        bytes([2 + POINT[-1] % 2]) + POINT[1:33],
    ],
    ids=["short", "zero", "not on the curve", "compressed"],
)
def test_what_is_no_passkey(check: Checked, point: bytes) -> None:
    code, findings = check(bundle(registration(point)))
    assert code == 1
    assert findings[0].startswith("entry 0:")


def test_an_ed25519_signature_is_no_passkeys(check: Checked) -> None:
    """The kind of key is under the statement: nobody turns one kind of signature into the other."""
    shown = registration()
    shown["proof"] = {"sig": maker.b64(maker.key("x").sign(shown["statement"].encode()))}
    assert check(bundle(shown))[0] == 1
