"""Shares in plain words: where each stands, what it allows, and whom it reaches."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cases import policy
from cases.actors import Actor
from cases.models import Case, Share
from cases.rules.share_terms import OPERATIONS, Terms
from cases.rules.values import ROLES, TLP


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a share stands: its word, the tone it is drawn in, and the sentence."""

    word: str
    tone: str
    sentence: str


def standing(share: Share, now: datetime) -> Standing:
    """Where a share stands at a moment, its window counted."""
    to = share.receiver.name
    match share.status:
        case "offered" if share.expires_at and share.expires_at <= now:
            return Standing(word="ran out", tone="off", sentence=f"{to} did not answer before it ran out.")
        case "offered":
            return Standing(
                word="offered",
                tone="waits",
                sentence=f"Waits for {to}. Until then it sees nothing of the items.",
            )
        case "accepted":
            return _in_force(share, now)
        case "refused":
            return Standing(word="refused", tone="off", sentence=_ended(f"{to} refused it", share))
        case "revoked":
            return Standing(
                word="revoked", tone="off", sentence=_ended(f"{share.giver.name} took it back", share)
            )
    return Standing(word="given up", tone="off", sentence=_ended(f"{to} gave it up", share))


def _in_force(share: Share, now: datetime) -> Standing:
    if share.not_before and share.not_before > now:
        begins = f"Accepted; it begins on {_time(share.not_before)}."
        return Standing(word="not yet valid", tone="waits", sentence=begins)
    if share.expires_at and share.expires_at <= now:
        return Standing(
            word="expired", tone="off", sentence=f"It ended by itself on {_time(share.expires_at)}."
        )
    until = f"until {_time(share.expires_at)}" if share.expires_at else "until one of the two ends it"
    waiting = f" New terms wait for {share.receiver.name}; these hold meanwhile." if share.pending else ""
    return Standing(word="in force", tone="on", sentence=f"It holds {until}.{waiting}")


def _ended(what: str, share: Share) -> str:
    when = f" on {_time(share.ended_at)}" if share.ended_at else ""
    return f"{what}{when}: {share.reason}" if share.reason else f"{what}{when}."


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def allowed(operations: Iterable[str]) -> list[str]:
    """What the operations allow, in words, with what they bring along."""
    given = Terms(operations=tuple(operations)).allowed
    return [label for name, label in OPERATIONS.items() if name in given]


def reach(to: Any, roles: Collection[str], members: Collection[str], names: Mapping[UUID, str]) -> str:
    """Who the terms reach, in words."""
    people = [names.get(UUID(str(one)), "a member who is no longer active") for one in members]
    named = [*(f"each {ROLES[role].lower()}" for role in roles), *people]
    return f"{', '.join(named)} of {to.name}" if named else f"All members of {to.name}"


def facts(terms: Terms, to: Any, names: Mapping[UUID, str]) -> list[tuple[str, str]]:
    """The terms as rows of a list, in plain words."""
    begin = _time(terms.not_before) if terms.not_before else "On acceptance"
    end = _time(terms.expires_at) if terms.expires_at else "When one of the two ends it"
    told = [
        ("It may", "; ".join(allowed(terms.operations))),
        ("It reaches", reach(to, terms.roles, [str(one) for one in terms.members], names)),
        ("Purpose", terms.purpose),
        ("Legal basis", terms.legal_basis),
        ("Agreement", terms.agreement),
        ("Marking", f"{terms.tlp}: {TLP[terms.tlp].lower()}"),
        ("Begins", begin),
        ("Ends", end),
        ("Shared on", "May be shared on by the receiver" if terms.onward else "Not to be shared on"),
        ("Watermark", "Copies are to carry the reader’s name" if terms.watermark else ""),
        ("In the giver’s words", terms.summary),
    ]
    return [(name, value) for name, value in told if value]


ACTS = {
    "accept": "AcceptShare",
    "refuse": "RefuseShare",
    "revoke": "RevokeShare",
    "give-up": "GiveUpShare",
    "change": "ChangeShare",
}
"""The last part of an address, and the command behind it."""


def acts(actor: Actor, case: Case, share: Share) -> list[str]:
    """What the actor may do with a share as it stands, by the names in ACTS."""
    side = "giver" if share.giver_id == actor.party else "receiver"
    part: str = case.my_part
    found = []
    for act, name in ACTS.items():
        row = policy.POLICY[name]
        able = policy.may(actor, name, part=part, status=case.status)
        answer = act not in ("accept", "refuse") or share.status == "offered" or share.pending
        if able and row.side == side and share.status in row.share.split() and answer:
            found.append(act)
    return found
