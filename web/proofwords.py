"""The state of a case's proof in plain words: what the rings say, for a reader who knows no tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from cases.proof import EntryState, ProofState, Standing, Witnessed

Tone = Literal["good", "wait", "warn", "bad"]
# Longer than this and the newest entries no longer merely wait for the next poll.
LONG = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What the card says first, what the header's chip says, and the rings beside both."""

    tone: Tone
    headline: str
    sentence: str
    chip: str
    signed: tuple[Any, ...]  # parties whose ring is drawn
    missing: tuple[Any, ...]  # parties whose ring is still open


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says it."""
    seconds = max(int((now - since).total_seconds()), 0)
    for unit, word in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            many = seconds // unit
            return f"{many} {word}{'s' if word == 'day' and many > 1 else ''}"
    return f"{seconds} s"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _owned(those: Sequence[Witnessed]) -> str:
    """“Contoso’s witness”, “the witnesses of Northwind and Contoso”."""
    names = [one.party.short_name for one in those]
    return f"{names[0]}’s witness" if len(names) == 1 else f"the witnesses of {_and(names)}"


def _everybody(needed: Sequence[Witnessed]) -> str:
    """Who has countersigned, where all have."""
    names = [one.party.short_name for one in needed]
    if len(names) == 1:
        return f"{names[0]} has"
    return f"Both parties, {_and(names)}, have" if len(names) == 2 else f"All {len(names)} parties have"


def glance(state: Standing, now: datetime) -> Glance:
    """The whole of the proof in one look."""
    size, needed = state.head.size, state.needed
    # A ring is closed where the party's witness vouches for all there is; what it lacks is said in words.
    signed = tuple(one.party for one in needed if one.size >= size)
    missing = tuple(one.party for one in needed if one.size < size)
    rings: dict[str, Any] = {"signed": signed, "missing": missing}
    if state.doubt:
        return Glance(
            tone="bad",
            headline="History in doubt",
            sentence="This host’s pages do not fit what it has signed. See the notice above.",
            chip="history in doubt",
            **rings,
        )
    keyless = [one for one in needed if not one.vkeys]
    if keyless:
        return Glance(
            tone="warn",
            headline="Not countersigned by all yet",
            sentence=_without(state, keyless),
            chip="recorded, a witness is missing",
            **rings,
        )
    if state.waiting is None:
        at = min((one.at for one in needed if one.at), default=None)
        return Glance(
            tone="good",
            headline="History whole",
            sentence=f"{_everybody(needed)} countersigned all {entries(size)}."
            if size > 1
            else f"{_everybody(needed)} countersigned the one entry.",
            chip=f"countersigned {age(at, now)} ago" if at else "countersigned",
            **rings,
        )
    return _waiting(state, now, rings)


def _without(state: Standing, keyless: Sequence[Witnessed]) -> str:
    names, size = [one.party.short_name for one in keyless], state.head.size
    has = "has no witness yet" if len(names) == 1 else "have no witness yet"
    others = [one for one in state.needed if one.size]
    if not others:
        rest = f"only the host has signed {'this entry' if size == 1 else f'these {entries(size)}'}"
    else:
        rest = f"only the host and {_owned(others)} vouch for this history"
    return f"{_and(names)} {has}: {rest}."


def _waiting(state: Standing, now: datetime, rings: dict[str, Any]) -> Glance:
    waiting = state.waiting or 0
    count = state.head.size - waiting
    behind = [one for one in state.needed if one.size < state.head.size]
    began = state.waiting_since if isinstance(state, ProofState) else None
    late = began is not None and now - began > LONG
    since = age(began, now) if began else ""
    if count == state.head.size:
        what = f"All {entries(count)} wait" if count > 1 else "The one entry waits"
    else:
        what = f"The {count:,} newest entries wait" if count > 1 else "The newest entry waits"
    oldest = ("; the oldest for " if count > 1 else ", for ") + since if since else ""
    before = f" All before {'them' if count > 1 else 'it'} are countersigned." if waiting else ""
    return Glance(
        tone="warn" if late else "wait",
        headline=f"Countersigned up to entry {waiting - 1:,}" if waiting else "Not countersigned yet",
        sentence=f"{what} for {_owned(behind)}{oldest}.{before}",
        chip=f"recorded, {count:,} waiting",
        **rings,
    )


def reached(one: Witnessed, size: int) -> str:
    """How far a party's witness has come."""
    if not one.vkeys and not one.size:
        return "no witness yet"
    if not one.size:
        return "not heard of yet"
    if one.size >= size:
        return f"all {entries(size)}" if size > 1 else "the one entry"
    return f"the first {one.size:,} of {size:,} entries" if one.size > 1 else f"the first of {size:,} entries"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """When an entry came into being, as its witnesses and authorities tell it."""

    after: str
    by: str
    by_at: datetime | None


def bounds(state: EntryState, *, index: int) -> Bounds:
    """Not before, and at the latest by: each in a sentence without its time."""
    said = [(at, f"{party.short_name}’s witness") for party, at in state.cosigned]
    said += [(stamp.at, f"the time-stamp authority {stamp.authority}") for stamp in state.stamped]
    first = min(said, key=lambda one: one[0], default=None)
    after = (
        "a party’s witness had countersigned the history up to here without this entry"
        if state.after
        else "no witness had countersigned anything before this entry"
        if index
        else "it is the first entry"
    )
    by = f"{first[1]} had it under its signature" if first else ""
    return Bounds(after=after, by=by, by_at=first[0] if first else None)
