"""Which networks a task measures, and what they learned from."""

from __future__ import annotations

from typing import Any

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.profiles import Profile
from sentistream.runtime import load_card
from sentistream.runtime.model_card import ModelCard


def cards_of(task: str, profile: Profile) -> list[ModelCard]:
    """Cards of the networks that the answers to a task come from.

    Raises:
        ModelError: A card is missing or cannot be read.
    """
    names = {
        "clips": profile.models,
        "faces": (profile.face_model,),
        "voices": (profile.voice_model,),
        "mouths": (profile.mouth_model,),
    }[task]
    return [load_card(name) for name in dict.fromkeys(names)]


def named(cards: list[ModelCard]) -> list[dict[str, Any]]:
    """Names, versions and checksums, for JSON."""
    return [{"name": card.name, "version": card.version, "sha256": card.sha256} for card in cards]


def learned_from(person: str, source: str, cards: list[ModelCard]) -> bool:
    """Whether networks learned from a person of a data set, by their cards.

    A card's entry may list the ``people`` it took from a set; where it does not, they were all
    but those of ``HELD_OUT_PEOPLE``.

    Args:
        person: As data sets name people, such as ``ravdess-01``; empty where not known, which
            counts as learned from wherever the set was.
        source: The data set, such as ``ravdess``.
        cards: Of the networks.
    """
    for card in cards:
        for entry in card.data:
            if entry.get("source") != source:
                continue
            people = entry.get("people")
            if isinstance(people, list):
                if person in people or not person:
                    return True
            elif person not in HELD_OUT_PEOPLE:
                return True
    return False
