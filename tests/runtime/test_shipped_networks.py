"""The networks in the package exist, are intact, and answer."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.runtime import load_card, load_network
from sentistream.runtime.model_store import is_left_out


@pytest.mark.parametrize("name", ["paper/mouth", "paper/visual", "paper/audio", "paper/fused"])
def test_shipped_networks_answer_with_probabilities(name: str) -> None:
    if name != "paper/fused" and is_left_out(load_card(name)):
        pytest.skip("not part of the installed package")
    network = load_network(name)
    pictures = {
        key: np.full((2, *shape), 128, np.uint8) for key, shape in network.card.inputs.items()
    }
    answer = network.run(**pictures)
    assert answer.shape == (2, len(network.card.outputs))
    assert ((answer >= 0) & (answer <= 1)).all()
    if answer.shape[1] == 3:
        assert np.allclose(answer.sum(axis=1), 1, atol=1e-5)


def test_wrong_input_is_refused() -> None:
    network = load_network("paper/mouth")
    with pytest.raises(ValueError, match="takes mouth, not face"):
        network.run(face=np.zeros((1, 96, 96, 3), np.uint8))
    with pytest.raises(ValueError, match=r"uint8 of shape \(N, \(28, 28, 3\)\)"):
        network.run(mouth=np.zeros((1, 30, 28, 3), np.uint8))
