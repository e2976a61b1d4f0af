"""Clips analyzed in parallel: the same results, whatever happens to a clip or a process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from analyze_command import (
    altered,
    clip,
    rows_of,
    run,
    start,
    statuses,
    wait_for,
)
from full_disk import small_disk
from processes import children, is_running
from sentistream.cli import main
from sentistream.cli.batch import workers_for
from sentistream.cli.inputs import Clip
from sentistream.cli.progress import Clips, ClipsLines
from sentistream.cores import usable_cores
from synthetic_clips import clicks, flat, write_clip

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def without_times(folder: Path) -> dict[str, Any]:
    """The content of every file, without clock times."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name == "summary.json":
            facts = json.loads(path.read_text())
            assert facts.pop("created")
            assert facts.pop("speed")["seconds"] > 0
            found[name] = facts
        elif path.name == "summary.csv":
            found[name] = [
                {**row, "frames_per_second": "", "folder": Path(row["folder"]).name}
                for row in rows_of(path)
            ]
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def test_two_workers_write_the_same_as_one(tmp_path: Path, portrait: Any) -> None:
    folder = tmp_path / "in"
    clip(folder / "a.mp4", 3)
    face = [(index / 25, portrait[: 480 - index, :480]) for index in range(0, 20, 2)]
    write_clip(folder / "b.mp4", [(t, p[:460]) for t, p in face], clicks(0.8, 48_000))
    whole = clip(folder / "c.mkv", 4).read_bytes()
    (folder / "c.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "d.mp4").write_text("no video at all")
    clip(folder / "e.mp4", 0.3)
    for workers in ("1", "2"):
        out = tmp_path / workers
        code, _, stderr = run(folder, "--out", out, "--workers", workers, "--video")
        assert (code, stderr.count("Error: ")) == (2, 1), stderr
    one, two = without_times(tmp_path / "1"), without_times(tmp_path / "2")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
    assert one["b/summary.json"]["moments_with_face"] > 5
    assert statuses(tmp_path / "2" / "summary.csv") == [
        ("a.mp4", "complete"),
        ("b.mp4", "complete"),
        ("c.mkv", "complete"),
        ("d.mp4", "failed"),
        ("e.mp4", "complete"),
    ]


def test_json_prints_one_line_for_each_clip(tmp_path: Path) -> None:
    for name in "abc":
        clip(tmp_path / "in" / f"{name}.mp4")
    arguments = (tmp_path / "in", "--out", tmp_path / "out", "--workers", "2")
    code, stdout, stderr = run(*arguments, "--json")
    assert (code, stderr) == (0, "")
    printed = {facts["input"]["name"]: facts for facts in map(json.loads, stdout.splitlines())}
    assert printed.keys() == {"a.mp4", "b.mp4", "c.mp4"}
    for name in "abc":
        written = json.loads((tmp_path / "out" / name / "summary.json").read_text())
        assert printed[f"{name}.mp4"] == written
    assert run(*arguments, "--quiet", "--force") == (0, "", "")


def test_internal_error_in_one_clip_does_not_end_others(tmp_path: Path) -> None:
    for name in "abc":
        clip(tmp_path / "in" / f"{name}.mp4")
    script = altered(
        tmp_path / "faulty.py",
        "def opens(source, **options):\n"
        "    if Path(source).name == 'b.mp4':\n"
        "        raise ZeroDivisionError('of this test')\n"
        "    return real(source, **options)\n",
    )
    arguments = (tmp_path / "in", "--out", tmp_path / "out", "--workers", "2")
    code, _, stderr = run(*arguments, script=script)
    assert code == 1, stderr
    assert "b.mp4: Something went wrong inside sentistream (ZeroDivisionError" in stderr
    assert "1 of 3 inputs could not be analyzed." in stderr
    assert [status for _, status in statuses(tmp_path / "out" / "summary.csv")] == [
        "complete",
        "failed",
        "complete",
    ]


DEADLY = """
def opens(source, **options):
    opened = real(source, **options)
    marker = Path(source).with_suffix('.tried')
    if Path(source).name == 'deadly.mp4' or (
        Path(source).name == 'once.mp4' and not marker.exists()
    ):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return opened
"""


def test_killed_worker_is_replaced_and_its_clip_retried_once(tmp_path: Path) -> None:
    for name in ("a", "deadly", "once", "z"):
        clip(tmp_path / "in" / f"{name}.mp4")
    out = tmp_path / "out"
    script = altered(tmp_path / "killed.py", DEADLY)
    code, stdout, stderr = run(tmp_path / "in", "--out", out, "--workers", "2", script=script)
    assert code == 2, stderr
    assert stderr.count("was ended by the signal SIGKILL; it is tried once more") == 2
    assert stderr.count("deadly.mp4: The process that analyzed it was ended by the signal") == 1
    assert "1 of 4 inputs could not be analyzed." in stderr
    assert stdout.count("no face") == 3
    assert statuses(out / "summary.csv") == [
        ("a.mp4", "complete"),
        ("deadly.mp4", "failed"),
        ("once.mp4", "complete"),
        ("z.mp4", "complete"),
    ]
    assert "SIGKILL twice. See whether memory ran out" in rows_of(out / "summary.csv")[1]["problem"]


@linux
def test_worker_killed_midway_leaves_no_reserve_and_loses_nothing(tmp_path: Path) -> None:
    for name in "ab":
        clip(tmp_path / "in" / f"{name}.mp4", 20)
    out = tmp_path / "out"
    process = start(tmp_path / "in", "--out", out, "--workers", "2")
    table = out / "a" / "readings.csv"
    wait_for(lambda: table.exists() and table.stat().st_size > 1000, process)
    (victim,) = [pid for pid in children(process.pid) if holds_open(pid, table)]
    os.kill(victim, signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=240)
    assert (process.returncode, stderr.count("tried once more")) == (0, 1), stderr
    assert stdout.count("no face") == 2
    facts = json.loads((out / "a" / "summary.json").read_text())
    assert facts["complete"] is True
    assert facts["moments"] == len(rows_of(table)) > 19 / 0.03
    assert not list(out.rglob(".sentistream-reserve"))


def holds_open(pid: int, path: Path) -> bool:
    try:
        return any(link.resolve() == path for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def test_workers_that_cannot_start_are_reported_once(tmp_path: Path) -> None:
    for name in "abcde":
        clip(tmp_path / "in" / f"{name}.mp4")
    script = altered(
        tmp_path / "broken.py", "opens = real\nif __name__ != '__main__':\n    os._exit(3)\n"
    )
    code, stdout, stderr = run(
        tmp_path / "in", "--out", tmp_path / "out", "--workers", "2", script=script
    )
    assert (code, stdout) == (2, ""), stderr
    assert "Worker processes ended unexpectedly with code 3 before they could begin." in stderr
    assert "--workers 1" in stderr


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to interrupt its analysis; of few pictures, as they take a while to write."""
    pictures = [(index / 5, flat(60, 160, 120)) for index in range(150 * 5)]
    path = tmp_path_factory.mktemp("long") / "clip.mp4"
    return write_clip(path, pictures, clicks(150, 16_000), sound_rate=16_000)


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_interrupted_run_closes_the_files_of_all_workers(
    number: signal.Signals, long_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        shutil.copy(long_clip, tmp_path / "in" / f"{name}.mp4")
    out = tmp_path / "out"
    process = start(tmp_path / "in", "--out", out, "--workers", "2", "--video")
    tables = [out / name / "readings.csv" for name in "ab"]
    wait_for(lambda: all(t.exists() and t.stat().st_size > 1000 for t in tables), process)
    started = children(process.pid)
    assert len(started) >= 2
    os.killpg(process.pid, number)  # as a terminal does: to the whole group
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (128 + number, "")
    assert stderr == "Stopped. What was analyzed until then is saved.\n"
    for name in "ab":
        facts = json.loads((out / name / "summary.json").read_text())
        assert facts["complete"] is False
        table = pq.read_table(out / name / "readings.parquet")
        rows = rows_of(out / name / "readings.csv")
        assert 0 < facts["moments"] == len(rows) == table.num_rows < 4900
        assert (out / name / "annotated.mp4").stat().st_size > 0
    assert not (out / "c").exists()
    assert statuses(out / "summary.csv") == [("a.mp4", "interrupted"), ("b.mp4", "interrupted")]
    wait_for(lambda: not any(map(is_running, started)))


@linux
@pytest.mark.parametrize("how", ["second Ctrl-C", "killed"])
def test_hanging_process_is_not_left_behind(how: str, tmp_path: Path) -> None:
    for name in "ab":
        clip(tmp_path / "in" / f"{name}.mp4")
    script = altered(
        tmp_path / "hangs.py",
        "def opens(source, **options):\n"
        "    Path(source).with_suffix('.opened').touch()\n"
        "    time.sleep(600)\n",
    )
    process = start(tmp_path / "in", "--out", tmp_path / "out", "--workers", "2", script=script)
    wait_for(lambda: len(list((tmp_path / "in").glob("*.opened"))) == 2, process)
    started = children(process.pid)
    if how == "killed":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if how == "killed" else 130)
    assert ("Stopped at once" in stderr) == (how != "killed")
    wait_for(lambda: not any(map(is_running, started)))


def test_full_disk_ends_all_workers_and_lists_untried_clips(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200k") as disk:
        clips = [clip(tmp_path / f"{name}.mp4") for name in "abcdef"]
        code, stdout, stderr = run(*clips, "--out", disk / "out", "--workers", "2")
        assert (code, stdout) == (2, ""), stderr
        assert stderr.count("Error: ") == stderr.count("The disk is full") == 1
        assert "Not tried, as the disk takes no more: " in stderr
        rows = rows_of(disk / "out" / "summary.csv")
        assert 1 <= len(rows) <= 3
        assert {row["status"] for row in rows} <= {"failed", "interrupted"}
        for found in (disk / "out").glob("*/summary.json"):
            assert json.loads(found.read_text())["complete"] is False


def test_single_clip_and_live_sources_need_no_workers(tmp_path: Path) -> None:
    files = [
        Clip(clip(tmp_path / f"{name}.mp4"), Path(name))
        for name in "abcdefghi"[: usable_cores() + 1]
    ]
    assert workers_for(files[:1], None) == workers_for(files[:1], 8) == 1
    assert workers_for(files, None) == usable_cores()
    assert workers_for(files, 100) == len(files)
    assert workers_for(files, 1) == 1
    assert workers_for([*files, Clip(0, Path("camera-0"))], 4) == 1
    assert workers_for([*files, Clip("rtsp://shop/live", Path("shop"))], 4) == 1
    assert CliRunner().invoke(main, ["analyze", "x.mp4", "--workers", "0"]).exit_code == 2


def test_progress_shows_finished_and_running_clips(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = Clips(6)
    for number, name in enumerate("abcde"):
        clips.start(number, f"{name}.mp4", 10.0 if number else None)
    clips.reach(1, 5.0)
    clips.reach(2, 12.0)
    assert clips.running == "a.mp4, b.mp4 50%, c.mp4 100% and 2 more"
    assert clips.amount == 1.5
    clips.end(0)
    clips.end(1, done=False)
    assert (clips.done, clips.amount) == (1, 2.0)
    lines = ClipsLines(6)
    lines.start(0, "a.mp4", 8.0)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sentistream.cli.progress.LINE_INTERVAL", 0.0)
    lines.reach(0, 2.0)
    assert capsys.readouterr().err == "0 of 6 clips are done; running: a.mp4 25%\n"
