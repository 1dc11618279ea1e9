"""Charts as numbers for server-rendered SVG: they work without script, print, and read aloud."""

from web.charts.custodyline import custody_line
from web.charts.histogram import histogram
from web.charts.lanes import lanes

__all__ = ["custody_line", "histogram", "lanes"]
