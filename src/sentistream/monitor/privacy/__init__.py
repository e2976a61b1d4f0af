"""Privacy: the actual state, the notice, and the data protection impact assessment."""

from sentistream.monitor.privacy.privacy_documents import render_assessment, render_notice
from sentistream.monitor.privacy.privacy_measures import MEASURES, Measure, Standing
from sentistream.monitor.privacy.privacy_state import (
    InForce,
    PrivacyState,
    Recipient,
    Transport,
)

__all__ = [
    "MEASURES",
    "InForce",
    "Measure",
    "PrivacyState",
    "Recipient",
    "Standing",
    "Transport",
    "render_assessment",
    "render_notice",
]
