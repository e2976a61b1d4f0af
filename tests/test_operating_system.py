"""The one module that depends on the operating system, with each system simulated."""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import sentistream
from sentistream import operating_system
from sentistream.errors import InputError
from sentistream.media import Camera, capture_devices, list_cameras, open_source
from sentistream.operating_system import System

SOURCE = Path(sentistream.__file__).parent
HERE = SOURCE / "operating_system.py"
ONLY_SOME_HAVE = {
    "_posixsubprocess",
    "_winapi",
    "fcntl",
    "grp",
    "msvcrt",
    "nt",
    "posix",
    "pwd",
    "resource",
    "syslog",
    "termios",
    "tty",
    "winreg",
}
"""Modules missing on Linux, macOS or Windows."""

ONLY_SOME_SAY = ("/proc", "forkserver", "v4l2", "win32", "darwin")
"""Strings (or beginnings of paths) that no other module may contain."""

MAY_SAY = {
    Path("media/capture_devices.py"): {"v4l2"},  # an FFmpeg input format
    Path("decoder_names.py"): {"v4l2"},
    Path("media/decoder.py"): {"v4l2"},
    Path("benchmarking/system_facts.py"): {"win32"},  # in a pattern for package markers
}

UNIX_ALONE = {
    "os": [
        "fchmod",
        "fchown",
        "fork",
        "geteuid",
        "getloadavg",
        "getuid",
        "killpg",
        "mkfifo",
        "posix_fallocate",
        "sched_getaffinity",
        "setsid",
        "statvfs",
        "sysconf",
        "uname",
    ],
    "signal": ["SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "pthread_sigmask"],
    "socket": ["AF_UNIX", "SOCK_CLOEXEC"],
}
"""Attributes missing on Windows in modules that exist there."""

on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="simulates other systems on Linux"
)


@pytest.fixture(params=[pytest.param(system, marks=on_linux) for system in System])
def each_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> System:
    chosen: System = request.param
    monkeypatch.setattr(sys, "platform", str(chosen))
    return chosen


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("simulates other systems on Linux")
    monkeypatch.setattr(sys, "platform", "win32")


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("simulates other systems on Linux")
    monkeypatch.setattr(sys, "platform", "darwin")


def other_modules() -> Iterator[Path]:
    return (path for path in SOURCE.rglob("*.py") if path != HERE)


def test_no_other_module_checks_the_operating_system() -> None:
    found = []
    for path in other_modules():
        place = path.relative_to(SOURCE)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                requested = f"{node.value.id}.{node.attr}"
                if requested in (
                    "sys.platform",
                    "os.name",
                    "os.kill",
                    "signal.SIGKILL",
                    "os.uname",
                ):
                    found.append((place, requested))
            elif isinstance(node, ast.Import):
                found += [(place, a.name) for a in node.names if a.name in ONLY_SOME_HAVE]
            elif isinstance(node, ast.ImportFrom) and node.module in ONLY_SOME_HAVE:
                found.append((place, node.module or ""))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += [
                    (place, word)
                    for word in ONLY_SOME_SAY
                    if (node.value == word or node.value.startswith(f"{word}/"))
                    and word not in MAY_SAY.get(place, ())
                ]
    assert found == []


IMPORT_ALL = """
import importlib, os, pkgutil, signal, socket, sys
import sentistream
skipped = []
def all_modules():
    names = [found.name for found in pkgutil.walk_packages(sentistream.__path__, "sentistream.")]
    for name in ONLY or names:
        # loaded in the fork server alone; the program itself
        if name in ("sentistream.monitor.cameras.forkserver", "sentistream.__main__"):
            continue
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("sentistream"):
                raise
            skipped.append(name)
        except ImportError as error:  # some extra is missing here
            skipped.append(name)
# other packages' modules are loaded as what they are
all_modules()
before, names = list(skipped), [name for name in sys.modules if name.startswith("sentistream")]
for name in names:
    del sys.modules[name]
sys.platform = PLATFORM
for name in LACKS:
    sys.modules[name] = None
if PLATFORM == "win32":
    pair, unix = socket.socketpair, socket.AF_UNIX  # there it is made of other sockets
    socket.socketpair = lambda: pair(unix)
    for module, attributes in UNIX_ALONE.items():
        for attribute in attributes:
            if hasattr(sys.modules[module], attribute):
                delattr(sys.modules[module], attribute)
skipped.clear()
import sentistream
all_modules()
assert sorted(skipped) == sorted(before), (skipped, before)
print(len([name for name in sys.modules if name.startswith("sentistream")]))
"""


