"""Archives on Ray: lists, accounts, tables and paths; the cluster has a test file of its own."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyze_command import clip
from sentistream.cli import main
from sentistream.cli.archive.clip_list import archive_clip, list_clips
from sentistream.cli.archive.ledger import COLUMNS as ACCOUNT_COLUMNS
from sentistream.cli.archive.ledger import Ledger, Status
from sentistream.cli.archive.storage import open_storage
from sentistream.cli.archive.tables import (
    FAULTS,
    FAULTS_COLUMNS,
    READINGS,
    SUMS,
    SUMS_COLUMNS,
    file_name,
    found_mark,
    publish_failure,
)
from sentistream.cli.archive.worker import ArchiveWorker, Settings
from sentistream.cli.clip_analysis import Options
from sentistream.errors import InputError
from sentistream.redaction import address_identity, shown_object

pytest.importorskip("fsspec")

OPTIONS = Options(
    profile="lite",
    max_faces=16,
    prior=None,
    video_track=None,
    audio_track=None,
    video=False,
    images=True,
    excel=False,
    quiet=False,
    json=False,
    seconds=None,
)


def settings(out: str | Path, *, skip: bool = False, **wanted: str) -> Settings:
    return Settings(options=OPTIONS, wanted=wanted, out=str(out), run="test", skip=skip)


def worker_folder() -> Path:
    return Path(tempfile.gettempdir()) / "sentistream-test"


def rows(path: Path) -> list[dict[str, object]]:
    import pyarrow.parquet as pq

    found: list[dict[str, object]] = pq.read_table(path, partitioning=None).to_pylist()
    return found


def test_ray_is_loaded_only_on_request() -> None:
    code = (
        "import sys, click.testing; from sentistream.cli import main\n"
        "click.testing.CliRunner().invoke(main, ['analyze', sys.argv[1]])\n"
        "assert 'sentistream.cli.batch' in sys.modules\n"
        "assert not {'ray', 'fsspec'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "none.mp4"], check=True)  # noqa: S603


@pytest.mark.parametrize("named", [["--ray", "none.mp4"], ["none.mp4", "--ray"]])
def test_input_after_the_ray_option_is_not_its_address(named: list[str]) -> None:
    result = CliRunner().invoke(main, ["analyze", *named])
    assert "There is no file or folder 'none.mp4'." in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ray=ftp:/x"], "is not local, auto or HOST:PORT"),
        (["--ray", "--video"], "--video, --excel and --format are not for --ray"),
        (["--retries", "3"], "--retries and --gpus are for --ray"),
        (["--gpus", "0.5"], "--retries and --gpus are for --ray"),
    ],
)
def test_conflicting_options_are_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["analyze", "a.mp4", *arguments])
    assert (result.exit_code, message in result.output) == (2, True)


def test_unreachable_cluster_is_reported_at_once(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    source = clip(tmp_path / "a.mp4", 0.1)
    result = CliRunner().invoke(
        main, ["analyze", str(source), "--out", str(tmp_path / "out"), "--ray", "127.0.0.1:1"]
    )
    assert result.exit_code == 2
    assert "The Ray cluster 127.0.0.1:1 cannot be reached" in result.output
    assert not (tmp_path / "out").exists()


def test_missing_ray_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "a.mp4", 0.1)
    monkeypatch.setitem(sys.modules, "ray", None)
    result = CliRunner().invoke(
        main, ["analyze", str(source), "--out", str(tmp_path / "out"), "--ray", "127.0.0.1:1"]
    )
    assert result.exit_code == 2
    assert "pip install 'sentistream[ray]'" in result.output


def test_existing_archive_is_not_mixed_with_another(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 0.1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "archive.json").touch()
    result = CliRunner().invoke(
        main, ["analyze", str(source), "--out", str(tmp_path / "out"), "--ray"]
    )
    assert result.exit_code == 2
    assert "already holds an archive. Go on with it with --resume" in result.output


def test_lists_contain_paths_and_urls(tmp_path: Path) -> None:
    first, second = (clip(tmp_path / "in" / name, 0.1) for name in ("a.mp4", "b.mp4"))
    listed = tmp_path / "list.csv"
    listed.write_text(
        "\ufeffPath;note;id\nin/a.mp4;x;\n\ns3://b/k.mp4;;7\nhttps://u:p@h/c.mp4?sig=1&n=2;;\n",
        "utf-8",
    )
    found = list(list_clips([str(tmp_path / "in"), str(listed)]))
    assert [each.address for each in found] == [
        str(first),
        str(second),
        str(first),
        "s3://b/k.mp4",
        "https://u:p@h/c.mp4?sig=1&n=2",
    ]
    assert found[0].clip_id == found[2].clip_id
    assert found[3] == archive_clip("s3://b/k.mp4", "7") != archive_clip("s3://b/k.mp4")
    assert found[4].shown == "https://***@h/c.mp4"
    # another login and signature, the same clip
    assert archive_clip("https://v:q@h/c.mp4?sig=9&n=2").clip_id == found[4].clip_id
    assert archive_clip("https://v:q@h/c.mp4?sig=9&n=3").clip_id != found[4].clip_id


def test_list_is_read_lazily(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_bytes(b"path\n" + b"a.mp4\n" * 10_000 + b"\xff\n")  # the end is unreadable
    clips = list_clips([str(listed)])
    assert next(clips).address == str(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="is not UTF-8"):
        list(clips)


@pytest.mark.parametrize(
    ("text", "message"), [("name\nx", "no column path"), ("", "no column path")]
)
def test_list_without_paths_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        list(list_clips([str(tmp_path / "list.csv")]))


@pytest.mark.parametrize(
    ("address", "shown", "identity"),
    [
        ("s3://b/day=2/Ab3dEf6hIj9kLm.mp4", None, None),
        ("s3://key:s3cret@b/a.mp4", "s3://***@b/a.mp4", "s3://b/a.mp4"),
        (
            "https://h/a.mp4?X-Amz-Signature=abcdef&part=1",
            "https://h/a.mp4",
            "https://h/a.mp4?X-Amz-Signature=***&part=1",
        ),
        ("az://box@account/a.mp4", None, None),
    ],
)
def test_addresses_are_displayed_and_identified_without_secrets(
    address: str, shown: str | None, identity: str | None
) -> None:
    assert shown_object(address) == (shown or address)
    assert address_identity(address) == (identity or address)


def test_account_lists_every_clip_once(tmp_path: Path) -> None:
    named = [archive_clip(f"/in/{name}.mp4") for name in "abcda"]
    clips = iter(named)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.add(clips, 3)
        assert not ledger.add(clips, 3)
        started = [ledger.begin() for _ in range(3)]
        numbers = [task.number for task in started if task is not None]
        ledger.end(numbers[0], Status.DONE, seconds=1.5)
        assert ledger.fail(numbers[1], "=Killed.", retries=1)
        again = [ledger.begin(), ledger.begin()]
        # failed clips come after those never started
        assert [task.clip for task in again if task] == [named[3], named[1]]
        assert again[1] is not None
        assert not ledger.fail(again[1].number, "=Killed.", retries=1)
        assert ledger.begin() is None
        ledger.put_back()
        assert ledger.counts == {Status.DONE: 1, Status.FAILED: 1, Status.NOT_STARTED: 2}
        ledger.write(tmp_path / "account.csv")
    with (tmp_path / "account.csv").open(newline="") as file:
        account = [(r["clip"], r["status"], r["tries"], r["reason"]) for r in csv.DictReader(file)]
    assert account == [
        ("/in/a.mp4", "done", "1", ""),
        ("/in/b.mp4", "failed", "2", "./=Killed."),
        ("/in/c.mp4", "not started", "0", ""),
        ("/in/d.mp4", "not started", "0", ""),
    ]


def test_worker_writes_a_clip_once_and_recognizes_it_later(tmp_path: Path) -> None:
    source = archive_clip(str(clip(tmp_path / "a.mp4", 0.4)))
    out = tmp_path / "out"
    worker = ArchiveWorker(settings(out))
    outcome = worker.analyze(source)
    assert (outcome.failure, outcome.earlier) == (None, False)
    assert outcome.seconds == pytest.approx(0.4, abs=0.1)
    sums = rows(out / file_name(SUMS, source.clip_id))
    readings = rows(out / file_name(READINGS, source.clip_id))
    assert [(row["clip"], row["track"], row["label"]) for row in sums] == [
        (source.shown, None, "no_face")
    ]
    assert len(readings) == sums[0]["moments"]
    assert float(str(sums[0]["core_seconds"])) > 0
    assert {row["clip_id"] for row in readings} == {source.clip_id}
    assert not (out / FAULTS).exists()
    worker.close()

    same = ArchiveWorker(settings(out, skip=True))
    assert same.analyze(source).earlier
    same.close()
    # changed options, a changed file or a missing part: analyzed again, and stored once
    last = ArchiveWorker(settings(out, skip=True, other="x"))
    assert not last.analyze(source).earlier
    (out / file_name(READINGS, source.clip_id)).unlink()
    assert not last.analyze(source).earlier
    clip(tmp_path / "a.mp4", 0.6)
    assert not last.analyze(source).earlier
    assert last.analyze(source).earlier
    assert len(list(out.rglob("*.parquet"))) == 2
    last.close()
    assert not worker_folder().exists()


def test_failures_are_reported_and_leave_no_partial_data(tmp_path: Path) -> None:
    source = archive_clip(str(clip(tmp_path / "a.mp4", 0.4)))
    out = tmp_path / "out"
    worker = ArchiveWorker(settings(out))
    assert worker.analyze(source).failure is None
    storage = open_storage(str(out))
    assert found_mark(storage, source.clip_id)
    publish_failure(storage, source.clip_id, source.shown, "Killed.")
    assert [path.parent.parent.name for path in out.rglob("*.parquet")] == [FAULTS]
    (row,) = rows(out / file_name(FAULTS, source.clip_id))
    assert (row["kind"], row["message"]) == ("failed", "Killed.")
    # once analyzed, its failure is removed
    assert worker.analyze(source).failure is None
    assert not (out / file_name(FAULTS, source.clip_id)).exists()

    gone = worker.analyze(archive_clip(str(tmp_path / "none.mp4")))
    assert gone.failure is not None
    assert (gone.failure.problem, gone.again) == ("There is no such file.", False)
    unreachable = worker.analyze(archive_clip("http://user:s3cret@127.0.0.1:1/a.mp4"))
    assert unreachable.failure is not None
    assert unreachable.again
    assert "s3cret" not in unreachable.failure.message
    worker.close()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set of two clips called ``answers``."""
    folder = tmp_path_factory.mktemp("archive")
    worker = ArchiveWorker(settings(folder / "answers"))
    for name in ("a.mp4", "b.mp4"):
        source = archive_clip(str(clip(folder / name, 0.2)))
        assert worker.analyze(source).failure is None
    worker.close()
    return folder


