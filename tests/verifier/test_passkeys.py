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


def bundle(*, point: bytes = POINT, flags: int = 5, **changed: Any) -> dict[str, bytes]:
    """A log with one act that a passkey signed."""
    log = Log()
    log.add("KeyRegistered", key="p", alg="webauthn", public=point.hex(), member=ALICE, purpose="member")
    text = maker.intent(log, "AcceptCustodyTransfer", {"item": "E-1"})
    challenge = base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
    told = {
        "type": "webauthn.get",
        "challenge": challenge,
        "origin": "https://example.org",
        "crossOrigin": False,
    }
    client = json.dumps(told | changed).encode()
    data = sha256(b"example.org").digest() + bytes([flags]) + (1).to_bytes(4, "big")
    signature = PASSKEY.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
    auth = {
        "key": "p",
        "alg": "webauthn",
        "intent": sha256(text.encode()).hexdigest(),
        "sig": maker.b64(signature),
    }
    log.add(
        "CustodyTransferAccepted",
        auth=auth,
        intent=text,
        item="E-1",
        authenticator_data=maker.b64(data),
        client_data=maker.b64(client),
        party=NORTHWIND,
    )
    log.checkpoint(by=2)
    return log.files()


def test_a_passkey_signs(check: Checked) -> None:
    assert check(bundle()) == (0, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
        {"challenge": None},
        {"flags": 4},
        {"point": POINT[:-1]},
        {"point": b"\x04" + bytes(64)},
        {"point": POINT[:1] + POINT[33:] + POINT[1:33]},
    ],
)
def test_what_a_passkey_must_not_have_signed(check: Checked, changed: dict[str, Any]) -> None:
    code, findings = check(bundle(**changed))
    assert code == 1
    assert findings[0].startswith("entry 1:")
