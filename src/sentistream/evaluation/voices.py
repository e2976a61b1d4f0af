"""What the ``lite`` voice network says of recordings: first heard, and known from others."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.evaluation.outcomes import Outcome
from sentistream.prior import correct
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.types import FloatArray
from sentistream.voice.functionals import recorded_functionals
from sentistream.voice.voice_baseline import VoiceBaseline, network_inputs

EARLIER = 8
"""Most recordings of the same person that are heard before, in the protocol with a history."""


def with_history(outcomes: Sequence[Outcome], profile: Profile) -> list[Outcome]:
    """The same recordings judged with up to eight others of the same person heard before.

    Which others is drawn at random, by the recording's name; those of people of whom there is
    no other are left out.

    Args:
        outcomes: Of recordings, with people named.
        profile: Whose voice network is asked; one that decides as ``lite`` does.
    """
    network = load_network(profile.voice_model)
    factors = profile.prior.factors(profile.voice_learned_shares)
    by_person: dict[str, list[tuple[Item, FloatArray]]] = {}
    for outcome in outcomes:
        if not outcome.item.person or outcome.probabilities is None:
            continue
        try:
            values = recorded_functionals(outcome.item.path)
        except InputError:
            continue
        if values is not None:
            by_person.setdefault(outcome.item.person, []).append((outcome.item, values))
    found = []
    for recordings in by_person.values():
        for index, (item, values) in enumerate(recordings):
            others = [other for place, (_, other) in enumerate(recordings) if place != index]
            if not others:
                continue
            random = np.random.default_rng(zlib.crc32(item.path.name.encode()))
            baseline = VoiceBaseline()
            for place in random.permutation(len(others))[:EARLIER]:
                baseline.add(others[place])
            answer = correct(network.run(**network_inputs(values, [baseline]))[0], factors)
            found.append(Outcome(item, np.asarray(answer, dtype=np.float64)))
    return found
