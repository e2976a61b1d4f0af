"""The demonstration that runs in the browser, ``docs/browser``: its networks and its runtime.

Usage: python docs/browser_demo.py FOLDER

Writes the whole page into FOLDER, ready for any web server. ONNX Runtime's build for browsers comes
from npm, in the version and with the checksum below, into ``docs/browser/vendor``, which Git
ignores; the page itself loads nothing from elsewhere. ``site_hooks`` makes it part of the
documentation.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "browser"
VENDOR = PAGE / "vendor"
NETWORKS = ROOT / "src" / "sentistream" / "models" / "lite"
NAMES = ("detector", "landmarks", "face", "mouth", "fusion")
"""Networks that the page runs."""

PACKAGE = "onnxruntime-web@1.30.0"
INTEGRITY = (
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosX"
    "HF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
"""Of the package's archive, as npm writes it into lock files."""

RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page needs of it: the build without WebGPU and WebGL."""

_PATIENCE = 200  # seconds; the archive has 33 MB

_LICENCE = """\
ONNX Runtime, https://github.com/microsoft/onnxruntime, from the npm package {package}.

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


class MissingRuntimeError(Exception):
    """ONNX Runtime's build for browsers could not be had."""


def fetch_runtime() -> None:
    """Gets the runtime from npm, unless this version is there already.

    Raises:
        MissingRuntimeError: npm is not installed, cannot reach its registry, or gave another file.
    """
    made = VENDOR / "LICENSE.txt"
    if made.exists() and f"{PACKAGE}." in made.read_text("utf-8"):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise MissingRuntimeError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, check=False, timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired:
            raise MissingRuntimeError(f"npm did not get {PACKAGE} in {_PATIENCE} s") from None
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise MissingRuntimeError(f"npm cannot get {PACKAGE} ({done.stderr.strip()[-200:]})")
        content = archives[0].read_bytes()
        found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        if found != INTEGRITY:
            raise MissingRuntimeError(f"{PACKAGE} is not the file it was: {found}")
        shutil.rmtree(VENDOR, ignore_errors=True)
        VENDOR.mkdir()
        with tarfile.open(archives[0]) as archive:
            for name in RUNTIME:
                member = archive.extractfile(f"package/dist/{name}")
                if member is None:
                    raise MissingRuntimeError(f"{PACKAGE} has no {name}")
                (VENDOR / name).write_bytes(member.read())
    made.write_text(_LICENCE.format(package=PACKAGE), "utf-8")


def network_files() -> list[Path]:
    """The files of the networks that the page runs."""
    description = json.loads((PAGE / "pipeline.json").read_text("utf-8"))
    return [NETWORKS / description["networks"][name]["file"] for name in NAMES]


def build(folder: Path) -> None:
    """Writes the whole page into a folder.

    Raises:
        MissingRuntimeError: As ``fetch_runtime``.
    """
    fetch_runtime()
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    (folder / "models").mkdir(exist_ok=True)
    for path in network_files():
        shutil.copy(path, folder / "models")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python docs/browser_demo.py FOLDER")
    try:
        build(Path(sys.argv[1]))
    except MissingRuntimeError as problem:
        sys.exit(f"The page cannot be built: {problem}.")
    print(f"The page is in {sys.argv[1]}: serve it, for instance with python -m http.server.")
