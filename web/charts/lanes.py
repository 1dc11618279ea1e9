"""What each party saw, on one time axis: a lane an item."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web.charts.axis import Axis, Tick, around


@dataclass(frozen=True)
class Lane:
    item: Any
    x: str
    width: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Lanes:
    lanes: list[Lane]
    ticks: list[Tick]
    axis: Axis
    untimed: list[Any]


def lanes(items: Iterable[Any]) -> Lanes | None:
    """Lanes of the items that have times, the owner's items together; None where no item has any."""
    items = list(items)
    timed = [item for item in items if item.first_time and item.last_time]
    if not timed:
        return None
    axis = around(min(i.first_time for i in timed), max(i.last_time for i in timed))
    drawn = []
    for item in timed:
        left, right = axis.x(item.first_time), axis.x(item.last_time)
        drawn.append(
            Lane(item, f"{left:.3f}%", f"{max(right - left, 0.6):.3f}%", item.first_time, item.last_time)
        )
    return Lanes(drawn, axis.ticks(), axis, [item for item in items if item not in timed])
