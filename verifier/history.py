"""What opened entries tell: no key is taken in, replaced, ended or used but by its party's own proof."""

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from verifier.entries import Leaf, canonical, parse
from verifier.merkle import VerificationError, need
from verifier.note import base64

TOLD = ("party", "member", "purpose", "name", "alg", "public")  # what a statement and its event both say
KINDS = [("member", "ed25519", True), ("member", "webauthn", True), ("witness", "ed25519", False)]
SKEW = timedelta(minutes=10)  # by how much two honest clocks may differ
IRREGULAR = {  # by no rule
    "SendReferral": "ReferralSent",
    "ChangeShare": "ShareTermsChanged",
    "ConsentToParty": "PartyConsented",
    "ObjectToParty": "PartyObjected",
    "AgreeToClose": "ClosingAgreed",
    "DissentFromClosing": "ClosingDissented",
    "WithdrawProposal": "ProposalWithdrawn",
    "LeaveCase": "PartyLeft",
}
PROPOSED = {"AddParty": "PartyProposed", "CloseCase": "ClosingProposed"}  # where other parties have to agree
STALE = timedelta(days=1)  # a host that kept a signature back for longer may not use it any more


@dataclass
class PublicKey:
    """A party's key, of a member or of a witness, good until the entry `until`, that one excluded."""

    alg: str
    public: bytes
    party: str
    member: str | None
    pinned: bool
    until: int = 2**63

    def verify(self, text: bytes, shown: dict[str, Any]) -> None:
        """Raise unless `shown` holds its signature over a text: over the bytes, or as a passkey signs."""
        signature = base64(shown["sig"])
        if self.alg == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        data, client = base64(shown["authenticator_data"]), base64(shown["client_data"])
        told, challenge = parse(client), urlsafe_b64encode(sha256(text).digest()).rstrip(b"=").decode()
        good = (told["type"], told["challenge"]) == ("webauthn.get", challenge) and len(data) > 36
        need(good and data[32] & 1, "The passkey signed something else, or nobody was there.")
        need(len(self.public) == 65, "A passkey is not an uncompressed point.")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.public)
        return point.verify(signature, data + sha256(client).digest(), ec.ECDSA(SHA256()))


def events_of(command: str) -> tuple[str, ...]:
    """The events that a command may be recorded as: ReopenCase as CaseReopened; see also PROPOSED."""
    turned = re.sub("([A-Z][a-z]*)(.*)", r"\2\1", command)
    usual = IRREGULAR.get(command, turned + ("d" if turned.endswith("e") else "ed"))
    return tuple(filter(None, (usual, PROPOSED.get(command))))


class History:
    """What the opened entries of one log tell, taken in order: of streams, evidence, keys and signed acts."""

    def __init__(self, origin: str, pins: dict[str, str]) -> None:
        self.origin, self.host = origin, origin.rsplit("/", 2)[0].removeprefix("countersign/")
        self.pins, self.keys = pins, dict[str, PublicKey]()
        self.streams, self.opened = dict[str, tuple[int, int]](), 0
        self.sealed = dict[int, dict[str, Any]]()
        self.acts, self.unpinned = set[str](), 0  # the commands of the signed acts that hold

    def take(self, index: int, body: dict[str, Any], leaf: Leaf, whole: bool) -> None:  # noqa: FBT001
        """One more entry. A signed act that is not shown whole cannot be checked, and does not count."""
        kind = body.get("type")
        if "stream" in body and "version" in body:
            last, before = self.streams.get(body["stream"], (0, 0))
            unseen, self.opened = index - self.opened, self.opened + 1
            self.streams[body["stream"]] = body["version"], unseen
            good = 0 < body["version"] - last <= 1 + unseen - before  # a gap is as long as what is not opened
            need(good, f"Its version {body['version']} does not follow {last} in its stream.")
        if kind == "EvidenceSealed":
            self.sealed[index] = body
        if kind in ("KeyRegistered", "KeyRotated"):
            self.register(index, body, leaf.party)
        if kind == "KeyRevoked":
            need(body["party"] == leaf.party, "It is not recorded for the party that it names.")
            self.live(index, body["key"], leaf.party).until = index
        if leaf.auth and (whole or body.keys() >= {"type", "actor", "command", "intent", "signed"}):
            self.check_act(index, body, leaf)

    def live(self, index: int, key: str, party: str) -> PublicKey:
        """The key of this id, if it is the party's and no entry up to `index` has ended it."""
        found = self.keys.get(key)
        if not found or found.party != party:
            raise VerificationError("No opened entry before it registers this key for its party.")
        need(index < found.until, f"Its key was revoked or replaced by entry {found.until}.")
        return found

    def register(self, index: int, body: dict[str, Any], party: str) -> None:
        """Take in a key whose holder signed that it is this party's key on this host, for this purpose."""
        name, public, rotated = body["key"], bytes.fromhex(body["public"]), body["type"] == "KeyRotated"
        new = PublicKey(body["alg"], public, party, body["member"], pinned=name in self.pins)
        told = {name: body[name] for name in TOLD} | {"replaces": body["replaces"] if rotated else None}
        text = canonical(told | {"statement": "countersign/key/v1", "host": self.host})
        good = body["party"] == party and body["statement"] == text.decode()
        need(good, "Its statement is not that of this key, of this party, for this host.")
        good = name == sha256(public).hexdigest() and body["public"] == public.hex()
        need(good and name not in self.keys, "The key's id is not the key's hash, or is known already.")
        good = (body["purpose"], new.alg, new.member is not None) in KINDS
        need(good and self.pins.get(name, party) == party, "The policy and the format know no such key.")
        new.verify(text, body["proof"])
        if rotated:
            old = self.live(index, body["replaces"], party)
            need(old.member == new.member, "It replaces a key of another member or purpose.")
            old.verify(text, body["old_proof"])
            old.until, new.pinned = index, new.pinned or old.pinned
        self.keys[name] = new

    def check_act(self, index: int, body: dict[str, Any], leaf: Leaf) -> None:
        """Raise unless the member whose act the entry is has signed just this, with a key then good."""
        key, auth = self.live(index, leaf.auth["key"], leaf.party), leaf.auth
        good = key.alg == auth["alg"] and key.member is not None and key.member == body["actor"]["member"]
        need(good, "It is signed with the key of somebody else.")
        text, signed, command = body["intent"].encode(), body["signed"], body["command"]
        told, content = parse(text), sha256(canonical(signed)).hexdigest()
        wanted = {"intent": "countersign/intent/v1", "log": self.origin, "command_id": command}
        wanted |= {"command": told["command"], "content": content, "made_at": told["made_at"]}
        good = sha256(text).hexdigest() == auth["intent"] and canonical(wanted) == text
        need(good, "The member signed for another log, command or content.")
        good = all(canonical(body[name]) == canonical(signed[name]) for name in body.keys() & signed.keys())
        need(good and body["type"] in events_of(told["command"]), "The member signed another act than this.")
        late = leaf.at - datetime.fromisoformat(told["made_at"])
        need(-SKEW <= late <= STALE + SKEW, f"It was signed at {told['made_at']}, not when it was recorded.")
        need(command not in self.acts, "The signature stands on another entry already.")
        need(key.pinned or leaf.party not in self.pins.values(), "Its key does not come from a pinned one.")
        key.verify(text, body | auth)
        self.acts.add(command)
        self.unpinned += not key.pinned
