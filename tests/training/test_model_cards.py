"""A card's figures: one row per source, with intervals over people if known."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.runtime.model_card import read_card
from sentistream.runtime.model_store import models_folder
from sentistream.training.examples import Examples
from sentistream.training.model_cards import card_figures
from sentistream.training.training_profiles import TRAINABLE_PROFILES, training_profile


def examples(labels: list[int], people: list[str], sources: list[str]) -> Examples:
    return Examples(
        inputs={"face": np.zeros((len(labels), 1, 1, 3), np.uint8)},
        labels=np.array(labels),
        people=np.array(people),
        sources=np.array(sources),
    )


def test_similar_answers_within_people_widen_the_interval() -> None:
    """Two of four people are always right: less certain than over pictures."""
    labels = [number % 3 for number in range(240)]
    right = np.array([number // 60 < 2 for number in range(240)])
    predicted = np.where(right, labels, (np.array(labels) + 1) % 3)
    answers = (np.eye(3)[predicted] * 0.7 + 0.1).astype(np.float32)
    named = [f"p{number // 60}" for number in range(240)]
    (over_people,) = card_figures(answers, examples(labels, named, ["clips"] * 240))
    (over_pictures,) = card_figures(answers, examples(labels, [""] * 240, ["clips"] * 240))
    assert over_people["accuracy"] == over_pictures["accuracy"] == 0.5
    assert over_people["uar"] == 0.5
    assert over_people["uar_ci95"] == [0.0, 1.0]
    low, high = over_pictures["uar_ci95"]
    # about 1.96 standard errors of a half of 240
    assert low == pytest.approx(0.5 - 0.063, abs=0.012)
    assert high == pytest.approx(0.5 + 0.063, abs=0.012)
    assert (over_people["intervals_over"], over_pictures["intervals_over"]) == (
        "people",
        "examples",
    )
    assert over_people["people"] == ["p0", "p1", "p2", "p3"]
    assert over_pictures["split"] == "the set's own validation part"


def test_single_output_means_two_classes_and_sources_are_separate() -> None:
    answers = np.array([[0.9], [0.2], [0.5], [0.4]], dtype=np.float32)
    sources = ["a", "a", "b", "b"]
    first, second = card_figures(answers, examples([1, 0, 1, 1], ["p", "q", "r", "s"], sources))
    assert (first["source"], first["accuracy"]) == ("a", 1.0)
    assert first["ece"] == pytest.approx(0.15)
    assert second["confusion"] == [[0, 0], [1, 1]]
    assert second["macro_f1_ci95"][0] == 0.0


def test_pairs_with_an_unknown_face_count_by_the_voice() -> None:
    answers = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    people = ["+ravdess-01", "+ravdess-01", "+ravdess-02", "+ravdess-02"]
    (row,) = card_figures(answers, examples([0, 1, 2, 1], people, ["a+b"] * 4))
    assert row["people"] == ["ravdess-01", "ravdess-02"]
    assert row["intervals_over"] == "people"


@pytest.mark.parametrize("profile", TRAINABLE_PROFILES)
def test_shipped_cards_say_what_their_tasks_say(profile: str) -> None:
    """Else: python scripts/update_card_texts.py."""
    pytest.importorskip("torch", reason="needs the extra 'train'")
    checked = 0
    for name, task in training_profile(profile).tasks.items():
        path = models_folder() / profile / f"{name}.json"
        if not path.exists() or task.card_text is None:
            continue
        card = read_card(path)
        assert card.task == task.card_text.task
        assert tuple(card.weaknesses) == tuple(task.card_text.weaknesses)
        assert card.recipe["note"] == task.card_text.recipe_note
        checked += 1
    assert checked >= 4
