"""Nothing leaves the machine, and no picture or sound is kept: complete runs, monitored."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click import Context, Group
from PIL import Image

from sentistream.cli import main
from sentistream.types import UInt8Array
from synthetic_clips import clicks, write_clip

from .find_media import find_media
from .network_isolation import run_isolated


@pytest.fixture(scope="module")
def clip(portrait: UInt8Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a face, with sound."""
    path = tmp_path_factory.mktemp("film") / "face.mp4"
    picture = np.ascontiguousarray(portrait[:480])
    write_clip(path, [(number / 10, picture) for number in range(30)], clicks(3, 48_000))
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    """For state and temporary files; with a short path, because it also contains sockets."""
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        yield Path(name)


def test_packet_counter_counts() -> None:
    """Otherwise the tests below could not fail."""
    output = run_isolated(
        """
        import socket
        assert sent() == 0, sent()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"hello", ("192.0.2.1", 9))
        after_udp = sent()
        with socket.socket() as tcp:
            tcp.settimeout(0.2)
            try:
                tcp.connect(("192.0.2.1", 80))
            except OSError:
                pass
        with socket.socket() as server, socket.socket() as client:  # to itself: no matter
            server.bind(("127.0.0.1", 0))
            server.listen()
            client.connect(server.getsockname())
        print(after_udp, sent() > after_udp)
        """
    )
    assert output.split() == ["1", "True"]


def test_imports_and_notifiers_send_nothing() -> None:
    """Every module is imported, and every sender runs with the default settings."""
    output = run_isolated(
        """
        import importlib, pkgutil, tempfile, time
        from pathlib import Path
        import sentistream.monitor as monitor

        found = pkgutil.walk_packages(monitor.__path__, "sentistream.monitor.")
        names = [each.name for each in found]
        for name in names:
            if ".versions" not in name and not name.endswith("migrations.env"):
                importlib.import_module(name)

        from sentistream.monitor.alerts import AlertEvaluator, HealthWatch
        from sentistream.monitor.configuration import Configuration
        from sentistream.monitor.event_bus import EventBus
        from sentistream.monitor.notify import MqttPublisher, Notifier
        from sentistream.monitor.observations import CameraState
        from sentistream.monitor.settings import Settings
        from event_bus_helpers import BEGIN, crowd, health, seconds

        bus = EventBus()
        configuration = Configuration(Settings(), Path(tempfile.mkdtemp()) / "settings.yaml")
        with (
            AlertEvaluator(bus, configuration),
            MqttPublisher(bus, configuration),
            HealthWatch(bus, configuration, state=Path(tempfile.mkdtemp())),
            Notifier(bus, configuration),
        ):
            for second in range(50):
                bus.publish(seconds(BEGIN + second, *crowd(6, 1.0)))
                bus.publish(health("door", CameraState.WAITING))
            time.sleep(1)
        print(len(names) > 20, sent())
        """
    )
    assert output.split()[-2:] == ["True", "0"]


def test_analysis_sends_nothing(clip: Path) -> None:
    output = run_isolated(
        """
        import sys
        import sentistream
        readings = list(sentistream.analyze(sys.argv[1]))
        print(any(reading.face for reading in readings), sent())
        """,
        str(clip),
    )
    assert output.split()[-2:] == ["True", "0"]


def test_camera_worker_sends_and_writes_nothing(clip: Path, folder: Path) -> None:
    """The real supervisor with its real worker process, on a file played as a camera."""
    pytest.importorskip("sentistream.monitor.cameras.supervisor", reason="needs the cameras")
    output = run_isolated(
        """
        import os, sys, time
        from pathlib import Path
        from sentistream.monitor.cameras.supervisor import Supervisor
        from sentistream.monitor.event_bus import EventBus
        from sentistream.monitor.observations import Seconds
        from sentistream.monitor.settings import Settings

        clip, state = sys.argv[1:]
        os.environ["TMPDIR"] = state
        bus = EventBus()
        settings = Settings.model_validate({"cameras": {"door": {"source": clip}}})
        with bus.subscribe(Seconds) as subscription:
            supervisor = Supervisor(bus, Path(state))
            supervisor.apply(settings)
            supervisor.request_preview("door")
            seen, end = 0, time.monotonic() + 90
            while seen < 3 and time.monotonic() < end:
                supervisor.request_preview("door")
                seen += sum(bool(each.readings) for each in subscription.take(1.0))
            preview = bus.preview("door")
            supervisor.close()
        print(seen >= 3, preview is not None, sent())
        """,
        str(clip),
        str(folder),
    )
    assert output.split()[-3:] == ["True", "True", "0"]
    assert find_media(folder) == []


def test_whole_monitor_sends_nothing_and_keeps_no_picture(clip: Path, folder: Path) -> None:
    """The installed command, until it has stored readings of a face."""
    assert isinstance(main, Group)
    if "monitor" not in main.list_commands(Context(main)):
        pytest.skip("needs the command sentistream monitor")
    config = folder / "monitor.yaml"
    config.write_text(f"cameras:\n  door:\n    source: {clip}\n")
    output = run_isolated(
        """
        import os, signal, sqlite3, subprocess, sys, time, urllib.request
        from pathlib import Path

        config, state = sys.argv[1:]
        os.environ["TMPDIR"] = state

        def stored():
            for path in Path(state).rglob("*"):
                if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3":
                    try:
                        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                            return database.execute("SELECT count(*) FROM readings").fetchone()[0]
                    except sqlite3.Error:
                        pass
            return 0

        command = [sys.executable, "-m", "sentistream", "monitor"]
        log = open(os.path.join(state, "output"), "wb")
        monitor = subprocess.Popen(
            [*command, "--config", config, "--state", state], stdout=log, stderr=log
        )
        end = time.monotonic() + 100
        healthy = False
        while time.monotonic() < end and not (healthy and stored()):
            assert monitor.poll() is None, open(log.name).read()
            try:
                with urllib.request.urlopen("http://127.0.0.1:8420/health", timeout=2) as answer:
                    healthy = answer.status == 200
            except OSError:
                pass
            time.sleep(0.5)
        readings = stored()
        monitor.send_signal(signal.SIGTERM)
        monitor.wait(30)
        print(healthy, readings > 0, sent())
        """,
        str(config),
        str(folder),
        limit=180,
    )
    assert output.split()[-3:] == ["True", "True", "0"]
    assert find_media(folder, except_for=("demonstration.mp4",)) == []


def test_pictures_and_sound_would_be_found(
    tmp_path: Path, portrait: UInt8Array, clip: Path
) -> None:
    """Otherwise the tests above could not fail: also inside other files, under other names."""
    picture = Image.fromarray(portrait)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "PPM"):
        picture.save(tmp_path / f"{kind}.txt", kind)
    with wave.open(str(tmp_path / "sound.log"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(100))
    np.save(tmp_path / "array.npy", portrait)
    (tmp_path / "film").write_bytes(clip.read_bytes())
    blob = tmp_path / "database"
    blob.write_bytes(b"SQLite format 3\x00" + bytes(5000) + (tmp_path / "JPEG.txt").read_bytes())
    (tmp_path / "plain").write_text("a log line about JPEG and PNG\n")
    found = {line.split(":")[0] for line in find_media(tmp_path)}
    assert found == {path.name for path in tmp_path.iterdir()} - {"plain"}
