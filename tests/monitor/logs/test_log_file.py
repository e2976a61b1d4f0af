"""The log file: rotated, private, and harmless when the disk is full."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from sentistream.monitor.logs.log_formats import TextFormat
from sentistream.monitor.logs.log_redaction import LogRedactor
from sentistream.monitor.logs.logging_setup import LogFile


def logger_to(file: LogFile) -> logging.Logger:
    file.setFormatter(TextFormat(LogRedactor()))
    logger = logging.Logger("test")
    logger.addHandler(file)
    return logger


def test_log_is_rotated_by_size_and_kept_private(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", max_bytes=2000, kept=2)
    logger = logger_to(file)
    for number in range(200):
        logger.info("line %d", number)
    file.close()
    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["log", "log.1", "log.2"]
    assert all(each.stat().st_size <= 2000 for each in files)
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)
    assert "line 199" in files[0].read_text()


def test_no_rotated_file_is_kept_with_kept_0(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", max_bytes=2000, kept=0)
    logger = logger_to(file)
    for number in range(200):
        logger.info("line %d", number)
    file.close()
    (only,) = tmp_path.iterdir()
    assert only.stat().st_size <= 2000
    assert "line 199" in only.read_text()


def test_concurrent_threads_lose_nothing(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", max_bytes=20_000, kept=20)
    logger = logger_to(file)

    def write(name: int) -> None:
        for number in range(200):
            logger.info("%d-%d", name, number)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    assert sum(len(each.read_text().splitlines()) for each in tmp_path.iterdir()) == 800


def test_deleted_folder_is_survived(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    file = LogFile(folder / "log", max_bytes=500, kept=1)
    logger = logger_to(file)
    folder.rename(tmp_path / "gone")
    for number in range(100):
        logger.info("line %d", number)
    assert file.lost > 0
    assert capsys.readouterr().err.count("cannot be written") == 1
    folder.mkdir()
    logger.info("back")
    file.close()
    assert "lines of the log could not be written" in (folder / "log").read_text()


FULL = """
    import logging, sys
    from pathlib import Path
    from sentistream.monitor.logs import configure_logging
    from sentistream.monitor.settings import LoggingSettings

    folder = Path(sys.argv[1])
    configure_logging(LoggingSettings(file=folder / "log", megabytes=1, kept=2))
    log = logging.getLogger("test")
    filler = folder / "filler"
    try:
        with filler.open("wb") as file:
            while True:
                file.write(bytes(65536))
                file.flush()
    except OSError as error:
        assert error.errno == 28, error
    for number in range(5000):
        log.info("line %d %s", number, "x" * 200)
    filler.unlink()
    for number in range(10):
        log.info("after %d", number)
    logging.shutdown()
    text = (folder / "log").read_text()
    assert "after 9" in text
    assert "lines of the log could not be written" in text
    print("alive")
"""


def test_full_disk_does_not_stop_the_program(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    script = f'mount -t tmpfs -o size=1m none {tmp_path} && exec $0 -c "$1" {tmp_path}'
    ran = subprocess.run(  # noqa: S603
        ["unshare", "-m", "sh", "-c", script, sys.executable, textwrap.dedent(FULL)],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip("needs a mount namespace")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "alive"
    assert "Traceback" not in ran.stderr
    assert "No space left on device" in ran.stderr


def test_failing_writes_are_survived(tmp_path: Path) -> None:
    """The same without root: a device that is always full."""
    file = LogFile(tmp_path / "log", max_bytes=10_000, kept=1)
    logger = logger_to(file)
    file.baseFilename = "/dev/full"
    file.close()  # it is reopened for the next line
    for number in range(50):
        logger.info("line %d", number)
    assert file.lost == 50
    file.close()
