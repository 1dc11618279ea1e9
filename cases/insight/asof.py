"""What a party knew at a time: which items it could see, under which terms, and what it had read by
then; from the ledger's events up to an entry, and only what the asking party may know."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from uuid import UUID

from django.db.models import Min

from cases import events, reads
from cases.insight import examined, history
from cases.insight.examined import Asked, Reading, Total
from cases.models import Case, CustodyEvent, EvidenceItem, Party, Share
from cases.refusals import Invalid, Unseen
from cases.rules.acting import Actor
from cases.rules.case import CaseState
from cases.rules.shape import CASE_STREAM, Event
from cases.rules.share_terms import OPERATIONS, Terms
from ledger import reading
from ledger.models import Checkpoint, Entry


@dataclass(frozen=True, kw_only=True)
class Known:
    """An item that the party could see then: by what share (None: its own), under which terms, and what
    it had read of it by then. `item` is None where the asking party may not see it any more."""

    item: EvidenceItem | None
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


def instant(case: Case, asked: datetime | int) -> tuple[int, datetime]:
    """The last entry at a time, with that time; or an entry with its own time. Unseen past the log's end.
    One query."""
    if isinstance(asked, int):
        found = Entry.objects.filter(log=case.pk, index=asked).values_list("recorded_at", flat=True).first()
        if found is None:
            raise Invalid("as_of", "This case’s ledger has no such entry.")
        return asked, found.astimezone(UTC)
    at = min(asked, datetime.now(UTC))
    last = Checkpoint.objects.filter(log=case.pk, recorded_at__lte=at).order_by("-size")
    size = last.values_list("size", flat=True).first()
    if size is None:
        raise Invalid("as_of", "This case had not begun by then.")
    return size - 1, at


def as_of(
    actor: Actor,
    case: Case,
    party: Party,
    asked: datetime | int,
    *,
    item: EvidenceItem | None = None,
    limit: int = 100,
) -> AsOf:
    """What `party` could see and had read at a time or after an entry: of the actor's own items, or, where it
    asks about its own party, of all that it had then. At most eight queries."""
    entry, at = instant(case, asked)
    part = _parts(case, entry).get(party.pk, "")
    own = party.pk == actor.party
    visible = {one.pk: one for one in reads.items(actor, case)}
    if item is not None and (item.pk not in visible or not (own or item.owner_id == actor.party)):
        raise Unseen
    lives = _received(actor, case, party, entry, at)
    givers = {life.share.giver_id for life in lives} | ({actor.party} if own else set())
    among = history.things(case, givers | {actor.party})
    there = _there(case, entry)
    among = [one for one in among if there.get(one.item, entry + 1) <= entry]
    totals: dict[UUID, list[Total]] = defaultdict(list)
    readings = Asked(
        case=case.pk,
        owner=None if own else actor.party,
        reader=party.pk,
        items=None if item is None else [item.pk],
        last=entry,
        own=own,
    )
    for one in examined.totals(readings):
        totals[one.item].append(one)
    known: dict[UUID, Known] = {}
    for life in lives if part else []:
        state = life.state
        if state.status != "accepted" or not history.in_window(state.terms, at):
            continue
        for pk in history.covered(state.terms, life.share.giver_id, among):
            before = known[pk].operations if pk in known else frozenset()
            known[pk] = Known(
                item=visible.get(pk),
                share=life.share,
                terms=state.terms,
                operations=before | state.terms.allowed,
                totals=totals[pk],
            )
    if own and part:
        for thing in among:
            if thing.owner == party.pk:
                known[thing.item] = Known(
                    item=visible.get(thing.item),
                    share=None,
                    terms=None,
                    operations=frozenset(OPERATIONS),
                    totals=totals[thing.item],
                )
    shown = [
        one
        for pk, one in known.items()
        if (one.item and item is None) or (item is not None and pk == item.pk)
    ]
    shown.sort(key=lambda one: one.item.number if one.item else 0)
    return AsOf(
        party=party,
        entry=entry,
        at=at,
        part=part,
        known=shown,
        gone=sum(one.item is None for one in known.values()) if item is None else 0,
        offered=sum(life.state.status == "offered" for life in lives),
        readings=examined.readings(readings, limit=limit),
        times=sum(one.times for told in totals.values() for one in told),
    )


def _parts(case: Case, entry: int) -> Mapping[UUID, str]:
    """Who had which part in the case after an entry."""
    told = reading.read_stream(case.pk, CASE_STREAM, after=0, until=history.EVERY_ENTRY)
    found: list[Event] = [events.read(one) for one in told if one.index <= entry]
    return reduce(lambda state, event: state.after(event), found, CaseState()).parts


def _received(actor: Actor, case: Case, party: Party, entry: int, at: datetime) -> list[history.Life]:
    """The shares to the party that the actor may know of, as they were after an entry."""
    shares = reads.shares(actor, case).filter(receiver=party)
    found = history.lives_of(case, shares, until=entry)
    # A disclosure of old stands in its item's stream: its own time decides.
    return [life for life in found if life.told or (life.began.exists and life.share.offered_at <= at)]


def _there(case: Case, entry: int) -> dict[UUID, int]:
    """At which entry each item came into the case."""
    rows = CustodyEvent.objects.filter(item__case=case, kind__in=("acquired", "derived", "received"))
    return dict(rows.order_by().values_list("item").annotate(first=Min("entry")).filter(first__lte=entry))
