from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "from sentistream.runtime import load_network; load_network('lite/mouth')",
        "import sentistream; import onnxruntime",
    ],
)
def test_runtime_sends_no_telemetry_and_leaves_no_files(tmp_path: Path, code: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "ORT"))}
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**kept, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        check=True,
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
