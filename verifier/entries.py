"""Entries: leaves, openings against their commitments, and what they tell, one after the other.

No key is taken in, replaced, ended or used but by its party's own proof.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from verifier.merkle import VerificationError, need
from verifier.note import NAME, Body, agree, canonical, parse, verify

SIX = {"type": str, "schema": int, "actor": dict, "stream": str, "version": int, "command": str}
TOLD = ("party", "member", "purpose", "name", "alg", "public")  # what a statement and its event both say
# Purpose, algorithm, length (a passkey's is an uncompressed point) and whether it is one member's.
KINDS = [("member", "ed25519", 32, True), ("member", "webauthn", 65, True), ("witness", "ed25519", 32, False)]
IRREGULAR = {"SendReferral": "ReferralSent", "ChangeShare": "ShareTermsChanged"}  # by no rule
IRREGULAR |= {"ConsentToParty": "PartyConsented", "ObjectToParty": "PartyObjected", "LeaveCase": "PartyLeft"}
IRREGULAR |= {"AgreeToClose": "ClosingAgreed", "DissentFromClosing": "ClosingDissented"}
IRREGULAR |= {"WithdrawProposal": "ProposalWithdrawn"}
PROPOSED = {"AddParty": "PartyProposed", "CloseCase": "ClosingProposed"}  # where other parties have to agree
# By how much two honest clocks may differ; how long a host may keep a signature back before it uses it.
SKEW, STALE = timedelta(minutes=10), timedelta(days=1)
_hex32 = re.compile("[0-9a-f]{64}").fullmatch


def leaf_pattern(origin: str) -> re.Pattern[str]:
    """What a log's leaves look like, to the letter: anything else is no canonical leaf of it."""
    log, digest = re.escape(canonical(origin).decode()), "[0-9a-f]{64}"
    uuid, number = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"0|[1-9]\d{0,15}"
    time = r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z"
    auth = rf'"alg":"(?:ed25519|webauthn)","intent":"{digest}","key":"{digest}","sig":"[A-Za-z0-9+/]+=*"'
    leaf = rf'"commit":"({digest})","i":({number}),"log":{log},"party":"({uuid})","ts":"({time})","v":1'
    return re.compile(rf'\{{(?:"auth":(\{{{auth}\}}),)?{leaf}\}}', re.ASCII)


class Leaf(NamedTuple):
    """What an entry says in the open."""

    commit: str
    party: str
    at: datetime
    auth: dict[str, str]  # empty where no member signed


def parse_leaf(data: bytes, index: int, pattern: re.Pattern[str]) -> Leaf:
    """The leaf that must stand at `index`; ValueError where it is no text or names no time."""
    if len(data) > 32 * 1024 or not (found := pattern.fullmatch(data.decode())):
        raise VerificationError("It is not a canonical leaf of this log.")
    auth, commit, number, party, time = found.groups()
    need(int(number) == index, f"It says that it is entry {int(number)}.")
    return Leaf(commit, party, datetime.fromisoformat(time), parse(auth.encode()) if auth else {})


def parse_opening(line: bytes, leaves: Sequence[Leaf], after: int) -> tuple[int, Body, bool]:
    """Index and shown fields of an opening, checked against its leaf's commitment, and if they are all."""
    value, body = parse(line), {}
    need(type(value) is dict and value.keys() == {"i", "fields", "hidden"}, "It is not i, fields and hidden.")
    index, hidden = value["i"], value["hidden"]
    need(type(index) is int and after < index < len(leaves), f"After entry {after} it opens none that holds.")
    need(type(hidden) is list and all(map(_hex32, hidden)), "It hides something else than digests.")
    digests = [bytes.fromhex(one) for one in hidden]
    for name, (salt, shown) in value["fields"].items():
        # Were a salt of another length taken, what is salt and what is value would be open.
        need(_hex32(salt) and NAME(name), f"A field of entry {index} has an odd name or no salt.")
        hashed = b'%b["%b",%b]' % (bytes.fromhex(salt), name.encode(), canonical(shown, 1))
        digests.append(sha256(b"countersign/field/v1\n" + hashed).digest())
        body[name] = shown
    commit = sha256(b"countersign/body/v1\n" + b"".join(sorted(digests))).hexdigest()
    need(leaves[index].commit == commit, f"That of entry {index} is not what its leaf commits to.")
    good = all(type(body[name]) is kind if name in body else hidden for name, kind in SIX.items())
    need(good, f"That of entry {index} lacks one of the six fields that every entry has.")
    return index, body, not hidden