def imported(platform: str, *arguments: str, only: Sequence[str] = (), run: str = "") -> str:
    lacks = ONLY_SOME_HAVE if platform == "win32" else {"_winapi", "msvcrt", "nt", "winreg"}
    lacks = lacks - {"posix", "_posixsubprocess"}  # loaded before any program starts
    script_arguments = (platform, sorted(lacks), UNIX_ALONE, list(only))
    facts = f"PLATFORM, LACKS, UNIX_ALONE, ONLY = {script_arguments!r}\n"
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", facts + IMPORT_ALL + run, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@on_linux
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_every_module_is_importable_without_linux_modules(platform: str) -> None:
    modules_seen = sum(1 for _ in other_modules())
    assert int(imported(platform)) > 0.8 * modules_seen


@on_linux
def test_clip_is_analyzed_without_linux_features(tmp_path: Path, demonstration_clip: Path) -> None:
    run = (
        "from sentistream.cli import main\n"
        "main(['analyze', *sys.argv[1:], '--format', 'csv'], standalone_mode=False)\n"
    )
    imported(
        "win32",
        *(str(demonstration_clip), "--out", str(tmp_path / "out")),
        only=["sentistream.cli.analyze", "sentistream.cli.clip_analysis", "sentistream.api"],
        run=run,
    )
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["overall"]["label"] == "positive"
    assert b"\r\n" not in (tmp_path / "out" / "readings.csv").read_bytes()[:1000]


@on_linux
def test_system_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, expected in (
        ("linux", System.LINUX),
        ("darwin", System.MACOS),
        ("win32", System.WINDOWS),
        ("freebsd14", System.LINUX),
    ):
        monkeypatch.setattr(sys, "platform", name)
        assert operating_system.system() is expected


def test_stop_signals_by_system(each_system: System) -> None:
    numbers = {int(number) for number in operating_system.stop_signals()}
    assert {int(signal.SIGINT), int(signal.SIGTERM)} <= numbers
    assert (21 in numbers) == (each_system is System.WINDOWS)  # SIGBREAK


