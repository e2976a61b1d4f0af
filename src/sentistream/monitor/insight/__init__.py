"""Figures with margins, usual values and comparisons, shared by everything that shows them."""

from sentistream.monitor.insight.figures import (
    ALL_CAMERAS,
    Comparison,
    Figures,
    Known,
    compare,
)
from sentistream.monitor.insight.opening_hours import OpenHours
from sentistream.monitor.insight.queries import Insight
from sentistream.monitor.insight.results import (
    Overview,
    Place,
    Point,
    Report,
    Series,
    UsualFigures,
    WorstHour,
)
from sentistream.monitor.insight.shares import Difference, Share, Usual, Verdict
from sentistream.monitor.insight.spans import BYS, By, Period, Shift, Span

__all__ = [
    "ALL_CAMERAS",
    "BYS",
    "By",
    "Comparison",
    "Difference",
    "Figures",
    "Insight",
    "Known",
    "OpenHours",
    "Overview",
    "Period",
    "Place",
    "Point",
    "Report",
    "Series",
    "Share",
    "Shift",
    "Span",
    "Usual",
    "UsualFigures",
    "Verdict",
    "WorstHour",
    "compare",
]
