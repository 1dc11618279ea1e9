"""What a party knew at a time: which items it could see, under which terms, and what it had read by
then; from the ledger's events up to an entry, and only what the asking party may know."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from uuid import UUID

from django.db.models import OuterRef, Subquery

from cases import reads
from cases.insight import examined, history
from cases.insight.examined import Asked, Reading, Total
from cases.insight.history import Life, Past, Thing
from cases.models import Case, CustodyEvent, EvidenceItem, Party, Share
from cases.refusals import Invalid, Unseen
from cases.rules.acting import Actor
from cases.rules.case import CaseState
from cases.rules.shape import CASE_STREAM
from cases.rules.share_events import share_stream
from cases.rules.share_terms import OPERATIONS, Terms


@dataclass(frozen=True, kw_only=True)
class Known:
    """An item that the party could see then: by what share (None: its own), under which terms, and what
    it had read of it by then."""

    item: EvidenceItem
    share: Share | None
    terms: Terms | None
    operations: frozenset[str]
    totals: Sequence[Total]

    @property
    def words(self) -> list[str]:
        """The operations in words."""
        return [label for name, label in OPERATIONS.items() if name in self.operations]

    @property
    def times(self) -> int:
        """How often it had been read."""
        return sum(one.times for one in self.totals)

    @property
    def records(self) -> int:
        """How many of its records had been shown."""
        return sum(one.records for one in self.totals)


@dataclass(frozen=True, kw_only=True)
class AsOf:
    """The answer: after entry `entry`, at `at`. `part` is the party's part in the case then, "" for none."""

    party: Party
    entry: int
    at: datetime
    part: str
    known: Sequence[Known]
    gone: int
    offered: int
    readings: Sequence[Reading]
    times: int
    labels: Mapping[UUID, str]  # numbers of the items that the asking party sees


def as_of(
    actor: Actor,
    case: Case,
    party: Party,
    asked: datetime | int,
    *,
    item: str | None = None,
    limit: int = 100,
) -> AsOf:
    """What `party` could see and had read at a time or after an entry: of the actor's own items, or, where it
    asks about its own party, of all that it had then; of one item by id or number, or of all. Four
    queries."""
    shares = list(reads.shares(actor, case).filter(receiver=party))
    moment = asked if isinstance(asked, int) else min(asked, datetime.now(UTC))
    past = history.past(case, [share_stream(share.pk) for share in shares], moment)
    if past is None:
        no_entry = "This case’s ledger has no such entry."
        raise Invalid("as_of", no_entry if isinstance(asked, int) else "This case had not begun by then.")
    own = party.pk == actor.party
    visible = {one.pk: one for one in reads.items(actor, case).annotate(came=Subquery(_FIRST))}
    only = None if item is None else _one(visible.values(), item)
    if only is not None and not own and only.owner_id != actor.party:
        raise Unseen
    part = _parts(past).get(party.pk, "")
    lives = [life for share in shares if _told_by_then(life := past.life(share), past.at)]
    there = [one for one in visible.values() if one.came is not None and one.came <= past.entry]
    readings, totals = _readings(actor, case, party, past, only, limit)
    found = _open(lives, [history.thing(one) for one in there], past.at) if part else {}
    if own and part:
        everything = frozenset(OPERATIONS)
        found |= {one.pk: (None, None, everything) for one in there if one.owner_id == party.pk}
    known = [
        Known(item=visible[pk], share=share, terms=terms, operations=able, totals=totals[pk])
        for pk, (share, terms, able) in found.items()
        if only is None or pk == only.pk
    ]
    return AsOf(
        party=party,
        entry=past.entry,
        at=past.at,
        part=part,
        known=sorted(known, key=lambda one: one.item.number),
        gone=len(_named(lives, past.at) - visible.keys()) if only is None and part else 0,
        offered=sum(life.state.status == "offered" for life in lives),
        readings=readings,
        times=sum(one.times for told in totals.values() for one in told),
        labels={pk: one.label for pk, one in visible.items()},
    )


_FIRST = CustodyEvent.objects.filter(item=OuterRef("pk")).order_by("entry").values("entry")[:1]
Open = tuple[Share | None, Terms | None, frozenset[str]]


def _open(lives: Sequence[Life], among: Sequence[Thing], at: datetime) -> dict[UUID, Open]:
    """What was open under shares at a time: of several for one item the newest, and what all of them
    allowed."""
    found: dict[UUID, Open] = {}
    for life in reversed(lives):
        if _in_force(life, at):
            terms = life.state.terms
            for pk in history.covered(terms, life.share.giver_id, among):
                before = found[pk][2] if pk in found else frozenset()
                found[pk] = (life.share, terms, before | terms.allowed)
    return {pk: one for pk, one in found.items() if "metadata" in one[2]}


def _named(lives: Sequence[Life], at: datetime) -> set[UUID]:
    """The items that shares in force at a time named."""
    return {item for life in lives if _in_force(life, at) for item in life.state.terms.items}


def _in_force(life: Life, at: datetime) -> bool:
    return life.state.status == "accepted" and history.in_window(life.state.terms, at)


def _told_by_then(life: Life, at: datetime) -> bool:
    """A disclosure of old stands in its item's stream: its own time decides."""
    return bool(life.told) or (life.began.exists and life.share.offered_at <= at)


def _parts(past: Past) -> Mapping[UUID, str]:
    """Who had which part in the case then."""
    told = past.streams.get(CASE_STREAM, ())
    return reduce(lambda state, one: state.after(one.event), told, CaseState()).parts


def _readings(
    actor: Actor, case: Case, party: Party, past: Past, only: EvidenceItem | None, limit: int
) -> tuple[list[Reading], dict[UUID, list[Total]]]:
    own = party.pk == actor.party
    asked = Asked(
        case=case.pk,
        owner=None if own else actor.party,
        reader=party.pk,
        items=None if only is None else [only.pk],
        last=past.entry,
        own=own,
    )
    readings, counted = examined.report(asked, limit=limit)
    totals: dict[UUID, list[Total]] = defaultdict(list)
    for one in counted:
        totals[one.item].append(one)
    return readings, totals


def _one(visible: Iterable[EvidenceItem], given: str) -> EvidenceItem:
    """The item by id or number; Unseen where it is not among those that the actor sees."""
    wanted = given.strip().lower().removeprefix("e-")
    found = next((one for one in visible if wanted in (str(one.number), str(one.pk))), None)
    if found is None:
        raise Unseen
    return found
