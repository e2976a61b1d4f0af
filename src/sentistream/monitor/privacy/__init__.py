"""Privacy documents: the notice at the door and the data protection impact assessment."""

from sentistream.monitor.privacy.privacy_documents import render_assessment, render_notice
from sentistream.monitor.privacy.privacy_measures import MEASURES, Measure

__all__ = ["MEASURES", "Measure", "render_assessment", "render_notice"]
