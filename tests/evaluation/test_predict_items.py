"""One item without an answer does not end the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sentistream.datasets.manifest import Item
from sentistream.errors import InputError, ModelError
from sentistream.evaluation.predictions import predict_items

ITEMS = [Item(Path(f"{name}.mp4"), 0, "anna", "made") for name in ("a", "b", "c", "d")]
SURE = np.array([0.9, 0.05, 0.05])


def answer(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    if path.stem == "a":
        raise InputError("a.mp4 is empty (zero bytes).", "Copy it again.")
    if path.stem == "b":
        raise IndexError("list index out of range")
    return None if path.stem == "c" else SURE


def test_error_in_one_item_is_reported_and_others_continue() -> None:
    messages: list[str] = []
    predictions = predict_items(ITEMS, answer, on_problem=messages.append)
    assert [prediction.item for prediction in predictions] == ITEMS
    assert [prediction.correct for prediction in predictions] == [False, False, False, True]
    assert messages == [
        "a.mp4 is empty (zero bytes).",
        "b.mp4 could not be worked on (IndexError: list index out of range).",
    ]
    assert [prediction.problem for prediction in predictions] == [*messages, "", ""]


@pytest.mark.parametrize("error", [ModelError("There is no network."), KeyboardInterrupt()])
def test_error_common_to_all_items_ends_the_run(error: BaseException) -> None:
    def fail(_: Path) -> None:
        raise error

    with pytest.raises(type(error)):
        predict_items(ITEMS, fail)
