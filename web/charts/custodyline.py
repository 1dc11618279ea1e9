"""The custody of one item as a line: a station an event, a lane a party, in the holder's hue."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# Pixels: between lanes, above the first, and between stations where the line runs down a narrow window.
LANE, TOP, STEP = 54, 38, 40
RUNS = {"examined", "verified"}  # of these, all by one party are one station, where the first was


@dataclass
class Station:
    """One event, or all of one kind by the same party."""

    kind: str
    party: Any
    lane: int
    first: Any
    last: Any  # of the run, where it is one
    to: Any = None
    to_lane: int | None = None
    times: int = 1
    x: str = ""
    date: str = ""
    down_y: int = 0

    @property
    def hue(self) -> int:
        return self.party.hue if self.party else 0

    @property
    def to_hue(self) -> int:
        return self.to.hue if self.to else 0

    @property
    def y(self) -> int:
        return TOP + self.lane * LANE

    @property
    def to_y(self) -> int | None:
        """Where a disclosure arrives."""
        return None if self.to_lane is None else TOP + self.to_lane * LANE

    @property
    def reach_y(self) -> int | None:
        """How far the thread from the holder's line runs; None for an event on that line alone."""
        return self.to_y if self.to_y is not None else self.y if self.lane else None

    @property
    def label_y(self) -> int:
        return self.y - 16 if self.lane == 0 else self.y + 22

    @property
    def down_x(self) -> int:
        return 10 + self.lane * 24

    @property
    def down_reach_x(self) -> int:
        return 10 + (self.to_lane if self.to_lane is not None else self.lane) * 24

    @property
    def down_label_y(self) -> int:
        return self.down_y + 4

    @property
    def label(self) -> str:
        return self.kind if self.times == 1 else f"{self.kind} ×{self.times}"


@dataclass(frozen=True)
class Held:
    """A stretch of time with one holder."""

    hue: int
    x1: str
    x2: str
    y: int
    down_x: int
    down_y1: int
    down_y2: int


@dataclass
class CustodyLine:
    """The drawing: stations in order of their entries, over lanes of which the first is the holder's."""

    stations: list[Station]
    lanes: list[Any]
    held: list[Held] = field(default_factory=list)

    @property
    def height(self) -> int:
        return TOP + (len(self.lanes) - 1) * LANE + (62 if len(self.lanes) > 1 else 44)

    @property
    def date_y(self) -> int:
        return self.height - 8

    @property
    def down_height(self) -> int:
        return len(self.stations) * STEP

    @property
    def down_text(self) -> int:
        return 6 + len(self.lanes) * 24

    @property
    def named(self) -> list[dict[str, Any]]:
        """The lanes' names, each level with its lane."""
        return [
            {"hue": party.hue, "name": party.short_name, "y": TOP + i * LANE + 4}
            for i, party in enumerate(self.lanes)
        ]


def custody_line(events: Iterable[Any], *, holder: Any) -> CustodyLine | None:
    """Draw events that have `kind`, `party`, `to_party` and `recorded_at`; None where there are none."""
    stations: list[Station] = []
    lanes: list[Any] = [holder]

    def lane_of(party: Any) -> int:
        if party not in lanes:
            lanes.append(party)
        return lanes.index(party)

    for event in events:
        # What the host does by itself lies on the holder's line.
        party = event.party or holder
        known = next((one for one in stations if (one.kind, one.party) == (event.kind, party)), None)
        if known and event.kind in RUNS:
            known.times += 1
            known.last = event
            continue
        to = event.to_party
        stations.append(
            Station(
                event.kind, party, lane_of(party), event, event, to, lane_of(to) if to is not None else None
            )
        )
    if not stations:
        return None
    wide = 100 / len(stations)
    day, shown = None, ""
    for i, station in enumerate(stations):
        station.x = f"{(i + 0.5) * wide:.3f}%"
        station.down_y = 16 + i * STEP
        when = station.first.recorded_at
        text = f"{when:%-d %b %H:%M}" if when.date() != day else f"{when:%H:%M}"
        # A minute that was named already is not named again.
        station.date = "" if f"{when:%H:%M}" == shown and when.date() == day else text
        day, shown = when.date(), f"{when:%H:%M}"
    line = CustodyLine(stations, lanes)
    line.held.append(Held(holder.hue, f"{0.2 * wide:.3f}%", "99.5%", TOP, 10, 8, line.down_height - 16))
    return line
