"""Model cards: what a network does, where it comes from, what may be done with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sentistream.errors import ModelError
from sentistream.translatable import Translatable
from sentistream.values import ByValue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelCard(ByValue):
    """The JSON file beside a network's ONNX file.

    Attributes:
        name: Its name in profiles, such as ``paper/mouth``.
        version: Of the weights; changes whenever they do.
        task: What it answers, in a sentence.
        file: The ONNX file's name.
        sha256: Of that file, in hexadecimal.
        parameters: As the paper counts them, including batch norm's moving statistics.
        multiply_adds: For one sample, as run.
        inputs: Shape of one sample of each input; -1 where it may be any length.
        input_types: Type of each input that is not ``uint8``.
        outputs: Meaning of each output, in order.
        licence: What may be done with the weights.
        data: The training data, with its terms.
        recipe: How they were trained: settings, epochs, seed.
        seed: Of the training run; None if the card does not say.
        commit: The source that trained them: a Git commit, with ``-dirty`` where files had been
            changed since, or a version of the package. Empty where the card does not say.
        int8: The same network with 8-bit convolutions, where there is one: its ``file``,
            ``sha256``, how many examples it was ``calibrated_on``, and under ``compared`` its
            accuracy next to that of the float one, on people not trained on.
        figures: The measurements; each says on which people, and what it counts (``unit``) if
            that is not single examples. Those of a fusion are of the whole product.
        weaknesses: Known weaknesses.
        intended_use, forbidden_use: What it is for and what it must not be used for.
    """

    name: str
    version: str
    task: str
    file: str
    sha256: str
    parameters: int
    multiply_adds: int
    inputs: dict[str, list[int]]
    outputs: list[str]
    licence: str
    data: list[dict[str, Any]] = field(default_factory=list)
    recipe: dict[str, Any] = field(default_factory=dict)
    figures: list[dict[str, Any]] = field(default_factory=list)
    weaknesses: list[str] = field(default_factory=list)
    intended_use: str = ""
    forbidden_use: str = ""
    input_types: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    commit: str = ""
    int8: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """As readable JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_card(path: Path) -> ModelCard:
    """The card at ``path``.

    Raises:
        ModelError: It is missing, is not JSON, or lacks a field.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        known = {entry.name for entry in fields(ModelCard)}
        return ModelCard(**{key: value for key, value in content.items() if key in known})
    except FileNotFoundError:
        raise ModelError(
            Translatable("The model card {path} is missing.", path=path), _REINSTALL
        ) from None
    except (OSError, UnicodeDecodeError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            Translatable("The model card {path} cannot be read ({words}).", path=path, words=error),
            _REINSTALL,
        ) from None


_REINSTALL = "Reinstall sentistream, or correct SENTISTREAM_MODELS."
