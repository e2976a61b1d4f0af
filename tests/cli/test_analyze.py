"""``sentistream analyze`` end to end: arguments, outputs, and every error."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import sentistream
from full_disk import small_disk
from sentistream import api
from sentistream.cli import main
from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.media.resample import resample
from sentistream.reports.formats import FORMATS
from sentistream.runtime.model_store import models_folder
from sentistream.types import Box, UInt8Array
from synthetic_clips import clicks, flat, write_clip

FILES = {"readings.csv", "readings.parquet", "summary.json", "report.html"}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, arguments)])


def clip(path: Path, seconds: float = 1.0, sound: bool = True) -> Path:
    """A grey video without a face."""
    pictures = [(index / 25, flat(60, 160, 120)) for index in range(round(seconds * 25))]
    return write_clip(path, pictures, clicks(seconds, 48_000) if sound else None)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_file_writes_its_results_into_out(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4")
    result = run(source, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    facts = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert facts["overall"]["label"] == "no_face"
    assert facts["complete"] is True
    assert facts["input"]["name"] == "in.mp4"
    assert facts["moments"] == len(rows_of(tmp_path / "out" / "readings.csv")) > 25
    assert [model["name"] for model in facts["models"]] == [
        "lite/mouth",
        "lite/face",
        "lite/fusion",
        "lite/voice",
        "lite/voice-spectrum",
        "lite/detector",
        "lite/landmarks",
    ]
    assert "report.html" in result.stdout


def test_json_prints_only_the_summary(tmp_path: Path) -> None:
    result = run(clip(tmp_path / "in.mp4"), "--out", tmp_path / "out", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    assert run(clip(tmp_path / "in.mp4"), "--out", tmp_path / "out", "--quiet").output == ""


@pytest.mark.usefixtures("without_pyarrow")
def test_missing_pyarrow_writes_csv_and_is_reported_once(tmp_path: Path) -> None:
    clips = [clip(tmp_path / name, 0.2) for name in ("a.mp4", "b.mp4")]
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "readings.parquet").write_text("of an earlier run")
    arguments: list[str | Path] = [*clips, "--out", tmp_path / "out", "--force", "--workers", "1"]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    for name in ("a", "b"):
        written = {path.name for path in (tmp_path / "out" / name).iterdir()}
        assert written == FILES - {"readings.parquet"}
        assert rows_of(tmp_path / "out" / name / "readings.csv")
        assert "parquet" not in (tmp_path / "out" / name / "report.html").read_text("utf-8")
    assert result.output.count("pip install 'sentistream[parquet]'") == 1
    assert "parquet" not in run(*arguments, "--quiet").output
    assert "parquet" not in run(*arguments, "--json").output


def test_available_pyarrow_is_not_mentioned(tmp_path: Path) -> None:
    assert "parquet" not in run(clip(tmp_path / "in.mp4", 0.2), "--out", tmp_path / "out").output
    assert "readings.parquet" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_default_output_folder_is_named_after_the_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(clip(tmp_path / "door.mp4")).exit_code == 0
    assert (tmp_path / "sentiment" / "door" / "report.html").exists()


def test_earlier_results_are_kept_unless_forced(tmp_path: Path) -> None:
    source, out = clip(tmp_path / "in.mp4"), tmp_path / "out"
    assert run(source, "--out", out, "--video").exit_code == 0
    (out / "mine.txt").write_text("stays")
    before = (out / "summary.json").read_bytes()
    again = run(source, "--out", out)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "--force" in again.stderr
    assert (out / "summary.json").read_bytes() == before
    assert run(source, "--out", out, "--force").exit_code == 0
    # no video of an earlier run beside the numbers of this one
    assert {path.name for path in out.iterdir()} == {*FILES, "mine.txt"}


def test_input_file_is_never_overwritten(tmp_path: Path) -> None:
    source = clip(tmp_path / "annotated.mp4")
    before = source.read_bytes()
    result = run(source, "--out", tmp_path, "--video", "--force")
    assert result.exit_code == 2
    assert source.read_bytes() == before


def test_bad_file_does_not_stop_the_batch(tmp_path: Path) -> None:
    folder = tmp_path / "in put"
    folder.mkdir()
    clip(folder / "a.mp4")
    (folder / "b.mp4").write_text("no video at all")
    clip(folder / "c.mp4", sound=False)
    result = run(folder, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.count("Error: ") == 1
    assert "b.mp4" in result.stderr
    rows = rows_of(tmp_path / "out" / "summary.csv")
    assert [row["status"] for row in rows] == ["complete", "failed", "complete"]
    assert "b.mp4" in rows[1]["problem"]
    assert (tmp_path / "out" / "c" / "report.html").exists()
    assert not (tmp_path / "out" / "b").exists()
    assert run(folder, "--out", tmp_path / "out").exit_code == 2


def test_seconds_option_stops_early(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 3)
    assert run(source, "--out", tmp_path / "out", "--seconds", "1").exit_code == 0
    facts = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert facts["seconds_analyzed"] == pytest.approx(1, abs=0.05)
    assert facts["complete"] is True


def text_file(folder: Path) -> Path:
    path = folder / "text.mp4"
    path.write_text("this is no video\n" * 50)
    return path


def truncated(folder: Path) -> Path:
    path = clip(folder / "cut.mp4")
    path.write_bytes(path.read_bytes()[:1500])
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.write_bytes(b"")
    return path


def sound_only(folder: Path) -> Path:
    return write_clip(folder / "sound.mp4", (), clicks(1.0, 48_000))


def one_picture(folder: Path) -> Path:
    path = folder / "one.png"
    Image.new("RGB", (64, 48)).save(path)
    return path


def huge(folder: Path) -> Path:
    path = folder / "huge.png"
    Image.new("L", (20_000, 20_000)).save(path)
    return path


@pytest.mark.parametrize(
    "make", [text_file, truncated, empty, sound_only, one_picture, huge], ids=lambda f: f.__name__
)
def test_bad_input_is_one_sentence_with_exit_code_2(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = make(tmp_path)
    result = run(path, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert path.name in result.stderr
    assert not (tmp_path / "out").exists()


def test_path_with_spaces_and_non_ascii_letters_is_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "день 1 日"
    folder.mkdir()
    source = clip(folder / "smörgås 店 'quoted'.mp4")
    result = run(source, "--out", folder / "aus gabe", "--video")
    assert result.exit_code == 0, result.output
    assert (folder / "aus gabe" / "annotated.mp4").stat().st_size > 0
    assert "smörgås 店" in (folder / "aus gabe" / "report.html").read_text()


@pytest.mark.parametrize("place", ["file/below", "/proc/sentistream", "/dev/full/out"])
def test_unwritable_folder_is_a_user_error(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(clip(tmp_path / "in.mp4"), "--out", tmp_path / place)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert "--out" in result.stderr


def test_full_disk_is_reported_and_leaves_valid_files(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4112k") as disk:
        # the reserve of 4 MB plus 16 kB: too little for a minute of readings
        source = clip(tmp_path / "in.mp4", 60)
        result = run(source, "--out", disk / "out")
        assert result.exit_code == 2, result.output
        assert "disk is full" in result.stderr
        held = [str(link.resolve()) for link in Path("/proc/self/fd").iterdir()]
        assert not [path for path in held if path.startswith(str(disk))]
        facts = json.loads((disk / "out" / "summary.json").read_text())
        rows = rows_of(disk / "out" / "readings.csv")
        assert facts["complete"] is False
        assert 0 < facts["moments"] <= len(rows) < 60 / 0.03 - 10
        assert pq.read_table(disk / "out" / "readings.parquet").num_rows > 0
        assert "stopped before the end" in (disk / "out" / "report.html").read_text()


def test_full_disk_ends_the_batch_and_lists_untried_clips(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "200k") as disk:
        clips = [clip(tmp_path / f"{name}.mp4") for name in "abc"]
        result = run(*clips, "--out", disk / "out", "--workers", "1")
        assert result.exit_code == 2, result.output
        assert "disk is full" in result.stderr
        assert "Not tried, as the disk takes no more: 2." in result.stderr
        (row,) = rows_of(disk / "out" / "summary.csv")
        assert row["status"] == "failed"
        assert "disk is full" in row["problem"]
        for found in (disk / "out").glob("*/summary.json"):
            assert json.loads(found.read_text())["complete"] is False


def test_list_of_clips_as_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.CSV").write_text("path;label\nin.mp4;neutral\n")
    alone = run(tmp_path / "list.CSV", "--out", tmp_path / "out")
    assert alone.exit_code == 2
    assert "list.CSV is a list, not a video." in alone.stderr
    assert "sentistream evaluate --manifest" in alone.stderr
    source = clip(tmp_path / "in.mp4")
    result = run(tmp_path / "list.CSV", source, "--out", tmp_path / "both")
    assert [row["status"] for row in rows_of(tmp_path / "both" / "summary.csv")] == [
        "failed",
        "complete",
    ], result.output


def test_one_unwritable_folder_does_not_end_the_batch(tmp_path: Path) -> None:
    clips = [clip(tmp_path / f"{name}.mp4") for name in "abc"]
    out = tmp_path / "out"
    out.mkdir()
    (out / "b").write_text("in the way")
    result = run(*clips, "--out", out)
    assert result.exit_code == 2, result.output
    assert f"{clips[1]}: Cannot write {out / 'b'}" in result.stderr
    assert "1 of 3 inputs could not be analyzed." in result.stderr
    assert [row["status"] for row in rows_of(out / "summary.csv")] == [
        "complete",
        "failed",
        "complete",
    ]
    assert json.loads((out / "c" / "summary.json").read_text())["complete"] is True


def test_file_size_limit_is_reported_for_each_file(tmp_path: Path) -> None:
    for name in "ab":
        clip(tmp_path / f"{name}.mp4")
    limited = (
        "import resource, sys; from sentistream.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); main(sys.argv[1:])"
    )
    out = tmp_path / "out"
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", limited, "analyze", str(tmp_path), "--out", str(out)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("file too large") == 2
    assert [row["status"] for row in rows_of(out / "summary.csv")][-1] == "failed"
    # no partial file passes for complete
    for found in out.glob("*/summary.json"):
        assert json.loads(found.read_text())["complete"] is False
    assert not list(out.rglob("*.partial*"))


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the networks that tests may damage."""
    folder = tmp_path / "models"
    shutil.copytree(models_folder(), folder)
    monkeypatch.setenv("SENTISTREAM_MODELS", str(folder))
    return folder


