"""The custody of one item as a line: a station an event, a lane a party, the held stretch in the holder's hue."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LANE, TOP, STEP = 62, 44, 44  # pixels between lanes, above the first, and between stations where the line runs down


@dataclass
class Station:
    """One event, or a run of the same kind by the same party."""

    kind: str
    party: Any
    lane: int
    first: Any
    last: Any
    times: int = 1
    holder_lane: int = 0
    x: str = ""
    y: int = 0
    down_x: int = 0
    down_y: int = 0
    side: bool = False
    date: str = ""
    above: bool = True

    @property
    def hue(self) -> int:
        return self.party.hue if self.party else 0

    @property
    def label_y(self) -> int:
        return self.y - 16 if self.lane == 0 else self.y + 22

    @property
    def down_label_y(self) -> int:
        return self.down_y + 4

    @property
    def label(self) -> str:
        return self.kind if self.times == 1 else f"{self.kind} ×{self.times}"


@dataclass(frozen=True)
class Held:
    hue: int
    x1: str
    x2: str
    y: int
    down_x: int
    down_y1: int
    down_y2: int


@dataclass
class CustodyLine:
    stations: list[Station]
    lanes: list[Any]
    height: int
    down_height: int
    down_text: int
    held: list[Held] = field(default_factory=list)

    @property
    def date_y(self) -> int:
        return self.height - 8

    @property
    def named(self) -> list[dict[str, Any]]:
        """The lanes' names, each above the beginning of its lane."""
        return [
            {"hue": party.hue, "name": party.short_name, "y": TOP + i * LANE + (22 if i == 0 else -16)}
            for i, party in enumerate(self.lanes)
        ]


def custody_line(events: Iterable[Any], *, holder: Any) -> CustodyLine | None:
    """Stations in the order of the entries; runs of one kind by one party are one station. `holder` holds it throughout."""
    stations: list[Station] = []
    lanes: list[Any] = [holder]
    for event in events:
        last = stations[-1] if stations else None
        if last and last.kind == event.kind and last.party == event.party and event.kind in {"examined", "verified"}:
            last.times += 1
            last.last = event
            continue
        who = event.to_party if getattr(event, "to_party", None) else event.party
        for one in (event.party, who):
            if one is not None and one not in lanes:
                lanes.append(one)
        party = event.party or holder
        # A host's worker acts for the holder: its steps lie on the holder's line.
        lane = lanes.index(party)
        stations.append(Station(event.kind, party, lane, event, event, side=lane != 0))
    if not stations:
        return None
    wide = 100 / len(stations)
    day = None
    for i, station in enumerate(stations):
        station.x = f"{(i + 0.5) * wide:.3f}%"
        station.y = TOP + station.lane * LANE
        station.above = station.lane == 0
        station.down_x = 10 + station.lane * 24
        station.down_y = 18 + i * STEP
        when = station.first.recorded_at
        shown = f"{when:%-d %b %H:%M}" if when.date() != day else f"{when:%H:%M}"
        station.date, day = shown, when.date()
    line = CustodyLine(stations, lanes, TOP + (len(lanes) - 1) * LANE + 52, len(stations) * STEP, 10 + len(lanes) * 24)
    line.held.append(
        Held(holder.hue, f"{0.25 * wide:.3f}%", "99.5%", TOP, 10, 10, len(stations) * STEP - 10)
    )
    return line
