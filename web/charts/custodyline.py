"""The custody of one item as a line: a station an event, a lane a party, in the holder's hue."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# Pixels: between lanes, above the first, and between stations where the line runs down a narrow window.
LANE, TOP, STEP = 54, 38, 40
RUNS = {"examined", "verified"}  # of these, all by one party are one station, where the first was
RENAMED = {"disposal": "disposal authorised", "cancelled": "disposal called off"}


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
    hold_lane: int = 0  # of who held the item then
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
        return self.to_y if self.to_y is not None else self.y if self.lane != self.hold_lane else None

    @property
    def hold_y(self) -> int:
        """Level with the holder's line."""
        return TOP + self.hold_lane * LANE

    @property
    def hold_x(self) -> int:
        return 10 + self.hold_lane * 24

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


@dataclass(frozen=True)
class HandOver:
    """From one holder's line to the next one's."""

    x1: str
    x2: str
    y1: int
    y2: int
    down_x1: int
    down_x2: int
    down_y1: int
    down_y2: int


@dataclass
class CustodyLine:
    """The drawing: stations in order of their entries, over lanes of which the first is the first holder's.
    The line runs on the lane of who holds the item, in that party's hue."""

    stations: list[Station]
    lanes: list[Any]
    held: list[Held] = field(default_factory=list)
    handovers: list[HandOver] = field(default_factory=list)

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
    """Draw events that have `kind`, `party`, `to_party`, `from_party` and `recorded_at`; None where there are
    none. `holder` is who holds the item now."""
    told = list(events)
    if not told:
        return None
    taken = next((event for event in told if event.kind == "accepted"), None)
    now_held = (taken.from_party if taken else None) or holder
    lanes: list[Any] = [now_held]
    stations: list[Station] = []

    def lane_of(party: Any) -> int:
        if party not in lanes:
            lanes.append(party)
        return lanes.index(party)

    for event in told:
        if event.kind == "accepted" and event.party:
            now_held = event.party
        # What the host does by itself lies on the line of who holds the item.
        party = event.party or now_held
        kind = RENAMED.get(event.kind, event.kind) if not event.anew else "re-hashed"
        known = next((one for one in stations if (one.kind, one.party) == (kind, party)), None)
        if known and kind in RUNS:
            known.times += 1
            known.last = event
            continue
        to = event.to_party if event.kind == "disclosed" else None
        to_lane = lane_of(to) if to is not None else None
        stations.append(
            Station(kind, party, lane_of(party), event, event, to, to_lane, hold_lane=lane_of(now_held))
        )
    _place(stations)
    line = CustodyLine(stations, lanes)
    _hold(line)
    return line


def _place(stations: list[Station]) -> None:
    """Where each station stands, and the times that are named."""
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


def _hold(line: CustodyLine) -> None:
    """The holders' lines, one after the other, and the ways from one to the next."""
    wide, begun = 100 / len(line.stations), 0
    for i, station in enumerate(line.stations):
        last = i + 1 == len(line.stations)
        following = None if last else line.stations[i + 1]
        if following is not None and following.hold_lane == station.hold_lane:
            continue
        party = line.lanes[station.hold_lane]
        first = f"{(begun + (0.2 if not begun else 0.5)) * wide:.3f}%"
        end = "99.5%" if following is None else station.x
        down = (8 if not begun else line.stations[begun].down_y, line.down_height - 16)
        down_end = down[1] if following is None else station.down_y
        line.held.append(Held(party.hue, first, end, station.hold_y, station.hold_x, down[0], down_end))
        if following is not None:
            line.handovers.append(
                HandOver(
                    station.x,
                    following.x,
                    station.hold_y,
                    following.hold_y,
                    station.hold_x,
                    following.hold_x,
                    station.down_y,
                    following.down_y,
                )
            )
        begun = i + 1
