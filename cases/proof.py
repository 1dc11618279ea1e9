"""How far a case is proven: whose witnesses countersigned its log, what an authority time-stamped, and
whether the host is in doubt about it. Asked anew each time: a proof that is cached is none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from django.conf import settings

from cases import reads
from cases.models import Case, Participation, Party, PartyKey
from cases.pinning import policy_text
from cases.refusals import Unseen
from cases.rules.acting import Actor
from cases.witnesses import QUORUM, Side, ends_of, sides_of, vkeys_of, with_keys
from ledger import holding, signer, timestamps
from ledger.entries import Head
from ledger.errors import SignerRefuses
from ledger.glance import Vouched, around, where_it_stands
from ledger.host import memory
from ledger.models import Entry
from ledger.signer import Stand

__all__ = [
    "Agreed",
    "EntryState",
    "ProofState",
    "Stamp",
    "Standing",
    "State",
    "Witnessed",
    "agreed",
    "doubt",
    "entry_state",
    "policy_text",
    "proof_state",
    "standing",
    "witness_keys",
]

State = Literal["recorded", "countersigned", "time-stamped"]


@dataclass(frozen=True, kw_only=True)
class Witnessed:
    """How far the witnesses of one party have come: their newest cosignature, size 0 where there is none.
    `vkeys` are its keys that are good today; none: no witness is registered."""

    party: Party
    part: str
    vkeys: tuple[str, ...]
    size: int
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """An authority's word that the log had this size by then."""

    authority: str
    size: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far the parties have countersigned: so many entries by the quorum, `waiting` is the first that is
    not. `doubt` is what the host must say about itself, None where all is well."""

    head: Head
    sides: tuple[Side, ...]
    needed: tuple[Witnessed, ...]
    others: tuple[Witnessed, ...]
    countersigned: int
    waiting: int | None
    doubt: str | None

    def signed_by(self, index: int) -> tuple[Party, ...]:
        """The parties whose witnesses cover an entry, lead first, observers last."""
        return tuple(each.party for each in (*self.needed, *self.others) if each.size > index)


@dataclass(frozen=True, kw_only=True)
class ProofState(Standing):
    """The state of a whole case, the time stamps with it: `stamps` has the newest of each authority,
    `authorities` those that are set up today."""

    waiting_since: datetime | None
    stamps: tuple[Stamp, ...]
    authorities: tuple[str, ...]

    def state_of(self, index: int) -> State:
        """How far one entry has come."""
        if index >= self.countersigned:
            return "recorded"
        return "time-stamped" if any(stamp.size > index for stamp in self.stamps) else "countersigned"


@dataclass(frozen=True, kw_only=True)
class EntryState:
    """What bounds the time of one entry: it existed when `cosigned` and `stamped` say so, each the first one
    that covers it, and was not there yet at `after`, the newest cosignature at or below it."""

    recorded_at: datetime
    cosigned: tuple[tuple[Party, datetime], ...]
    countersigned_at: datetime | None
    stamped: tuple[Stamp, ...]
    after: datetime | None


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """How far a quorum has come, and whether there can be one: every party that is needed has a witness."""

    size: int
    possible: bool


def standing(actor: Actor, case: Case, *, parts: Sequence[Participation] | None = None) -> Standing:
    """How far a visible case is countersigned, however long its log is: two queries where `parts`, from
    `reads.parties_of`, are at hand, else three."""
    sides = sides_of(actor, case) if parts is None else with_keys(parts, member=actor.member)
    head, newest = where_it_stands(case.pk, vkeys_of(sides), until=ends_of(sides))
    if head is None:
        raise Unseen
    witnessed = [_witnessed(side, newest) for side in sides]
    needed = tuple(each for each in witnessed if each.part in QUORUM)
    countersigned = min([head.size, *(each.size for each in needed)])
    return Standing(
        head=head,
        sides=tuple(sides),
        needed=needed,
        others=tuple(each for each in witnessed if each.part not in QUORUM),
        countersigned=countersigned,
        waiting=countersigned if countersigned < head.size else None,
        doubt=_doubt(case.pk, head),
    )


def proof_state(actor: Actor, case: Case, *, known: Standing | None = None) -> ProofState:
    """Where a visible case stands, in two queries beyond its standing."""
    now = known or standing(actor, case)
    return ProofState(
        **{field.name: getattr(now, field.name) for field in fields(Standing)},
        waiting_since=None if now.waiting is None else _recorded_at(case.pk, now.waiting),
        stamps=_stamps(timestamps.newest_of_each(case.pk)),
        authorities=tuple(each.name for each in settings.TIME_STAMP_AUTHORITIES),
    )


def entry_state(
    actor: Actor,
    case: Case,
    index: int,
    *,
    known: Standing | None = None,
    recorded_at: datetime | None = None,
) -> EntryState:
    """What is known of the time of one entry of a visible case, or Unseen; one query where its standing and
    the entry's own time are at hand."""
    sides = known.sides if known else tuple(sides_of(actor, case))
    recorded_at = recorded_at or _recorded_at(case.pk, index)
    if recorded_at is None:
        raise Unseen
    found = around(case.pk, index, vkeys_of(sides), until=ends_of(sides))
    firsts = [(side.party, min(held, key=_at).at) for side in sides if (held := _held(side, found.above))]
    needed = {side.party.pk for side in sides if side.needed}
    covering = [at for party, at in firsts if party.pk in needed]
    return EntryState(
        recorded_at=recorded_at,
        cosigned=tuple(firsts),
        countersigned_at=max(covering) if len(covering) == len(needed) else None,
        stamped=_stamps(found.stamps),
        after=max((held.at for held in found.below.values()), default=None),
    )


