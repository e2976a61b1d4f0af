"""Emotion labels, and the three sentiment classes that the paper maps them to."""

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

MOUTH_STATES = ("closed", "open")
"""Classes of the mouth task, in the order of their numbers."""

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""The words for emotions used here, in RAVDESS's order."""

_SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}


def class_number(sentiment: str) -> int:
    """Position of a sentiment in every network's outputs."""
    return SENTIMENTS.index(sentiment)


def emotion_named(word: str) -> str:
    """The emotion for a data set's own label; empty if there is none."""
    lowered = word.strip().lower()
    emotion = _SYNONYMS.get(lowered, lowered)
    return emotion if emotion in EMOTIONS else ""


def sentiment_named(word: str) -> str:
    """The sentiment for the name of a sentiment or an emotion; empty if there is none."""
    lowered = word.strip().lower()
    if lowered in SENTIMENTS:
        return lowered
    return SENTIMENT_OF_EMOTION.get(emotion_named(lowered), "")