@pytest.mark.parametrize("harm", ["missing", "altered", "no card"])
def test_missing_or_altered_network_is_a_user_error(
    harm: str, own_models: Path, tmp_path: Path
) -> None:
    network = next((own_models / "lite").glob("mouth*.onnx"))
    if harm == "missing":
        network.unlink()
    elif harm == "altered":
        content = bytearray(network.read_bytes())
        content[len(content) // 2] ^= 1
        network.write_bytes(content)
    else:
        (own_models / "lite" / "mouth.json").unlink()
    folder = tmp_path / "in"
    folder.mkdir()
    clip(folder / "a.mp4")
    clip(folder / "b.mp4")
    result = run(folder, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    # it would affect every clip, so it is reported once
    assert result.stderr.count("\n") == 1
    assert "mouth" in result.stderr
    assert CliRunner().invoke(main, ["doctor"]).exit_code == 1


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "sentistream", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        # a shell's background jobs ignore Ctrl-C, and so would their children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_interrupted_run_closes_all_files(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    source, out = clip(tmp_path / "in.mp4", 60), tmp_path / "out"
    process = start("analyze", source, "--out", out, "--video")
    table = out / "readings.csv"
    deadline = time.monotonic() + 60
    while not (table.exists() and table.stat().st_size > 3000):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert (stdout, stderr) == ("", "Stopped. What was analyzed until then is saved.\n")
    facts = json.loads((out / "summary.json").read_text())
    assert facts["complete"] is False
    assert (
        facts["moments"] == len(rows_of(table)) == pq.read_table(out / "readings.parquet").num_rows
    )
    assert {path.name for path in out.iterdir()} == {*FILES, "annotated.mp4"}
    with sentistream.analyze(out / "annotated.mp4") as analysis:
        assert analysis.info.width == 160


def test_exit_codes_reach_the_shell(tmp_path: Path) -> None:
    process = start("analyze", text_file(tmp_path))
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert stderr.count("\n") == 1


def test_closed_pipe_prints_no_traceback(tmp_path: Path) -> None:
    process = start("analyze", clip(tmp_path / "in.mp4"), "--out", tmp_path / "out", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.wait(timeout=60)
    assert "Traceback" not in stderr
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["complete"] is True


def test_three_line_api_works(tmp_path: Path) -> None:
    readings = list(sentistream.analyze(clip(tmp_path / "in.mp4")))
    assert len(readings) > 25
    assert {reading.label for reading in readings} == {sentistream.Label.NO_FACE}
    assert [one.time for one in readings] == sorted(one.time for one in readings)


def test_analysis_can_be_left_early_and_its_analyzer_reused(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 4)
    threads = threading.active_count()
    with sentistream.analyze(source) as first:
        for moment, readings in first.moments():
            assert len(readings) == 1
            assert moment.picture.width == first.info.width == 160
            break
    assert list(first) == []
    first.close()
    assert threading.active_count() == threads
    with sentistream.analyze(source, analyzer=first.analyzer) as second:
        again = list(second)
    with sentistream.analyze(source) as fresh:
        assert again == list(fresh)


def test_real_person_is_read(real_data: Path, tmp_path: Path) -> None:
    source = next((real_data / "clips").glob("01-01-0[1-5]*.mp4"))
    result = run(source, "--out", tmp_path / "out", "--video")
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert facts["appearances"] == 1
    assert facts["moments_with_face"] > 0.95 * facts["moments"]
    shares = facts["overall"]["probabilities"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
    assert facts["overall"]["label"] == max(shares, key=shares.__getitem__)
    assert "data:image/jpeg" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "annotated.mp4").stat().st_size > 50_000


def crowd(path: Path, portrait: UInt8Array) -> Path:
    """A second of two faces, the left one smaller."""
    head = resample(portrait, Box(136, 10, 316, 220), 180, 210)
    scene = np.full((240, 480, 3), 90, np.uint8)
    scene[30:240, 270:450] = head
    small = resample(head, Box(0, 0, 180, 210), 108, 126)
    scene[80:206, 40:148] = small
    return write_clip(path, [(index / 25, scene) for index in range(25)])


def test_faces_beyond_the_limit_are_reported(tmp_path: Path, portrait: UInt8Array) -> None:
    source = crowd(tmp_path / "in.mp4", portrait)
    for limit, faces in ((1, 1), (2, 2)):
        out = tmp_path / str(limit)
        result = run(source, "--out", out, "--max-faces", str(limit))
        assert result.exit_code == 0, result.output
        assert ("--max-faces follows more" in result.output) == (limit == 1)
        facts = json.loads((out / "summary.json").read_text())
        assert facts["most_faces_at_once"] == facts["more_faces"]["limit"] == faces
        assert facts["settings"]["max_faces"] == limit
        flagged = ["more_faces" in row["flags"].split() for row in rows_of(out / "readings.csv")]
        assert any(flagged) == (limit == 1)
        assert facts["more_faces"]["moments"] == sum(flagged)
        assert facts["more_faces"]["most_left_out"] == 2 - limit
        assert ("At most one face" in (out / "report.html").read_text()) == (limit == 1)


def test_zero_faces_is_refused(tmp_path: Path) -> None:
    result = run(clip(tmp_path / "in.mp4"), "--max-faces", "0")
    assert result.exit_code == 2
    assert "--max-faces" in result.output
    with pytest.raises(ValueError, match="At least one"):
        sentistream.analyze(tmp_path / "in.mp4", max_faces=0)


def test_analyzer_with_another_face_limit_is_refused(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4")
    with sentistream.analyze(source, max_faces=3) as first:
        assert first.max_faces == 3
    with sentistream.analyze(source, analyzer=first.analyzer) as second:
        assert second.max_faces == 3
    with pytest.raises(ValueError, match="3 faces"):
        sentistream.analyze(source, max_faces=4, analyzer=first.analyzer)


def test_source_that_breaks_off_keeps_ctrl_c_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first clip breaks off midway; Ctrl-C arrives while the second is being opened."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        clip(folder / name)
    opened: list[Path] = []
    real = open_source

    def broken(self: api.Analysis) -> Any:
        yield from ()
        raise InputError("It stopped sending.", "Look at its cable.")

    def opens(source: Any, **options: Any) -> Any:
        opened.append(source)
        if len(opened) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)  # the signal ends it at once
            raise AssertionError("Ctrl-C was kept back")
        return real(source, **options)

    monkeypatch.setattr(api, "open_source", opens)
    monkeypatch.setattr(api.Analysis, "moments", broken)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = run(folder, "--out", tmp_path / "out", "--workers", "1")
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130, result.output
    assert "It stopped sending" in result.stderr
    assert len(opened) == 2


def test_second_ctrl_c_exits_at_once(tmp_path: Path) -> None:
    script = tmp_path / "hangs.py"
    script.write_text(
        "import sys, threading\n"
        "from sentistream.cli.interruption import Interruption\n"
        "with Interruption() as interruption:\n"
        "    interruption.hold()\n"
        "    print('ready', flush=True)\n"
        "    for line in sys.stdin:\n"
        "        pass\n"
    )
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "Stopped at once" in process.communicate()[1]


def test_error_in_one_clip_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        clip(folder / name)
    real = open_source

    def opens(source: Any, **options: Any) -> Any:
        if Path(source).name == "b.mp4":
            raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")
        return real(source, **options)

    monkeypatch.setattr(api, "open_source", opens)
    result = run(folder, "--out", tmp_path / "out", "--workers", "1")
    assert result.exit_code == 1, result.output
    assert "b.mp4: Something went wrong inside sentistream (UnicodeEncodeError" in result.stderr
    assert "1 of 3 inputs could not be analyzed." in result.stderr
    statuses = [row["status"] for row in rows_of(tmp_path / "out" / "summary.csv")]
    assert statuses == ["complete", "failed", "complete"]


def test_unprintable_file_names_do_not_abort(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    clip(folder / "z.mp4")
    for name in (b"m\xfcller.mp4", "m\u00fcller \U0001f600.mp4".encode(), b"a\nb.mp4"):
        shutil.copy(folder / "z.mp4", os.fsdecode(os.fsencode(folder) + b"/" + name))
    path = os.pathsep.join(filter(None, sys.path))
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "sentistream", "analyze", folder, "--out", tmp_path / "out"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    )
    assert result.returncode == 0, result.stderr
    assert b"Traceback" not in result.stderr
    rows = rows_of(tmp_path / "out" / "summary.csv")
    assert [row["status"] for row in rows] == ["complete"] * 4
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "sentistream", "analyze", os.fsencode(folder) + b"/n\xfc.mp4"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
    )
    assert (result.returncode, b"There is no file" in result.stderr) == (2, True)


def test_excel_option_writes_tables_that_excel_opens(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    clip(folder / "müller.mp4")
    result = run(folder, "--out", tmp_path / "out", "--excel")
    assert result.exit_code == 0, result.output
    for name in ("summary.csv", "müller/readings.csv"):
        content = (tmp_path / "out" / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\xef\xbb\xbf") == 1
    assert "müller" in (tmp_path / "out" / "summary.csv").read_text("utf-8-sig")


def test_workers_also_write_formats_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "ab":
        clip(tmp_path / "in" / f"{name}.mp4")
    format_options = [argument for name in FORMATS for argument in ("--format", name)]
    arguments = ["analyze", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--workers", "2"]
    result = CliRunner().invoke(main, [*arguments, *format_options])
    assert result.exit_code == 0, result.output
    for folder in (path for path in (tmp_path / "out").iterdir() if path.is_dir()):
        files = {path.name for path in folder.iterdir()}
        assert files == {*(one.file for one in FORMATS.values()), "report.html", "summary.json"}


def test_format_with_missing_package_is_refused_before_analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = clip(tmp_path / "a.mp4")
    arguments = ["analyze", str(path), "--out", str(tmp_path / "out"), "--format", "xlsx"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Writing readings.xlsx needs packages that are not installed." in result.stderr
    assert "pip install 'sentistream[formats]'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_pictures_are_omitted_or_embedded(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4")
    arguments = ["analyze", str(path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, [*arguments, "--no-images", "--report-video", "embed"])
    assert result.exit_code == 2
    assert "choose one" in result.stderr
