"""What a member signs when it signs an act, and whether it signed just this: docs/format.md section 15."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from django.conf import settings

from cases import policy
from cases.models import PartyKey
from cases.refusals import Refused
from cases.rules.acting import Actor
from cases.rules.keys import RevokeKey
from cases.rules.known import Known
from cases.rules.shape import CaseCommand, Command, to_fields
from ledger import authorship, jcs
from ledger.authorship import Signature
from ledger.entries import Draft
from ledger.errors import NotCanonical, VerificationError
from ledger.host import origin_of
from ledger.jcs import Json
from ledger.leaf import parse_time, time_text

INTENT: Final = "countersign/intent/v1"
OLDEST: Final = timedelta(hours=24)
AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Authorship:
    """A member's own signature over an act: the key's id, the text that was signed, and the signature."""

    key: str
    alg: str
    intent: str
    signature: Signature


def signed_fields(command: Command) -> dict[str, Json]:
    """What a command asks, as its member signs it: all fields but its id and its case, which the intent names
    beside, and `expect`, which says what the writer had seen and asks for nothing."""
    told = to_fields(command)
    return {name: value for name, value in told.items() if name not in ("id", "expect", "case")}


def intent_for(command: Command) -> str:
    """The exact text to sign for this command, made now."""
    return jcs.canonical(_facts(command) | {"made_at": time_text(datetime.now(UTC))}).decode()


def check_signature(command: Command, given: Authorship, *, actor: Actor) -> None:
    """Refuse a signature that can never count for this command by this member. Takes no lock; what may change
    until the act is recorded is asked by `admit`."""
    if type(command).__name__ not in policy.BINDING:
        raise _wrong("This act takes no signature.")
    found = PartyKey.objects.filter(
        pk=given.key, party=actor.party, purpose="member", member__isnull=False, member=actor.member
    ).first()
    if found is None:
        raise _unknown("This key is not registered as yours.")
    if isinstance(command, RevokeKey) and command.key == given.key:
        raise _wrong("A key does not sign its own end: sign with another one, or not at all.")
    if given.alg != found.alg:
        raise _wrong("This key is of another kind than the signature says.")
    told = _told(given)
    if told.keys() != {*_facts(command), "made_at"}:
        raise _wrong("What was signed is no intent as docs/format.md describes it.")
    for name, value in _facts(command).items():
        if told[name] != value:
            raise _wrong(_OTHER.get(name, "What was signed is no intent of this version."))
    try:
        authorship.verify(
            found.alg,
            bytes.fromhex(found.public),
            given.intent.encode(),
            given.signature,
            rp_id=settings.WEBAUTHN_RP_ID,
            origins=settings.WEBAUTHN_ORIGINS,
        )
    except VerificationError as error:
        raise _wrong(error.sentence) from error


def admit(command: Command, given: Authorship | None, state: Known) -> None:
    """Refuse an act that must be signed and is not, and a signature that does not count any more.

    Called under the lock of the command's log. The key's row is locked as well, so that its end, which is
    recorded in the host log, comes either before this act, which is then refused, or after it.
    """
    if given is None:
        if state.must_sign and isinstance(command, CaseCommand) and type(command).__name__ in policy.BINDING:
            raise Refused("signature-needed", "Your party wants this act signed with your own key.")
        return
    row = PartyKey.objects.select_for_update(no_key=True).filter(pk=given.key, ended_at=None)
    if given.key not in state.keyring.live or not list(row.values_list("pk")):
        raise _unknown("This key is no longer in use; sign with another one.")
    age = datetime.now(UTC) - _made_at(_told(given))
    if not -AHEAD <= age <= OLDEST:
        raise _wrong("What was signed is more than a day old, or dated ahead; sign it again.")


def signed(draft: Draft, command: Command, given: Authorship) -> Draft:
    """The act's own entry with the signature: in the open what anybody can check by the key, hidden the text
    that was signed. Refused where the act would be recorded in other words than were signed."""
    asked = signed_fields(command)
    if any(draft.fields.get(name, value) != value for name, value in asked.items()):
        raise _wrong("What was signed would be recorded in other words; sign it without blanks around it.")
    passkey = given.signature.fields()
    sig = passkey.pop("sig")
    return replace(
        draft,
        fields={**draft.fields, "intent": given.intent, "signed": asked, **passkey},
        auth={
            "key": given.key,
            "alg": given.alg,
            "intent": sha256(given.intent.encode()).hexdigest(),
            "sig": sig,
        },
    )


_OTHER = {
    "log": "What was signed is for another log.",
    "command": "What was signed is another act.",
    "command_id": "What was signed is for another request: its command_id is not this one's.",
    "content": "What was signed is not what is asked here.",
}


def _facts(command: Command) -> dict[str, Json]:
    return {
        "intent": INTENT,
        "log": origin_of(command.kind, command.log),
        "command": type(command).__name__,
        "command_id": str(command.id),
        "content": sha256(jcs.canonical(signed_fields(command))).hexdigest(),
    }


def _told(given: Authorship) -> dict[str, Json]:
    try:
        told = jcs.parse(given.intent.encode())
    except (NotCanonical, UnicodeEncodeError) as error:
        raise _wrong("What was signed is not canonical JSON.") from error
    if not isinstance(told, dict):
        raise _wrong("What was signed is no intent as docs/format.md describes it.")
    return told


def _made_at(told: dict[str, Json]) -> datetime:
    try:
        return parse_time(str(told["made_at"]))
    except ValueError as error:
        raise _wrong("What was signed says no time at which it was made.") from error


def _wrong(sentence: str) -> Refused:
    return Refused("signature-wrong", sentence, status=422, field="authorship")


def _unknown(sentence: str) -> Refused:
    return Refused("key-unknown", sentence, status=422, field="authorship")
