"""The keys of a party: its witnesses', which countersign logs, and its members', which sign acts.

The host log is the truth about keys. Each case's log holds, of each party in it, the same events in the same
order, so that a bundle of the case shows alone whose key signed what.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cases.refusals import Invalid, Refused, Unseen
from cases.rules import values
from cases.rules.key_events import (
    KeyRegistered,
    KeyRevoked,
    KeyRotated,
    SignaturesRequired,
    key_stream,
)
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, HostCommand, Rules, plain
from ledger import authorship, jcs
from ledger.authorship import ED25519, Signature
from ledger.errors import VerificationError

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

STATEMENT = "countersign/key/v1"
MOST_LIVE = 20
"""Live keys that one member may have, and that a party may have for witnesses."""


def statement(
    *,
    host: str,
    party: UUID,
    member: UUID | None,
    purpose: str,
    name: str,
    alg: str,
    public: str,
    replaces: str | None = None,
) -> str:
    """What the holder of a new key signs with it, and, where it replaces one, with the old one too."""
    return jcs.canonical(
        {
            "statement": STATEMENT,
            "host": host,
            "party": str(party),
            "member": plain(member),
            "purpose": purpose,
            "name": name,
            "alg": alg,
            "public": public,
            "replaces": replaces,
        }
    ).decode()


def raw_of(public: str) -> bytes:
    """A public key's bytes from lower-case hex; none where it is anything else."""
    return bytes.fromhex(public) if re.fullmatch("(?:[0-9a-f]{2})+", public, re.ASCII) else b""


# Commands


@dataclass(frozen=True, kw_only=True)
class _AboutKeys(HostCommand):
    party: UUID

    @property
    def streams(self) -> tuple[str, ...]:
        return (key_stream(self.party),)


@dataclass(frozen=True, kw_only=True)
class RegisterKey(_AboutKeys):
    """Name a new public key of the actor's party, with proof that its private half is held.

    A member's key names the member; a witness's has none, and `name` is the key name in its signatures.
    """

    member: UUID | None
    purpose: str
    name: str
    alg: str
    public: str
    statement: str
    proof: Signature


@dataclass(frozen=True, kw_only=True)
class RotateKey(RegisterKey):
    """Put a new key in the place of an old one; both sign for it."""

    replaces: str
    old_proof: Signature


@dataclass(frozen=True, kw_only=True)
class RevokeKey(_AboutKeys):
    """End a key from now on. What it signed before stays signed."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RequireSignatures(_AboutKeys):
    """Say whether the members of the actor's party must sign what binds it."""

    required: bool


@dataclass(frozen=True, kw_only=True)
class CopyKeys(CaseCommand):
    """Tell a case's log what the host log tells of a party's keys, from one version on up to another."""

    party: UUID
    since: int
    until: int

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, key_stream(self.party))


# State


@dataclass(frozen=True, kw_only=True)
class HeldKey:
    """One key of a party; `ended` says how, where it is no longer good."""

    alg: str
    public: str
    member: UUID | None
    purpose: str
    name: str
    ended: str = ""


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """The keys of one party by id, as their stream tells."""

    keys: Mapping[str, HeldKey] = field(default_factory=dict)
    required: bool = False
    told: int = 0
    """How many events the stream has."""

    @property
    def live(self) -> dict[str, HeldKey]:
        """The keys that are good for new signatures."""
        return {key: held for key, held in self.keys.items() if not held.ended}

    def after(self, event: Event) -> "KeyRing":
        return replace(self._changed(event), told=self.told + 1)

    def _changed(self, event: Event) -> "KeyRing":
        match event:
            case KeyRegistered() | KeyRotated():
                replaced = event.replaces if isinstance(event, KeyRotated) else ""
                new = HeldKey(
                    alg=event.alg,
                    public=event.public,
                    member=event.member,
                    purpose=event.purpose,
                    name=event.name,
                )
                return replace(self, keys={**_ended(self.keys, replaced, "rotated"), event.key: new})
            case KeyRevoked():
                return replace(self, keys=_ended(self.keys, event.key, "revoked"))
            case SignaturesRequired():
                return replace(self, required=event.required)
        return self


def _ended(keys: Mapping[str, HeldKey], key: str, how: str) -> dict[str, HeldKey]:
    return {id_: replace(held, ended=how) if id_ == key else held for id_, held in keys.items()}


# Rules