@pytest.mark.usefixtures("windows")
def test_windows_programs_are_stopped_by_ctrl_break(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = list[int]()
    started: dict[str, Any] = {}

    def start(command: list[str], **options: Any) -> SimpleNamespace:
        started.update(options, command=command)
        return SimpleNamespace(send_signal=sent.append)

    monkeypatch.setattr(subprocess, "Popen", start)
    process = operating_system.start_stoppable(["sentistream"], {"A": "b"})
    operating_system.stop_process(process)
    assert started["creationflags"] == 0x200  # CREATE_NEW_PROCESS_GROUP
    assert sent == [1]  # CTRL_BREAK_EVENT


@pytest.mark.usefixtures("windows")
def test_windows_has_no_unix_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    receiver, address = operating_system.receive_notifications(tmp_path)
    with receiver:
        receiver.settimeout(5)
        assert operating_system.send_notification(address, "READY=1")
        assert receiver.recv(100) == b"READY=1"
    assert list(tmp_path.iterdir()) == []
    assert not operating_system.send_notification("/run/systemd/notify", "READY=1")


@on_linux
def test_notifications_reach_a_unix_socket(tmp_path: Path) -> None:
    receiver, address = operating_system.receive_notifications(tmp_path)
    with receiver:
        receiver.settimeout(5)
        assert operating_system.send_notification(address, "WATCHDOG=1")
        assert receiver.recv(100) == b"WATCHDOG=1"
    for nowhere in ("", "notify", "192.0.2.1:5", "127.0.0.1:x", str(tmp_path / "none"), "/x" * 99):
        assert not operating_system.send_notification(nowhere, "READY=1"), nowhere


def test_lock_is_held_by_one_process_only(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as ours:
        operating_system.lock_file(ours, wait=False)
        with path.open("a") as theirs, pytest.raises(OSError, match=r".*"):
            operating_system.lock_file(theirs, wait=False)
    with path.open("a") as again:
        operating_system.lock_file(again, wait=True)


@pytest.mark.usefixtures("windows")
def test_windows_locks_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[tuple[int, int]]()

    def locking(_descriptor: int, mode: int, count: int) -> None:
        tries.append((mode, count))
        if len(tries) < 3:
            raise PermissionError(13, "Permission denied")

    fake: Any = ModuleType("msvcrt")
    fake.locking, fake.LK_NBLCK = locking, 2
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    monkeypatch.setattr(operating_system, "_POLL_INTERVAL", 0.01)
    with (tmp_path / "lock").open("a") as file:
        with pytest.raises(PermissionError):
            operating_system.lock_file(file, wait=False)
        operating_system.lock_file(file, wait=True)
    assert tries == [(2, 1)] * 3


def test_running_processes_are_recognized() -> None:
    assert operating_system.process_exists(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not operating_system.process_exists(ended.pid)


@pytest.mark.usefixtures("windows")
def test_windows_process_check_sends_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    fake: Any = ModuleType("_winapi")

    def open_process(_access: int, _inherit: bool, pid: int) -> int:
        if pid == 1:
            raise PermissionError
        if pid == 2:
            raise OSError(87, "The parameter is incorrect")
        return pid

    fake.OpenProcess = open_process
    fake.WaitForSingleObject = lambda handle, _milliseconds: 0 if handle == 3 else 258
    fake.WAIT_OBJECT_0 = 0
    fake.CloseHandle = lambda _handle: None
    monkeypatch.setitem(sys.modules, "_winapi", fake)
    monkeypatch.delattr(os, "kill")
    found = [operating_system.process_exists(pid) for pid in (1, 2, 3, 4)]
    assert found == [True, False, False, True]


ORPHAN = """
import os, subprocess, sys, time
from sentistream import operating_system
child = '''
import os, signal, sys, time
from sentistream import operating_system
sys.platform = sys.argv[1]
parent = int(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *_: (print("stopped", flush=True), os._exit(0)))
operating_system.end_with_parent(parent, at_once=sys.argv[3] == "at once")
print("ready", flush=True)
time.sleep(60)
print("still there", flush=True)
'''
platform, how, seconds = sys.argv[1:]
subprocess.Popen([sys.executable, "-c", child, platform, str(os.getpid()), how])
time.sleep(float(seconds))
os._exit(0)
"""


@on_linux
@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("how", ["at once", "in order"])
def test_process_ends_with_its_parent(platform: str, how: str) -> None:
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", ORPHAN, platform, how, "2"],
        capture_output=True,
        text=True,
        timeout=30,  # the pipe closes with the grandchild
        check=True,
    )
    assert "still there" not in result.stdout
    assert result.stdout.split() == (["ready"] if how == "at once" else ["ready", "stopped"])


def test_worker_start_method_by_system(each_system: System) -> None:
    method = operating_system.worker_context(["sentistream.types"]).get_start_method()
    assert method == ("forkserver" if each_system is System.LINUX else "spawn")


def test_machine_properties_by_system(each_system: System) -> None:
    assert operating_system.processor_name()
    peak = operating_system.peak_memory()
    assert peak is not None
    kib = 1 if each_system is System.MACOS else 1024  # macOS reports bytes
    assert peak > 1024 * kib
    operating_system.keep_allocator_lean()
    operating_system.return_freed_memory()


@on_linux
def test_process_memory_is_measured() -> None:
    held = operating_system.resident_memory()
    shared = operating_system.proportional_memory(os.getpid())
    assert held is not None
    assert shared is not None
    assert 1024**2 < shared <= held * 1.5
    assert operating_system.proportional_memory(2**30) is None


class Device(SimpleNamespace):
    """Like PyAV's ``DeviceInfo``."""


MAC = [
    Device(name="0", description="FaceTime HD Camera", media_types=["video"]),
    Device(name="1", description="Capture screen 0", media_types=["video"]),
    Device(name="2", description="Desk View", media_types=["video"]),
    Device(name="0", description="MacBook Microphone", media_types=["audio"]),
]
PC = [
    Device(name="@device_pnp_1", description="Integrated Camera", media_types=["video"]),
    Device(name="@device_cm_2", description="Microphone Array", media_types=["audio"]),
    Device(name="@device_pnp_3", description="Logitech C920", media_types=["video"]),
]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, str]]]:
    """Calls of FFmpeg's open: device, format and options; all are refused."""
    requested: list[tuple[str, str, dict[str, str]]] = []

    def refuse(device: str, _mode: str, **script_arguments: Any) -> Any:
        requested.append((device, script_arguments["format"], script_arguments["options"]))
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("av.container.open", refuse)
    monkeypatch.setattr("av.formats_available", frozenset({"avfoundation", "dshow"}))
    monkeypatch.setattr(
        "av.enumerate_input_devices",
        {"avfoundation": MAC, "dshow": PC}.__getitem__,
    )
    return requested


