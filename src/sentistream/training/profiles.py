"""Which networks of which profiles can be trained.

A profile's module, ``sentistream.training.NAME``, has ``PARTS`` and ``RECIPES`` and, for model
cards, ``CARD_TEXTS``, each by the network's name.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentistream.errors import InputError

if TYPE_CHECKING:
    from sentistream.training.card_texts import CardText
    from sentistream.training.parts import Part
    from sentistream.training.recipes import Recipe

_KNOWN = ("paper", "lite")


@dataclass(frozen=True, slots=True)
class TrainedProfile:
    """How the networks of a profile are made.

    Attributes:
        name: The profile's.
        parts: In the order in which they are trained.
        recipes: One for each part.
        card_texts: For some or all of them.
    """

    name: str
    parts: Mapping[str, Part]
    recipes: Mapping[str, Recipe]
    card_texts: Mapping[str, CardText]

    def names(self, network: str) -> tuple[str, ...]:
        """Those that ``network`` means: itself, or for ``all`` each that is shipped.

        Raises:
            InputError: There is no such network.
        """
        if network == "all":
            return tuple(name for name, part in self.parts.items() if part.shipped)
        if network not in self.parts:
            raise InputError(
                f"The profile {self.name} has no network {network!r}.",
                f"Choose one of: {', '.join(self.parts)}, all.",
            )
        return (network,)


def trainable_profiles() -> tuple[str, ...]:
    """Their names; loads none of them, nor PyTorch."""
    return tuple(name for name in _KNOWN if importlib.util.find_spec(_home(name)))


def trained_profile(name: str) -> TrainedProfile:
    """The networks and recipes of a profile.

    Raises:
        InputError: It cannot be trained.
    """
    if name not in trainable_profiles():
        known = ", ".join(trainable_profiles())
        raise InputError(f"No profile {name!r} can be trained.", f"Choose one of: {known}.")
    module = importlib.import_module(_home(name))
    return TrainedProfile(name, module.PARTS, module.RECIPES, getattr(module, "CARD_TEXTS", {}))


def _home(profile: str) -> str:
    return f"sentistream.training.{profile}"
