"""Charts as numbers for server-rendered SVG: they work without script, print, and read aloud."""

from web.charts.custodyline import custody_line
from web.charts.histogram import histogram
from web.charts.lanes import lanes
from web.charts.prooftree import proof_tree

__all__ = ["custody_line", "histogram", "lanes", "proof_tree"]
