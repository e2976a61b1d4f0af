"""Where networks are found: in the package, or in the folder named by SENTISTREAM_MODELS."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from weakref import WeakValueDictionary

from sentistream.errors import ModelError
from sentistream.runtime.inference import Network, chosen_engine, chosen_precision
from sentistream.runtime.model_card import ModelCard, read_card
from sentistream.translatable import Translatable

LEFT_OUT = ("paper/audio.onnx", "paper/fused.onnx")
"""Files of the repository that the installed package leaves out to be smaller.

Only the evaluation of voices uses ``audio``; the 8-bit ``fused`` is used unless
SENTISTREAM_PRECISION says ``float``.
"""


_PACKAGED = Path(__file__).resolve().parent.parent / "models"


def models_folder() -> Path:
    """SENTISTREAM_MODELS if set, else the package's own ``models`` folder."""
    chosen = os.environ.get("SENTISTREAM_MODELS")
    return Path(chosen) if chosen else _PACKAGED


def list_models() -> list[str]:
    """Names of all networks that have a card, sorted."""
    folder = models_folder()
    return sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.json")
    )


def load_card(name: str) -> ModelCard:
    """The card of the network called ``name``, such as ``paper/mouth``.

    Raises:
        ModelError: There is no such card, or it cannot be read.
    """
    return read_card(models_folder() / f"{name}.json")


def read_model(card: ModelCard, *, int8: bool = False) -> bytes:
    """A card's ONNX file, or its version with 8-bit convolutions.

    Raises:
        ModelError: The file is missing or is not the one the card was written for.
    """
    name, sha256 = card.file, card.sha256
    if int8:
        name, sha256 = str(card.int8["file"]), str(card.int8["sha256"])
    path = (models_folder() / card.name).parent / name
    try:
        content = path.read_bytes()
    except OSError as error:
        if is_left_out(card, int8=int8):
            raise ModelError(
                Translatable(
                    "The network {name} ({file}) is not part of the installed package.",
                    name=card.name,
                    file=name,
                ),
                "Get sentistream's repository and set SENTISTREAM_MODELS to its "
                "src/sentistream/models.",
            ) from None
        raise ModelError(
            Translatable(
                "The network {path} cannot be read ({words}).",
                path=path,
                words=Translatable(str(error.strerror)),
            ),
            "Reinstall sentistream, or correct SENTISTREAM_MODELS.",
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(
            Translatable(
                "The network {path} was altered: its checksum is {found}..., its card says "
                "{wanted}...",
                path=path,
                found=found[:12],
                wanted=sha256[:12],
            ),
            "Reinstall sentistream.",
        )
    return content


def is_left_out(card: ModelCard, *, int8: bool = False) -> bool:
    """Whether this file is one of ``LEFT_OUT``, and actually missing."""
    name = str(card.int8["file"]) if int8 else card.file
    path = (models_folder() / card.name).parent / name
    listed = f"{Path(card.name).parent.as_posix()}/{name}" in LEFT_OUT
    return listed and not os.environ.get("SENTISTREAM_MODELS") and not path.exists()


def check_model(card: ModelCard) -> tuple[str, ...]:
    """Compares all files of a card with their checksums.

    Returns:
        The names of those that the installed package leaves out.

    Raises:
        ModelError: One is missing or altered.
    """
    left_out = []
    for int8 in (False, True) if card.int8 else (False,):
        if is_left_out(card, int8=int8):
            left_out.append(str(card.int8["file"]) if int8 else card.file)
        else:
            read_model(card, int8=int8)
    return tuple(left_out)


def _check_compatibility(card: ModelCard) -> None:
    """Compares inputs and outputs with those of the package's own network of that name.

    Raises:
        ModelError: They differ, so that this version cannot run it.
    """
    packaged = _PACKAGED / f"{card.name}.json"
    if models_folder() == _PACKAGED or not packaged.exists():
        return
    own = read_card(packaged)
    if (card.inputs, card.input_types, card.outputs) != (own.inputs, own.input_types, own.outputs):
        profile, _, network = card.name.partition("/")
        raise ModelError(
            Translatable(
                "The network {name} in {folder} was made for another version of sentistream: its "
                "inputs or outputs are not those that this version needs.",
                name=card.name,
                folder=models_folder(),
            ),
            Translatable(
                "Train it again (sentistream train {network} --profile {profile}), or unset "
                "SENTISTREAM_MODELS.",
                network=network,
                profile=profile,
            ),
        )


_loaded: WeakValueDictionary[tuple[str, str, str], Network] = WeakValueDictionary()
_loading = threading.Lock()


def load_network(name: str, engine: str | None = None) -> Network:
    """The network called ``name``, checked against its card's checksum.

    Callers in one process that load the same weights share one network, as long as it is in use.

    Raises:
        ModelError: It is missing, altered or unreadable, or made for another version.
    """
    card = load_card(name)
    _check_compatibility(card)
    engine = chosen_engine(engine)
    int8 = (
        bool(card.int8)
        and chosen_precision() == "int8"
        and (engine == "onnxruntime" or is_left_out(card))
    )
    key = (str(models_folder() / name), card.sha256, f"{engine} {int8}")
    with _loading:
        network = _loaded.get(key)
        if network is None:
            network = _loaded[key] = Network(card, read_model(card, int8=int8), engine)
    return network
