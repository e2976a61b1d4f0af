"""Emotions of the data sets, and the three sentiments the paper makes of them."""

from __future__ import annotations

from sentistream.types import SENTIMENTS

SENTIMENT_OF_EMOTION = {
    "happy": "positive",
    "neutral": "neutral",
    "calm": "neutral",
    "angry": "negative",
    "sad": "negative",
}
"""Section 3.1 and Table 6; other emotions are left out of the three-class task."""


def class_number(sentiment: str) -> int:
    """Position of a sentiment in every network's outputs."""
    return SENTIMENTS.index(sentiment)