def agreed(case: UUID) -> Agreed:
    """How far a quorum of a case's parties has countersigned its log, for the host's own work."""
    parts = Participation.objects.filter(case=case, role__in=QUORUM, left_at=None).select_related("party")
    sides = with_keys(list(parts))
    _, newest = where_it_stands(case, vkeys_of(sides), until=ends_of(sides))
    sizes = [_witnessed(side, newest).size for side in sides]
    return Agreed(size=min(sizes, default=0), possible=bool(sides) and all(side.live for side in sides))


def witness_keys(case: UUID) -> list[str]:
    """The vkeys that may cosign the log of this case today: those of all its parties, observers too."""
    keys = PartyKey.objects.filter(
        party__participations__in=Participation.objects.filter(case=case, left_at=None),
        purpose="witness",
        ended_at=None,
    ).order_by("registered_at", "id")
    return [key.vkey for key in keys]


def doubt(actor: Actor, case: Case) -> str | None:
    """What the banner over every page of a visible case must say, None where all is well. One query."""
    return _doubt(case.pk, reads.ledger_head(actor, case))


def _held(side: Side, held: Mapping[str, Vouched]) -> list[Vouched]:
    return [held[key.vkey] for key in side.keys if key.vkey in held]


def _witnessed(side: Side, newest: Mapping[str, Vouched]) -> Witnessed:
    last = max(_held(side, newest), key=lambda held: (held.size, held.at), default=None)
    return Witnessed(
        party=side.party,
        part=side.part,
        vkeys=side.live,
        size=last.size if last else 0,
        at=last.at if last else None,
    )


def _at(held: Vouched) -> datetime:
    return held.at


def _stamps(found: Iterable[tuple[str, int, datetime]]) -> tuple[Stamp, ...]:
    return tuple(Stamp(authority=authority, size=size, at=at) for authority, size, at in found)


def _recorded_at(log: UUID, index: int) -> datetime | None:
    found = Entry.objects.filter(log=log, index=index).values_list("recorded_at", flat=True).first()
    return None if found is None else found.astimezone(UTC)


_REFEED = (
    "Nothing is written to this case meanwhile, and its newest entries may be absent from these pages. Every"
    " party whose witness keeps a mirror can give them back (countersign-witness refeed). Keep all receipts"
    " and bundles that you hold: they show what was signed."
)
_REWRITTEN = (
    "Nothing is written to this case meanwhile. Do not rely on these pages: compare them with the bundles and"
    " mirrors that the parties hold (countersign-verify --against), and ask the host's operator to explain."
)
_REGAINING = (
    "The log itself is whole again and can be checked; those entries stand sealed until then. Each party can"
    " give back the openings that its own export of the ledger holds (countersign-witness openings)."
)
_UNREADABLE = (
    "The host cannot read its own record of what it signed for this case, so nothing is written to it until"
    " the host's operator has looked. What stands here can still be checked with countersign-verify."
)


def _doubt(log: UUID, head: Head) -> str | None:
    """The signer's own sentence, and what to do about it. No query where all is well."""
    now = Stand(head.size, bytes.fromhex(head.root_hex))
    try:
        signed, hold = memory().read(log), holding.hold_of(log)
        sentence = signer.doubt(signed, now) or holding.why_held(log, now)
        if sentence is not None:
            # The head that the page has read may be older than what was signed since: that is no rollback.
            now = holding.stand_of(log)
            sentence = signer.doubt(signed, now) or holding.why_held(log, now)
    except SignerRefuses:
        return _UNREADABLE
    if sentence is None or sentence == holding.REGAINING:
        return sentence and f"{sentence} {_REGAINING}"
    shown = [*(hold.seen if hold else ()), *([signed.released] if signed else ())]
    return f"{sentence} {_REFEED if any(one.size > now.size for one in shown) else _REWRITTEN}"
