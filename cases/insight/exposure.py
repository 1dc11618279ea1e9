"""What another party has had of one's own items: every search, preview and download, from the ledger."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from cases import reads
from cases.insight import examined, history
from cases.insight.examined import Asked, Reading, Total
from cases.models import Case, EvidenceItem, Participation, Party, Share
from cases.refusals import Forbidden, Unseen
from cases.rules.acting import Actor
from cases.rules.share_events import share_stream

PAGE = 200


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the readings of one item come to: how often it was read in each way, and how many records were
    shown."""

    item: EvidenceItem
    totals: Sequence[Total]

    @property
    def records(self) -> int:
        """Records shown in all, those shown twice counted twice."""
        return sum(one.records for one in self.totals)

    def times(self, *how: str) -> int:
        """How often it was read in these ways."""
        return sum(one.times for one in self.totals if one.how in how)

    @property
    def searched(self) -> int:
        return self.times("search", "aggregate")

    @property
    def previewed(self) -> int:
        return self.times("preview")

    @property
    def downloaded(self) -> int:
        return self.times("download")


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """The report. `items` are those that it is about, of the actor's own party; `lines` those of them that
    were read; `readings` the newest acts below the entry asked for, and `older` the entry to ask below next.
    """

    party: Party | None
    item: EvidenceItem | None
    share: Share | None
    items: int
    lines: Sequence[Line]
    readings: Sequence[Reading]
    older: int | None
    never: bool

    @property
    def times(self) -> int:
        """Acts of reading, each item counted."""
        return sum(one.times for line in self.lines for one in line.totals)


def exposure(
    actor: Actor,
    case: Case,
    *,
    party: UUID | None = None,
    item: EvidenceItem | None = None,
    share: Share | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Exposure:
    """What was read of the actor's own items: by a party, of an item, or under a share from its first
    acceptance to its end. Forbidden where they are not its own. At most three queries."""
    if item is not None and item.owner_id != actor.party:
        raise _not_owner()
    if share is not None and share.giver_id != actor.party:
        raise _not_owner()
    reader = share.receiver if share is not None else _party(actor, case, party)
    if reader is not None and reader.pk == actor.party:
        raise Unseen
    own = {one.pk: one for one in reads.items(actor, case).filter(owner=actor.party)}
    meant, span = (set(own) if item is None else {item.pk} & set(own)), (0, examined.EVERYTHING)
    never = False
    if share is not None:
        past = history.past(case, [share_stream(share.pk)])
        if past is None:
            raise Unseen
        life = past.life(share)
        among = [history.thing(one) for one in own.values()]
        under = {pk for terms in life.every_terms for pk in history.covered(terms, share.giver_id, among)}
        meant &= under
        never = life.span is None
        span = life.span or (0, -1)
    asked = Asked(
        case=case.pk,
        owner=actor.party,
        reader=reader.pk if reader else None,
        items=meant,
        first=span[0],
        last=span[1],
    )
    below = examined.EVERYTHING if before is None else before
    found, totals = examined.report(asked, before=below, limit=limit + 1)
    return Exposure(
        party=reader,
        item=item,
        share=share,
        items=len(meant),
        lines=_lines(own, totals),
        readings=found[:limit],
        older=found[limit - 1].entry if len(found) > limit else None,
        never=never,
    )


def _lines(own: Mapping[UUID, EvidenceItem], totals: Sequence[Total]) -> list[Line]:
    by_item: dict[UUID, list[Total]] = defaultdict(list)
    for one in totals:
        by_item[one.item].append(one)
    return [Line(item=own[pk], totals=by_item[pk]) for pk in sorted(by_item, key=lambda pk: own[pk].number)]


def _party(actor: Actor, case: Case, party: UUID | None) -> Party | None:
    """A party of the case, or one that was given a share in it."""
    if party is None:
        return None
    given = Share.objects.filter(case=case, giver=actor.party, receiver=OuterRef("pk"))
    part = Participation.objects.filter(case=case, party=OuterRef("pk"))
    known = Party.objects.filter(Exists(part) | Exists(given), pk=party).first()
    if known is None:
        raise Unseen
    return known


def _not_owner() -> Forbidden:
    return Forbidden("not-owner", "Only the owner of the items is told who has read them.")
