"""``--resume``: complete clips are skipped, all others analyzed again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyze_command import clip, rows_of, statuses
from sentistream.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, arguments), "--workers", "1"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three clips, analyzed into ``out`` beside them."""
    for name in "abc":
        clip(tmp_path / "in" / f"{name}.mp4", 0.3)
    assert run(tmp_path / "in", "--out", tmp_path / "out").exit_code == 0
    return tmp_path / "in"


def times(out: Path) -> dict[str, int]:
    """When each clip's summary was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("*/summary.json")}


def analyzed_again(folder: Path, *arguments: str) -> tuple[set[str], Result]:
    """Which clips a resumed run analyzes."""
    out = folder.with_name("out")
    before = times(out)
    result = run(folder, "--out", out, "--resume", *arguments)
    after = times(out)
    return {name for name in after if after[name] != before.get(name)}, result


def test_complete_clips_are_skipped_and_keep_their_row(folder: Path) -> None:
    index = folder.with_name("out") / "summary.csv"
    before = index.read_bytes()
    again, result = analyzed_again(folder)
    assert (again, result.exit_code) == (set(), 0)
    assert result.stdout.startswith("Skipped, as their results are complete: 3.\n")
    assert index.read_bytes() == before


def test_new_failed_and_incomplete_clips_are_analyzed(folder: Path) -> None:
    out = folder.with_name("out")
    cut = out / "b" / "summary.json"
    cut.write_text(json.dumps({**json.loads(cut.read_text()), "complete": False}))
    (out / "c" / "summary.json").unlink()  # as after kill -9
    (out / "c" / "readings.partial.parquet").touch()
    clip(folder / "d.mp4", 0.3)
    (folder / "aa.mp4").write_text("no video")
    again, result = analyzed_again(folder)
    assert again == {"b", "c", "d"}
    assert result.exit_code == 2
    assert "complete: 1.\nAnalyzed again, as they were not complete: 2." in result.stdout
    assert not (out / "c" / "readings.partial.parquet").exists()
    assert statuses(out / "summary.csv") == [
        ("a.mp4", "complete"),
        ("aa.mp4", "failed"),
        ("b.mp4", "complete"),
        ("c.mp4", "complete"),
        ("d.mp4", "complete"),
    ]
    clip(folder / "aa.mp4", 0.3)
    again, result = analyzed_again(folder)
    assert (again, result.exit_code) == ({"aa"}, 0)
    assert {status for _, status in statuses(out / "summary.csv")} == {"complete"}


@pytest.mark.parametrize("missing", ["readings.csv", "report.html"])
def test_results_with_a_missing_file_are_incomplete(folder: Path, missing: str) -> None:
    (folder.with_name("out") / "a" / missing).unlink()
    assert analyzed_again(folder)[0] == {"a"}


def test_changed_file_is_analyzed_again(folder: Path) -> None:
    os.utime(folder / "a.mp4", (1_700_000_000, 1_700_000_000))
    clip(folder / "b.mp4", 0.5)
    again, result = analyzed_again(folder)
    assert again == {"a", "b"}
    assert "Analyzed again, as the file has changed: 2." in result.stdout
    assert analyzed_again(folder)[0] == set()


@pytest.mark.parametrize(
    "options", [["--prior", "everyday"], ["--no-images"], ["--seconds", "0.1"], ["--video"]]
)
def test_changed_options_require_a_new_analysis(folder: Path, options: list[str]) -> None:
    again, result = analyzed_again(folder, *options)
    assert again == {"a", "b", "c"}, result.output
    assert "Analyzed again, as options or networks were others: 3." in result.stdout
    assert analyzed_again(folder, *options)[0] == set()


def test_rows_of_other_clips_are_kept(folder: Path) -> None:
    out = folder.with_name("out")
    before = rows_of(out / "summary.csv")
    clip(folder.with_name("more") / "z.mp4", 0.3)
    result = run(folder.with_name("more"), "--out", out, "--resume")
    assert result.exit_code == 0, result.output
    rows = rows_of(out / "summary.csv")
    assert [Path(row["clip"]).name for row in rows] == ["z.mp4", "a.mp4", "b.mp4", "c.mp4"]
    assert rows[1:] == before
    # in another number format the values are the same
    result = run(folder.with_name("more"), "--out", out, "--resume", "--excel")
    assert result.exit_code == 0, result.output
    assert rows_of(out / "summary.csv")[1:] == before


def test_single_clip_is_resumed_too(tmp_path: Path) -> None:
    source, out = clip(tmp_path / "in.mp4", 0.3), tmp_path / "out"
    assert run(source, "--out", out, "--resume").exit_code == 0
    before = (out / "summary.json").read_bytes()
    assert run(source, "--out", out, "--resume").exit_code == 0
    assert (out / "summary.json").read_bytes() == before


def test_resume_and_force_exclude_each_other(folder: Path) -> None:
    result = run(folder, "--out", folder.with_name("out"), "--resume", "--force")
    assert result.exit_code == 2
    assert "choose one" in result.stderr


def test_table_of_another_kind_is_not_replaced(folder: Path) -> None:
    index = folder.with_name("out") / "summary.csv"
    index.write_text("name,value\nx,1\n")
    result = run(folder, "--out", index.parent, "--resume")
    assert result.exit_code == 2
    assert "is no table of clips" in result.stderr
    assert index.read_text() == "name,value\nx,1\n"


def test_missing_format_is_added_and_extra_one_kept(folder: Path) -> None:
    out = folder.with_name("out")
    again, result = analyzed_again(folder, "--format", "srt", "--format", "eaf")
    assert (again, result.exit_code) == ({"a", "b", "c"}, 0)
    assert "Analyzed again, as there was no readings.eaf, readings.srt: 3.\n" in result.stdout
    assert all((path / "readings.eaf").exists() for path in out.iterdir() if path.is_dir())
    assert analyzed_again(folder, "--format", "eaf", "--format", "srt")[0] == set()
    assert analyzed_again(folder, "--format", "srt")[0] == set()
    assert analyzed_again(folder)[0] == set()
    (out / "b" / "readings.srt").unlink()
    assert analyzed_again(folder, "--format", "eaf")[0] == set()
    assert analyzed_again(folder, "--format", "srt")[0] == {"b"}


def test_results_of_versions_without_formats_still_count(folder: Path) -> None:
    for path in folder.with_name("out").glob("*/summary.json"):
        facts = json.loads(path.read_text())
        del facts["settings"]["formats"], facts["settings"]["report_video"]
        path.write_text(json.dumps(facts))
    assert analyzed_again(folder)[0] == set()
