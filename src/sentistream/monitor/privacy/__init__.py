"""What the house owes to those who are seen: a notice at the door, an impact assessment."""

from sentistream.monitor.privacy.documents import render_assessment, render_notice
from sentistream.monitor.privacy.measures import MEASURES, Measure

__all__ = ["MEASURES", "Measure", "render_assessment", "render_notice"]
