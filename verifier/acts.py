"""Signed acts: the keys that opened entries register, and the members' signatures made with them."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from verifier.entries import SIX, Leaf, Opening, canonical, parse
from verifier.merkle import VerificationError, need
from verifier.note import base64

PROOF = {"intent", "authenticator_data", "client_data", "signed"}


@dataclass
class Registered:
    """A key, good for the entries after `since` and before `until`."""

    alg: str
    public: bytes
    party: Any
    member: Any
    since: int
    until: int = 2**63


class Keys:
    """The keys registered so far, entry by entry."""

    def __init__(self) -> None:
        self.known: dict[str, Registered] = {}

    def learn(self, opening: Opening, leaf: Leaf) -> None:
        """Take in a key event."""
        body, index, kind = opening.body, opening.index, opening.body.get("type")
        old = self.known.get(str(body.get("old" if kind == "KeyRotated" else "key")))
        if kind in ("KeyRotated", "KeyRevoked"):
            need(old or opening.hidden, "It ends a key that no opened entry registered.")
        if kind == "KeyRevoked" and old:
            size = body.get("at_size")
            old.until = min(old.until, size if type(size) is int else 0)
        if kind == "KeyRegistered" or (kind == "KeyRotated" and old):
            key, alg, public = body.get("new" if old else "key"), body.get("alg"), body.get("public")
            whose = (old.party, old.member) if old else (body.get("party", leaf.party), body.get("member"))
            good = type(key) is str and key not in self.known and alg in ("ed25519", "webauthn")
            need(
                good and type(public) is str and public.isalnum(),
                "It registers a key twice, or of unknown kind.",
            )
            self.known[str(key)] = Registered(str(alg), bytes.fromhex(str(public)), *whose, index)
        if kind == "KeyRotated" and old:
            old.until = min(old.until, index + 1)

    def check(self, origin: str, opening: Opening, leaf: Leaf, auth: dict[str, str]) -> None:
        """Raise VerificationError unless the member whose act the entry shows has signed just this."""
        body, index, key = opening.body, opening.index, self.known.get(auth["key"])
        if key is None or key.alg != auth["alg"]:
            raise VerificationError("It is signed with a key that no opened entry registered before it.")
        need(
            index < key.until,
            f"It is signed with a key that was revoked or replaced from size {key.until} on.",
        )
        whose = key.party == leaf.party and key.member in (None, body.get("actor", {}).get("member"))
        need(whose, "It is signed with the key of somebody else.")
        text = str(body.get("intent")).encode()
        intent, event, digest = parse(text), body.get("type"), sha256(text)
        need(
            digest.hexdigest() == auth["intent"],
            "Its intent is not shown, or not the one that its leaf names.",
        )
        need(type(intent) is dict and canonical(intent) == text, "Its intent is not canonical.")
        signed = body.get("signed", {name: body[name] for name in body.keys() - SIX.keys() - PROOF})
        found = [intent.get(name) for name in ("intent", "log", "command_id", "content")]
        content = sha256(canonical(signed)).hexdigest()
        good = (
            found == ["countersign/intent/v1", origin, body.get("command"), content] and type(signed) is dict
        )
        need(good, "The member signed for another log, command or content.")
        good = all(body.get(name, one) == one for name, one in signed.items())
        need(
            good and _turned(str(intent.get("command")), str(event)),
            "The member signed another act than the entry says.",
        )
        try:
            if key.alg == "ed25519":
                return Ed25519PublicKey.from_public_bytes(key.public).verify(base64(auth["sig"]), text)
            data, client = base64(body.get("authenticator_data")), base64(body.get("client_data"))
            told, challenge = parse(client), urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
            good = type(told) is dict and (told.get("type"), told.get("challenge")) == (
                "webauthn.get",
                challenge,
            )
            need(
                good and len(data) > 36 and data[32] & 1,
                "The passkey signed something else, or nobody was there.",
            )
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public)
            point.verify(base64(auth["sig"]), data + sha256(client).digest(), ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            raise VerificationError("The member's signature is wrong.") from None


def _turned(command: str, event: str) -> bool:
    """Whether an event is a command turned round, as CaseClosed is CloseCase."""
    cut = next((at for at in range(1, len(command)) if command[at].isupper()), len(command))
    verb, noun = command[:cut], command[cut:]
    return event.startswith(noun) and event[len(noun) :].startswith(verb[: max(1, len(verb) - 2)])
