"""Signed acts: the keys that opened entries register, and the members' signatures made with them."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from verifier.entries import SIX, Leaf, canonical, parse
from verifier.merkle import VerificationError, need
from verifier.note import base64

PROOF = {"intent", "authenticator_data", "client_data", "signed"}


@dataclass
class Registered:
    """A key, good until the entry `until`, that one excluded."""

    alg: str
    public: bytes
    party: Any
    member: Any
    until: int = 2**63


def learn(keys: dict[str, Registered], index: int, body: dict[str, Any], party: str) -> None:
    """Take in a key event; whatever is raised means that it is none that can be."""
    rotated, public = body.get("type") == "KeyRotated", str(body.get("public"))
    old = keys.get(str(body.get("old" if rotated else "key")))
    if old and (rotated or body.get("type") == "KeyRevoked"):
        old.until = min(old.until, index + 1 if rotated else int(body["at_size"]))
    if (rotated and old) or body.get("type") == "KeyRegistered":
        name = "new" if rotated else "key"
        whose = (old.party, old.member) if rotated and old else (party, body.get("member"))
        need(body.get("party", party) == party, "It registers a key of another party.")
        need(type(body[name]) is str and body[name] not in keys, "It registers a key a second time.")
        need(body["alg"] in ("ed25519", "webauthn"), "It registers a key of unknown kind.")
        keys[body[name]] = Registered(body["alg"], bytes.fromhex(public), *whose)


def check(keys: dict[str, Registered], origin: str, index: int, body: dict[str, Any], leaf: Leaf) -> None:
    """Raise unless the member whose act the entry shows has signed just this, with a key then good."""
    auth, text = leaf.auth or {}, str(body.get("intent")).encode()
    key, intent, digest = keys.get(auth["key"]), parse(text), sha256(text)
    if not key or key.alg != auth["alg"]:
        raise VerificationError("It is signed with a key that no opened entry registered before it.")
    need(index < key.until, f"It is signed with a key that was revoked or replaced from size {key.until} on.")
    whose = key.party == leaf.party and key.member in (None, body.get("actor", {}).get("member"))
    need(whose, "It is signed with the key of somebody else.")
    good = digest.hexdigest() == auth["intent"] and type(intent) is dict and canonical(intent) == text
    need(good, "Its intent is not shown, or is not the one that its leaf names.")
    signed = body.get("signed", {name: body[name] for name in body.keys() - SIX.keys() - PROOF})
    wanted = ["countersign/intent/v1", origin, body["command"], sha256(canonical(signed)).hexdigest()]
    found = [intent.get(name) for name in ("intent", "log", "command_id", "content")]
    need(found == wanted, "The member signed for another log, command or content.")
    good = _turned(str(intent["command"]), body["type"]) and all(
        body.get(n, v) == v for n, v in signed.items()
    )
    need(good, "The member signed another act than the entry says.")
    if key.alg == "ed25519":
        Ed25519PublicKey.from_public_bytes(key.public).verify(base64(auth["sig"]), text)
        return
    data, client = base64(body["authenticator_data"]), base64(body["client_data"])
    told, challenge = parse(client), urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    good = told["type"] == "webauthn.get" and told["challenge"] == challenge and len(data) > 36
    need(good and data[32] & 1, "The passkey signed something else, or nobody was there.")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public)
    point.verify(base64(auth["sig"]), data + sha256(client).digest(), ec.ECDSA(SHA256()))


def _turned(command: str, event: str) -> bool:
    """Whether an event is a command turned round, as CaseClosed is CloseCase."""
    cut = next((at for at in range(1, len(command)) if command[at].isupper()), len(command))
    verb, noun = command[:cut], command[cut:]
    return event.startswith(noun) and event[len(noun) :].startswith(verb[: max(1, len(verb) - 2)])
