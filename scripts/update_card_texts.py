"""Write the texts of the training tasks into the cards of the shipped networks.

Run `python scripts/update_card_texts.py` after changing a task's card text, then
`sentistream models --markdown docs/model-cards.md`. Figures and data stay as they were measured.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from sentistream.runtime.model_card import read_card
from sentistream.training.training_profiles import TRAINABLE_PROFILES, training_profile

MODELS = Path(__file__).parent.parent / "src" / "sentistream" / "models"


def main() -> None:
    """Update task, weaknesses and recipe note of each card."""
    for profile in TRAINABLE_PROFILES:
        for name, task in training_profile(profile).tasks.items():
            path = MODELS / profile / f"{name}.json"
            text = task.card_text
            if text is None or not path.exists():
                continue
            card = read_card(path)
            updated = dataclasses.replace(
                card,
                task=text.task,
                weaknesses=list(text.weaknesses),
                recipe={**card.recipe, "note": text.recipe_note},
            )
            if updated != card:
                updated.write(path)


if __name__ == "__main__":
    main()
