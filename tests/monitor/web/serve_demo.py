"""Serve a fake monitor for viewing: ``python tests/monitor/web/serve_demo.py [PORT]``."""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sentistream.monitor.accounts import Role, User
from web.fake_monitor import FakeMonitor
from web.fake_people import live

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        shown = FakeMonitor(Path(folder), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8421)
        if len(sys.argv) > 2:
            shown.user = User("vera", Role.VIEWER)
        print(shown.url, flush=True)
        ended = threading.Event()
        try:
            live(shown, ended)
        except KeyboardInterrupt:
            ended.set()
