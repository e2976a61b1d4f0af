"""Writes a folder with a profile's networks and everything needed to run them elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from sentistream.errors import OutputError
from sentistream.export.pipeline_description import describe_pipeline
from sentistream.profiles import DEFAULT_PROFILE, Profile, get_profile
from sentistream.runtime import ModelCard, Network, load_card
from sentistream.runtime.model_store import read_model
from sentistream.types import SOUND_RATE

DESCRIPTION: Final = "pipeline.json"
"""The machine-readable description of the pipeline around the networks."""

_REFERENCE: Final = {
    "lite": ("reference_lite.py", "faces.py", "resampling.py", "LICENSE"),
    "paper": ("reference_paper.py", "resampling.py", "LICENSE"),
}
_FILES: Final = "reference-files"
_VOICE: Final = ("features", "functionals", "utterance", "voice_activity")
_ARRAY_TYPES: Final = f'''"""What the other modules here share."""

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
SOUND_RATE = {SOUND_RATE}
'''
_LENGTHS: Final = (64, 96)
"""Rows and columns of test vectors for a network that takes any; multiples of the detector's 32."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        profile: Name of the profile.
        networks: Their names in ``pipeline.json`` and the sizes of their files, bytes.
    """

    folder: Path
    profile: str
    networks: tuple[tuple[str, int], ...]


def export_networks(
    folder: Path,
    profile: Profile | str = DEFAULT_PROFILE,
    *,
    as_float: bool = False,
    replaced: Mapping[str, bytes] | None = None,
    force: bool = False,
) -> Exported:
    """Writes networks, cards, ``pipeline.json``, a README, a reference in Python and test vectors.

    Args:
        folder: Made if needed.
        profile: Whose networks.
        as_float: Whether to write networks with floats that the product runs with 8 bits.
        replaced: ONNX files to write instead of the shipped ones, by network.
        force: Whether files of a folder that is not empty may be replaced.

    Raises:
        InputError: There is no such profile.
        ModelError: A network is missing or altered.
        OutputError: The folder holds files, or cannot be written.
    """
    profile = get_profile(profile) if isinstance(profile, str) else profile
    cards = {name.rpartition("/")[2]: load_card(name) for name in profile.models}
    contents = {
        name: (replaced or {}).get(name) or read_model(card, int8=bool(card.int8) and not as_float)
        for name, card in cards.items()
    }
    check_free(folder, force=force)
    try:
        return _write(folder, profile, cards, contents)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror}).", "Name another folder."
        ) from error


def check_free(folder: Path, *, force: bool) -> None:
    """Refuses to mix an export with other files.

    Raises:
        OutputError: The folder holds files, and ``force`` is False, or it is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Name a folder.")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise OutputError(
            f"{folder} is not empty.", "Name another folder, or replace its files with --force."
        )


def _write(
    folder: Path, profile: Profile, cards: Mapping[str, ModelCard], contents: Mapping[str, bytes]
) -> Exported:
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    written = {}
    for name, card in cards.items():
        checksum = hashlib.sha256(contents[name]).hexdigest()
        file = f"{name}.onnx" if checksum == card.sha256 else f"{name}.int8.onnx"
        (folder / file).write_bytes(contents[name])
        written[name] = replace(card, file=file, sha256=checksum)
        card.write(folder / "cards" / f"{name}.json")
    for source in _REFERENCE[profile.decision]:
        text = files("sentistream.export").joinpath(_FILES, source).read_text("utf-8")
        name = "reference.py" if source.startswith("reference_") else source
        (folder / name).write_text(text, "utf-8")
    if profile.decision == "lite":
        _write_voice(folder / "voice")
    description = describe_pipeline(profile, written)
    text = json.dumps(description, indent=1, ensure_ascii=False) + "\n"
    (folder / DESCRIPTION).write_text(text, "utf-8")
    vectors = _test_vectors(written, contents)
    np.savez_compressed(folder / "test_vectors.npz", **vectors)  # type: ignore[arg-type]
    (folder / "README.md").write_text(_readme(profile, description), "utf-8")
    sizes = tuple((name, len(content)) for name, content in contents.items())
    return Exported(folder, profile.name, sizes)


def _write_voice(folder: Path) -> None:
    """The product's own modules that measure a voice, which need only NumPy."""
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(
        '"""From sound to what the voice networks take; sentistream\'s own modules."""\n', "utf-8"
    )
    (folder / "array_types.py").write_text(_ARRAY_TYPES, "utf-8")
    for name in _VOICE:
        text = files("sentistream.voice").joinpath(f"{name}.py").read_text("utf-8")
        text = text.replace("from sentistream.types import", "from voice.array_types import")
        text = text.replace("from sentistream.voice", "from voice")
        (folder / f"{name}.py").write_text(text, "utf-8")


def _test_vectors(
    cards: Mapping[str, ModelCard], contents: Mapping[str, bytes]
) -> dict[str, NDArray[Any]]:
    """Random inputs and ONNX Runtime's outputs for them: ``NETWORK.INPUT``, ``NETWORK``."""
    generator = np.random.default_rng(1)
    vectors: dict[str, NDArray[Any]] = {}
    for name, card in cards.items():
        inputs: dict[str, NDArray[Any]] = {}
        for key, shape in card.inputs.items():
            lengths = [
                _LENGTHS[axis] if length < 0 else length for axis, length in enumerate(shape)
            ]
            if card.input_types.get(key, "uint8") == "uint8":
                inputs[key] = generator.integers(0, 256, (1, *lengths), dtype=np.uint8)
            else:
                inputs[key] = generator.uniform(0.1, 0.9, (1, *lengths)).astype(np.float32)
        vectors[name] = Network(card, contents[name], "onnxruntime").run(**inputs)
        vectors |= {f"{name}.{key}": values for key, values in inputs.items()}
    return vectors


def _readme(profile: Profile, description: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("sentistream.export", _FILES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, of our own words alone
    )
    return environment.get_template(f"readme_{profile.decision}.md.j2").render(description)
