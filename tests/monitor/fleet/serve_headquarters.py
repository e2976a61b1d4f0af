"""Serve a synthetic headquarters for viewing: ``python tests/monitor/fleet/serve_headquarters.py``.

Log in as anna (manager) or vera (viewer); the password is in ``api.served_monitor``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from api.served_monitor import PASSWORD

from fleet.served_headquarters import ServedHeadquarters

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, ServedHeadquarters(Path(folder)) as shown:
        print(f"{shown.url} {PASSWORD}", flush=True)
        while True:
            time.sleep(60)