@pytest.mark.usefixtures("macos")
def test_macos_captures_by_avfoundation(opened: list[tuple[str, str, dict[str, str]]]) -> None:
    assert list_cameras() == (
        Camera(0, "0:none", "FaceTime HD Camera"),
        Camera(1, "2:none", "Desk View"),  # a screen is no camera
    )
    with pytest.raises(InputError, match="Camera 1 cannot be opened") as refused:
        open_source(1, tick=0.1, sound_window=0.1)
    assert "System Settings" in refused.value.way_out
    assert {(device, form) for device, form, _ in opened} == {("2:none", "avfoundation")}
    assert opened[0][2]["framerate"] == "30"
    with pytest.raises(InputError, match="microphone default cannot be opened") as refused:
        capture_devices.open_microphone("default")
    assert opened[-1][:2] == ("none:default", "avfoundation")
    assert "MacBook Microphone" in refused.value.way_out
    with pytest.raises(InputError, match="There is no camera 7: this machine has 0, 1"):
        open_source(7, tick=0.1, sound_window=0.1)


@pytest.mark.usefixtures("windows")
def test_windows_captures_by_directshow(opened: list[tuple[str, str, dict[str, str]]]) -> None:
    assert list_cameras() == (
        Camera(0, "video=@device_pnp_1", "Integrated Camera"),
        Camera(1, "video=@device_pnp_3", "Logitech C920"),
    )
    with pytest.raises(InputError, match="Camera 1 cannot be opened") as refused:
        open_source(1, tick=0.1, sound_window=0.1)
    assert "Settings" in refused.value.way_out
    assert {(device, form) for device, form, _ in opened} == {("video=@device_pnp_3", "dshow")}
    with pytest.raises(InputError, match="microphone Desk cannot be opened") as refused:
        capture_devices.open_microphone("Desk")
    assert opened[-1][:2] == ("audio=Desk", "dshow")
    assert "Microphone Array" in refused.value.way_out


@pytest.mark.usefixtures("windows")
def test_ffmpeg_without_the_systems_devices_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("av.formats_available", frozenset())
    assert list_cameras() == ()  # this PyAV's FFmpeg was built for another system
    with pytest.raises(InputError, match="lacks DirectShow"):
        capture_devices.open_microphone("Desk")


LONG = "a-folder-for-temporary-files-of-which-the-name-is-rather-long"


@on_linux
def test_sockets_fit_below_a_long_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / LONG / LONG
    long.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = operating_system.socket_folder()
    assert len(folder) < 60
    assert os.access(folder, os.W_OK)
    requested = list[str | None]()
    monkeypatch.setattr(util, "get_temp_dir", lambda: requested.append(tempfile.tempdir))
    operating_system.keep_socket_paths_short()
    assert requested == [folder]
    assert tempfile.gettempdir() == str(long)
    monkeypatch.setattr("tempfile.tempdir", "/tmp")  # noqa: S108
    assert operating_system.socket_folder() == "/tmp"  # noqa: S108


START = """
import sys
from sentistream.operating_system import worker_context
if __name__ == "__main__":
    context = worker_context(["sentistream.types"])
    ours, theirs = context.Pipe()
    process = context.Process(target=theirs.__class__.send, args=(theirs, "hello"))
    process.start()
    print(ours.recv(), context.get_start_method())
    process.join()
"""


def test_worker_starts_below_a_long_temporary_folder(tmp_path: Path) -> None:
    long = tmp_path / LONG / LONG
    long.mkdir(parents=True)
    program = tmp_path / "start.py"
    program.write_text(START)
    before = time.monotonic()
    result = subprocess.run(  # noqa: S603
        [sys.executable, str(program)],
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    method = "forkserver" if sys.platform.startswith("linux") else "spawn"
    assert result.stdout.split() == ["hello", method]
    assert time.monotonic() - before < 60
    assert list(long.iterdir()) == []
