"""How long each network takes in each installed engine: which to use is a matter of measurement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.errors import MissingExtraError
from sentistream.runtime.inference import ENGINES, Network
from sentistream.runtime.model_card import ModelCard
from sentistream.runtime.model_store import is_left_out, load_card, read_model

RUNS = 40
FRAMES, PIXELS = 300, 320
"""Length of an input that may be of any: 3 s of voice, the sides of a picture."""


def engine_milliseconds(models: Iterable[str]) -> dict[str, dict[str, float]]:
    """The middle time of one answer to one sample, in one thread, by network and engine.

    ``ENGINE, int8`` stands for 8-bit convolutions, where a network has them; engines that are
    not installed and networks that the package lacks are left out.
    """
    measured = {}
    for name in models:
        card = load_card(name)
        inputs = dict(sample_inputs(card))
        measured[name] = {way: _median(network, inputs) for way, network in _ways(card)}
    return measured


def _ways(card: ModelCard) -> Iterator[tuple[str, Network]]:
    for int8 in (False, True) if card.int8 else (False,):
        if is_left_out(card, int8=int8):
            continue
        for engine in ENGINES:
            try:
                network = Network(card, read_model(card, int8=int8), engine)
            except MissingExtraError:
                continue
            yield f"{engine}, int8" if int8 else engine, network


def sample_inputs(card: ModelCard) -> Iterator[tuple[str, NDArray[Any]]]:
    generator = np.random.default_rng(1)
    for name, shape in card.inputs.items():
        kind = np.dtype(card.input_types.get(name, "uint8"))
        free = PIXELS if card.inputs[name].count(-1) > 1 else FRAMES
        size = (1, *(free if length == -1 else length for length in shape))
        if kind == np.uint8:
            yield name, generator.integers(0, 256, size, dtype=np.uint8)
        else:
            yield name, generator.random(size).astype(kind)


def _median(network: Network, inputs: dict[str, NDArray[Any]]) -> float:
    taken = []
    for _ in range(RUNS):
        before = time.perf_counter()
        network.run(**inputs)
        taken.append(1000 * (time.perf_counter() - before))
    return statistics.median(taken)