def events_of(command: str) -> tuple[str, ...]:
    """The events that a command may be recorded as: ReopenCase as CaseReopened; see also PROPOSED."""
    turned = re.sub("([A-Z][a-z]*)(.*)", r"\2\1", command)
    usual = IRREGULAR.get(command, turned + ("d" if turned.endswith("e") else "ed"))
    return tuple(filter(None, (usual, PROPOSED.get(command))))


class History:
    """What the opened entries of one log tell, taken in order: of streams, evidence, keys and signed acts."""

    def __init__(self, origin: str, pins: dict[str, str]) -> None:
        self.origin, self.host = origin, origin.rsplit("/", 2)[0].removeprefix("countersign/")
        # Keys are the bodies of the events that brought them, good up to the entry that ended them.
        self.keys, self.ended = dict[str, Body](), dict[str, int]()
        self.pins, self.trusted = pins, {*pins}  # the pinned ones, and what came in their place
        self.streams, self.opened = dict[str, tuple[int, int]](), 0
        self.sealed, self.partial = dict[int, Body](), dict[int, Body]()  # evidence; what is not shown whole
        self.acts, self.unpinned = set[str](), 0  # the commands of the signed acts that hold

    def take(self, index: int, body: Body, leaf: Leaf, whole: bool) -> None:  # noqa: FBT001
        """One more entry. A signed act that is not shown whole cannot be checked, and does not count."""
        kind = body.get("type")
        if not whole:
            self.partial[index] = body
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
            self.ended[self.live(body["key"], leaf.party)["key"]] = index
        if leaf.auth and (whole or body.keys() >= {"type", "actor", "command", "intent", "signed"}):
            self.check_act(body, leaf)

    def live(self, key: str, party: str) -> Body:
        """The key of this id, if it is the party's and no entry has ended it."""
        known = key in self.keys and self.keys[key]["party"] == party
        need(known, "No opened entry before it registers this key for its party.")
        need(key not in self.ended, f"Its key was revoked or replaced by entry {self.ended.get(key)}.")
        return self.keys[key]

    def register(self, index: int, body: Body, party: str) -> None:
        """Take in a key whose holder signed that it is this party's key on this host, for this purpose."""
        key, rotated = body["key"], body["type"] == "KeyRotated"
        told = {"host": self.host, "replaces": body["replaces"] if rotated else None}
        text = canonical({"statement": "countersign/key/v1", **told, **{name: body[name] for name in TOLD}})
        good = body["party"] == party and body["statement"] == text.decode()
        need(good, "Its statement is not that of this key, of this party, for this host.")
        public = bytes.fromhex(body["public"])
        good = key == sha256(public).hexdigest() and body["public"] == public.hex()
        need(good and key not in self.keys, "The key's id is not the key's hash, or is known already.")
        good = (body["purpose"], body["alg"], len(public), body["member"] is not None) in KINDS
        need(good and self.pins.get(key, party) == party, "The policy and the format know no such key.")
        verify(body, text, body["proof"])
        if rotated:
            old = self.live(body["replaces"], party)
            need(old["member"] == body["member"], "It replaces a key of another member or purpose.")
            verify(old, text, body["old_proof"])
            self.ended[old["key"]] = index
            self.trusted |= {key} if old["key"] in self.trusted else set()
        self.keys[key] = body

    def check_act(self, body: Body, leaf: Leaf) -> None:
        """Raise unless the member whose act the entry is has signed just this, with a key then good."""
        key, auth = self.live(leaf.auth["key"], leaf.party), leaf.auth
        good = key["alg"] == auth["alg"] and key["member"] == body["actor"]["member"] is not None
        need(good, "It is signed with the key of somebody else.")
        text, signed, command = body["intent"].encode(), body["signed"], body["command"]
        told, content = parse(text), sha256(canonical(signed)).hexdigest()
        wanted = {"intent": "countersign/intent/v1", "log": self.origin, "command_id": command}
        wanted |= {"command": told["command"], "content": content, "made_at": told["made_at"]}
        good = sha256(text).hexdigest() == auth["intent"] and canonical(wanted) == text
        need(good, "The member signed for another log, command or content.")
        good = agree(body, signed) and body["type"] in events_of(told["command"])
        need(good, "The member signed another act than this.")
        late = leaf.at - datetime.fromisoformat(told["made_at"])
        need(-SKEW <= late <= STALE + SKEW, f"It was signed at {told['made_at']}, not when it was recorded.")
        need(command not in self.acts, "The signature stands on another entry already.")
        pinned = auth["key"] in self.trusted
        need(pinned or leaf.party not in self.pins.values(), "Its key does not come from a pinned one.")
        verify(key, text, body | auth)
        self.acts.add(command)
        self.unpinned += not pinned
