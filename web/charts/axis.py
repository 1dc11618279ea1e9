"""One time axis: where an instant lies in percent, and which round ticks to write under it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_STEPS = [
    (timedelta(seconds=1), "%H:%M:%S"),
    (timedelta(seconds=5), "%H:%M:%S"),
    (timedelta(seconds=15), "%H:%M:%S"),
    (timedelta(minutes=1), "%H:%M"),
    (timedelta(minutes=5), "%H:%M"),
    (timedelta(minutes=15), "%H:%M"),
    (timedelta(hours=1), "%H:%M"),
    (timedelta(hours=3), "%H:%M"),
    (timedelta(hours=6), "%H:%M"),
    (timedelta(hours=12), "%H:%M"),
    (timedelta(days=1), "%-d %b"),
    (timedelta(days=2), "%-d %b"),
    (timedelta(days=7), "%-d %b"),
    (timedelta(days=14), "%-d %b"),
    (timedelta(days=30), "%b %Y"),
    (timedelta(days=91), "%b %Y"),
    (timedelta(days=365), "%Y"),
    (timedelta(days=1826), "%Y"),
]


@dataclass(frozen=True)
class Tick:
    x: str
    label: str
    anchor: str


@dataclass(frozen=True)
class Axis:
    """A stretch of time laid over 0 to 100 percent."""

    start: datetime
    end: datetime

    def x(self, when: datetime) -> float:
        """Percent of the width, held inside the axis."""
        share = (when - self.start) / (self.end - self.start)
        return min(max(share, 0.0), 1.0) * 100

    def ticks(self, most: int = 8) -> list[Tick]:
        """At most about `most` round instants with their labels; a new day is named by its date."""
        length = self.end - self.start
        step, form = next(((s, f) for s, f in _STEPS if length / s <= most), _STEPS[-1])
        epoch = datetime(1970, 1, 1, tzinfo=self.start.tzinfo)
        at = epoch + -(-(self.start - epoch) // step) * step
        ticks: list[Tick] = []
        while at <= self.end:
            label = (
                f"{at:%-d %b}" if step < timedelta(days=1) and at.hour == at.minute == 0 else f"{at:{form}}"
            )
            x = self.x(at)
            ticks.append(Tick(f"{x:.3f}%", label, "start" if x < 3 else "end" if x > 97 else "middle"))
            at += step
        return ticks


def around(start: datetime, end: datetime) -> Axis:
    """An axis that has a length even when everything happened at once."""
    if end - start < timedelta(seconds=2):
        middle = start + (end - start) / 2
        return Axis(middle - timedelta(seconds=1), middle + timedelta(seconds=1))
    return Axis(start, end)