def register_key(command: RegisterKey, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [KeyRegistered(**_accepted(command, state, replaces=None))]


def rotate_key(command: RotateKey, state: "Known", actor: "Actor") -> Sequence[Event]:
    old = state.keyring.live.get(command.replaces)
    if old is None or (old.purpose, old.member) != (command.purpose, command.member):
        raise Invalid(
            "replaces", "There is no such key in use that this one could replace.", code="key-unknown"
        )
    told = _accepted(command, state, replaces=command.replaces)
    _signed(command.statement, old.alg, old.public, command.old_proof, state, "old_proof")
    return [KeyRotated(**told, replaces=command.replaces, old_proof=command.old_proof.fields())]


def revoke_key(command: RevokeKey, state: "Known", actor: "Actor") -> Sequence[Event]:
    if command.key not in state.keyring.keys:
        raise Unseen
    if state.keyring.keys[command.key].ended:
        raise Refused("key-ended", "This key has ended already.")
    reason = values.text(command.reason, "reason", "The reason", most=2_000, needed=True)
    return [KeyRevoked(party=command.party, key=command.key, reason=reason)]


def require_signatures(command: RequireSignatures, state: "Known", actor: "Actor") -> Sequence[Event]:
    if command.required == state.keyring.required:
        raise Refused("nothing-changed", "Nothing would change.")
    if command.required and not state.around.signers:
        raise Refused("no-signer", "No member of your party has a key yet; register one first.")
    return [SignaturesRequired(party=command.party, required=command.required)]


def copy_keys(command: CopyKeys, state: "Known", actor: "Actor") -> Sequence[Event]:
    """Nobody's word but the host log's own events, in full."""
    if command.party != actor.party:
        raise Unseen
    if command.since != state.keyring.told:
        raise Refused("stale", "These key events were copied meanwhile, or others are to come first.")
    if not command.until - command.since == len(state.around.copied) > 0:
        raise Refused("nothing-to-copy", "The host log does not hold these key events.")
    return state.around.copied


def _accepted(command: RegisterKey, state: "Known", *, replaces: str | None) -> dict[str, Any]:
    """The fields of a new key, once its holder has shown that it holds it."""
    purpose = values.choice(command.purpose, "purpose", "The purpose", values.KEY_PURPOSES)
    alg = values.choice(command.alg, "alg", "The kind of key", values.KEY_KINDS)
    if (purpose == "member") != (command.member is not None):
        raise Invalid("member", "A member's key names its member, a witness's key names none.")
    if purpose == "witness" and alg != ED25519:
        raise Invalid("alg", "A witness signs with an Ed25519 key.")
    name = _name(command.name, purpose)
    key = _id_of(alg, command.public)
    if key in state.keyring.keys or state.around.key_taken:
        raise Refused("key-exists", "This key is registered already; each key is registered once.")
    alike = [held for held in state.keyring.live.values() if held.member == command.member]
    if len(alike) - (replaces is not None) >= MOST_LIVE:
        raise Refused("too-many-keys", f"At most {MOST_LIVE} keys may be in use; revoke one first.")
    wanted = statement(
        host=state.around.host,
        party=command.party,
        member=command.member,
        purpose=purpose,
        name=name,
        alg=alg,
        public=command.public,
        replaces=replaces,
    )
    if command.statement != wanted:
        raise Invalid("statement", "What was signed does not speak of this key.", code="signature-wrong")
    _signed(wanted, alg, command.public, command.proof, state, "proof")
    return {
        "key": key,
        "alg": alg,
        "public": command.public,
        "party": command.party,
        "member": command.member,
        "purpose": purpose,
        "name": name,
        "statement": wanted,
        "proof": command.proof.fields(),
    }


def _name(name: str, purpose: str) -> str:
    if purpose == "member":
        return values.text(name, "name", "The key's name", most=80)
    name = values.text(name, "name", "The witness's name", most=120, needed=True)
    # signed-note: a key name has no blanks and no plus sign.
    if "+" in name or any(mark.isspace() or not mark.isprintable() for mark in name):
        raise Invalid("name", "A witness's name has no blanks and no “+”, such as example.org/witness.")
    return name


def _id_of(alg: str, public: str) -> str:
    raw = raw_of(public)
    try:
        authorship.check_public(alg, raw)
    except VerificationError as error:
        kind = values.KEY_KINDS[alg]
        raise Invalid("public", f"This is no public key of the kind {kind} in lower-case hex.") from error
    return authorship.key_id(raw)


def _signed(text: str, alg: str, public: str, proof: Signature, state: "Known", name: str) -> None:
    raw, asked = bytes.fromhex(public), state.around
    try:
        authorship.verify(alg, raw, text.encode(), proof, rp_id=asked.rp_id, origins=asked.origins)
    except VerificationError as error:
        raise Invalid(name, error.sentence, code="signature-wrong") from error


RULES: Rules = {
    RegisterKey: register_key,
    RotateKey: rotate_key,
    RevokeKey: revoke_key,
    RequireSignatures: require_signatures,
    CopyKeys: copy_keys,
}
