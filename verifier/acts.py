"""Members' keys and acts: no key is taken in, replaced, ended or used but by its party's own proof."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from verifier.entries import Leaf, canonical, parse
from verifier.merkle import VerificationError, need
from verifier.note import base64

TOLD = ("party", "member", "purpose", "name", "alg", "public")  # what a statement and its event both say
SKEW = timedelta(minutes=10)  # by how much two honest clocks may differ
STALE = timedelta(days=1)  # a host that kept a signature back for longer may not use it any more


@dataclass
class PublicKey:
    """A key of a party, good until the entry `until`, that one excluded."""

    alg: str
    public: bytes
    party: str
    member: str | None
    pinned: bool
    until: int = 2**63

    def verify(self, text: bytes, shown: Mapping[str, Any]) -> None:
        """Raise unless `shown` holds its signature over a text: over the bytes, or as a passkey signs."""
        signature = base64(shown["sig"])
        if self.alg == "ed25519":
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
            return
        data, client = base64(shown["authenticator_data"]), base64(shown["client_data"])
        told, challenge = parse(client), urlsafe_b64encode(sha256(text).digest()).rstrip(b"=").decode()
        good = told["type"] == "webauthn.get" and told["challenge"] == challenge and len(data) > 36
        need(good and data[32] & 1, "The passkey signed something else, or nobody was there.")
        need(len(self.public) == 65, "A passkey is not an uncompressed point.")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.public)
        point.verify(signature, data + sha256(client).digest(), ec.ECDSA(SHA256()))


def event_of(command: str) -> str:
    """The event that a command asks for: CloseCase is CaseClosed, AddParty is PartyAdded."""
    turned = re.sub("([A-Z][a-z]*)(.*)", r"\2\1", command)
    return turned + ("d" if turned.endswith("e") else "ed")


class Acts:
    """What the opened entries of one log, taken in order, say of members' keys and do with them."""

    def __init__(self, origin: str, pins: Mapping[str, str]) -> None:
        self.origin, self.host = origin, origin.rsplit("/", 2)[0].removeprefix("countersign/")
        self.pins, self.keys = pins, dict[str, PublicKey]()
        self.commands, self.unpinned = set[str](), 0  # of the acts that hold

    def take(self, index: int, body: dict[str, Any], leaf: Leaf, *, whole: bool) -> None:
        """Take in a key event and check a signed act; one that is not shown whole cannot be, nor counts."""
        if body.get("type") in ("KeyRegistered", "KeyRotated", "KeyRevoked"):
            need(body["party"] == leaf.party, "It is not recorded for the party that it names.")
            if body["type"] == "KeyRevoked":
                self.live(index, body["key"], leaf.party).until = index
            else:
                self.register(index, body)
        if leaf.auth and (whole or body.keys() >= {"type", "actor", "command", "intent", "signed"}):
            self.check_act(index, body, leaf, leaf.auth)

    def live(self, index: int, key: str, party: str) -> PublicKey:
        """The key of this id, if it is the party's and no entry up to `index` has ended it."""
        found = self.keys.get(key)
        if not found or found.party != party:
            raise VerificationError("No opened entry before it registers this key for its party.")
        need(index < found.until, f"Its key was revoked or replaced by entry {found.until}.")
        return found

    def register(self, index: int, body: dict[str, Any]) -> None:
        """Take in a key whose holder signed that it is this party's key on this host, for this purpose."""
        public, rotated = bytes.fromhex(body["public"]), body["type"] == "KeyRotated"
        new = PublicKey(body["alg"], public, body["party"], body["member"], pinned=body["key"] in self.pins)
        told = {name: body[name] for name in TOLD} | {"replaces": body["replaces"] if rotated else None}
        text = canonical(told | {"statement": "countersign/key/v1", "host": self.host})
        need(body["statement"] == text.decode(), "Its statement is not that of this key, party and host.")
        good = body["key"] == sha256(public).hexdigest() and body["public"] == public.hex()
        need(good, "The key's id is not the key's hash.")
        need(body["key"] not in self.keys, "It registers a key a second time.")
        kinds = [("member", "ed25519", True), ("member", "webauthn", True), ("witness", "ed25519", False)]
        need((body["purpose"], new.alg, new.member is not None) in kinds, "There is no such kind of key.")
        need(self.pins.get(body["key"], new.party) == new.party, "The policy pins it for another party.")
        new.verify(text, body["proof"])
        if rotated:
            old = self.live(index, body["replaces"], new.party)
            need(old.member == new.member, "It replaces a key of another member or purpose.")
            old.verify(text, body["old_proof"])
            old.until, new.pinned = index, new.pinned or old.pinned
        self.keys[body["key"]] = new

    def check_act(self, index: int, body: dict[str, Any], leaf: Leaf, auth: dict[str, str]) -> None:
        """Raise unless the member whose act the entry is has signed just this, with a key then good."""
        key, text, signed = self.live(index, auth["key"], leaf.party), body["intent"].encode(), body["signed"]
        good = key.alg == auth["alg"] and key.member is not None and key.member == body["actor"]["member"]
        need(good, "It is signed with the key of somebody else.")
        need(sha256(text).hexdigest() == auth["intent"], "Its intent is not the one that its leaf names.")
        told, content = parse(text), sha256(canonical(signed)).hexdigest()
        wanted = {"intent": "countersign/intent/v1", "log": self.origin, "command_id": body["command"]}
        wanted |= {"command": told["command"], "content": content, "made_at": told["made_at"]}
        need(canonical(wanted) == text, "The member signed for another log, command or content.")
        good = all(canonical(body[name]) == canonical(signed[name]) for name in body.keys() & signed.keys())
        good = good and event_of(told["command"]) == body["type"]
        need(good, "The member signed another act than the entry says.")
        late = leaf.at - datetime.fromisoformat(told["made_at"])
        need(-SKEW <= late <= STALE + SKEW, f"It was signed at {told['made_at']}, not when it was recorded.")
        need(body["command"] not in self.commands, "The signature stands on another entry already.")
        need(key.pinned or leaf.party not in self.pins.values(), "Its key does not come from a pinned one.")
        key.verify(text, body | auth)
        self.commands.add(body["command"])
        self.unpinned += not key.pinned
