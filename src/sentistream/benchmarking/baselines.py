"""Other programs on the same pictures, each in its own Python, for the stages they cover.

Only packages that install from PyPI with their weights can be measured without further
downloads; the rest is listed with the reason.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.media import open_source

PICTURES = 30
LIMIT = 300.0
"""Most seconds for one baseline."""

_FRAME = """
import json, sys, time
import numpy as np
pictures = np.load(sys.argv[1])
{prepare}
work(pictures[0])
taken, found = [], 0
for picture in pictures:
    before = time.process_time()
    found += bool(work(picture))
    taken.append(time.process_time() - before)
print("RESULT " + json.dumps({{"seconds": sorted(taken)[len(taken) // 2], "found": found}}))
"""

SCRIPTS = {
    "fer": (
        "face detection (Haar) and face emotion",
        "from fer.fer import FER\n"
        "teller = FER(mtcnn=False)\n"
        "work = lambda picture: teller.detect_emotions(picture[..., ::-1])\n",
    ),
    "deepface": (
        "face detection (Haar) and face emotion",
        "from deepface import DeepFace\n"
        "work = lambda picture: DeepFace.analyze(\n"
        "    picture[..., ::-1], actions=['emotion'], enforce_detection=False, silent=True)\n",
    ),
    "py-feat": (
        "face detection, landmarks and face emotion",
        "from feat import Detector\n"
        "teller = Detector(device='cpu')\n"
        "work = lambda picture: len(teller.detect_image(picture))\n",
    ),
}
"""By name: what is measured, and the code that defines ``work(picture)``; pictures are RGB."""


def measure_baselines(source: Path, pythons: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Pictures per second on one core for each baseline, or why there is no figure.

    Args:
        source: A video.
        pythons: The Python interpreter in which each is installed, by the baseline's name.
    """
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.npy"
        with open_source(source, tick=0.1, sound_window=0.03) as opened:
            np.save(pictures, [m.picture.rgb() for m in islice(opened, PICTURES)])
        for name, (does, prepare) in SCRIPTS.items():
            if name not in pythons:
                results[name] = {"does": does, "missing": "not named with --peer"}
                continue
            results[name] = {"does": does, **_run(pythons[name], prepare, pictures)}
    return results


def _run(python: str, prepare: str, pictures: Path) -> dict[str, Any]:
    script = _FRAME.format(prepare=prepare)
    try:
        done = subprocess.run(  # noqa: S603 - the user names the interpreter
            [python, "-c", script, str(pictures)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"missing": str(error)}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            result = json.loads(line.removeprefix("RESULT "))
            return {
                "pictures_per_second": 1 / max(result["seconds"], 1e-9),
                "found": result["found"],
                "pictures": PICTURES,
            }
    last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
    return {"missing": last[0][:200] if last else f"ended with exit code {done.returncode}"}