PAGE = (Path(__file__).parents[2] / "docs" / "archives.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(import (\w+)\n.*?)```", PAGE, re.DOTALL)


def test_page_has_an_example_for_each_reader() -> None:
    assert [module for _, module in EXAMPLES] == ["duckdb", "pandas", "polars", "duckdb"]


@pytest.mark.parametrize(("code", "module"), EXAMPLES)
def test_examples_of_the_page_read_the_tables(
    answers: Path, code: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(module)
    monkeypatch.chdir(answers)
    exec(compile(code, "archives.md", "exec"), {})  # noqa: S102 - of our page


def test_all_readers_see_the_same_rows(answers: Path) -> None:
    duckdb, pandas, polars = map(pytest.importorskip, ("duckdb", "pandas", "polars"))
    sums, readings = answers / "answers" / "sums", answers / "answers" / "readings"
    query = f"select clip_id, moments from read_parquet('{sums}/*/*.parquet') order by all"  # noqa: S608
    expected = duckdb.sql(query).fetchall()
    assert len(expected) == 2
    counted = pandas.read_parquet(readings).groupby("clip_id").size()
    assert sorted(counted.items()) == expected
    lazy = polars.scan_parquet(f"{readings}/*/*.parquet").group_by("clip_id").len()
    assert sorted(lazy.collect().rows()) == expected


def test_every_column_is_documented() -> None:
    for name, _ in (*SUMS_COLUMNS, *FAULTS_COLUMNS):
        assert f"`{name}`" in PAGE, name
    for name in ACCOUNT_COLUMNS:
        assert f"`{name}`" in PAGE, name
