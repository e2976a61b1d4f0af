"""Downloads are complete, survive broken connections, or fail with the reason."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from faulty_web_server import Misbehaviour, WebServer
from synthetic_datasets import tone, write_sound

from sentistream.cli import main
from sentistream.datasets.download import Downloader, RemoteFile, refuse_full_disk
from sentistream.errors import DataError, OutputError

CONTENT = np.random.default_rng(1).integers(0, 256, 1_000_000).astype(np.uint8).tobytes()
MD5 = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/big": CONTENT}) as running:
        yield running


class DownloadHarness:
    def __init__(self, server: WebServer, retries: int = 4) -> None:
        self.pauses: list[float] = []
        self.sizes: list[int] = []
        self.downloader = Downloader(
            server.url, retries=retries, timeout=5, sleep=self.pauses.append
        )
        self.file = RemoteFile(url=f"{server.url}/big", name="a/big", size=len(CONTENT), digest=MD5)

    def __call__(self, folder: Path) -> bytes:
        return self.downloader.fetch(self.file, folder, self.sizes.append).read_bytes()


def test_file_is_downloaded_once(server: WebServer, tmp_path: Path) -> None:
    fetch = DownloadHarness(server)
    assert fetch(tmp_path) == CONTENT
    assert fetch(tmp_path) == CONTENT
    assert server.requests == [("/big", "")]
    assert fetch.sizes[-1] == len(CONTENT)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["big"]


def test_broken_connection_resumes_where_it_broke(server: WebServer, tmp_path: Path) -> None:
    server.how = Misbehaviour(breaks_after=300_000, breaks=3)
    fetch = DownloadHarness(server)
    assert fetch(tmp_path) == CONTENT
    starts = [int(requested.strip("bytes=-") or 0) for _, requested in server.requests]
    assert starts == [0, 300_000, 600_000, 900_000]
    assert fetch.pauses == [1, 1, 1]  # each attempt received something: pauses do not grow


def test_later_run_resumes_an_interrupted_download(server: WebServer, tmp_path: Path) -> None:
    server.how = Misbehaviour(breaks_after=400_000, breaks=1)
    with pytest.raises(DataError, match="broke off after 400,000 of 1,000,000"):
        DownloadHarness(server, retries=0)(tmp_path)
    assert DownloadHarness(server)(tmp_path) == CONTENT
    assert server.requests[-1] == ("/big", "bytes=400000-")


def test_server_without_ranges_restarts_the_download(server: WebServer, tmp_path: Path) -> None:
    server.how = Misbehaviour(ranges=False, breaks_after=300_000, breaks=1)
    assert DownloadHarness(server)(tmp_path) == CONTENT
    assert server.requests[-1][1] == "bytes=300000-"


def test_busy_server_is_retried_with_growing_pauses(server: WebServer, tmp_path: Path) -> None:
    server.how = Misbehaviour(refusals=3)
    fetch = DownloadHarness(server)
    assert fetch(tmp_path) == CONTENT
    assert fetch.pauses == [1, 2, 4]
    server.how = Misbehaviour(refusals=9)
    with pytest.raises(DataError, match="the server says 503"):
        DownloadHarness(server)(tmp_path / "again")


def test_damaged_file_is_downloaded_again_then_refused(server: WebServer, tmp_path: Path) -> None:
    server.files["/big"] = CONTENT[:-1] + b"x"
    with pytest.raises(DataError, match="arrives damaged"):
        DownloadHarness(server)(tmp_path)
    assert len(server.requests) == 2
    assert list((tmp_path / "a").iterdir()) == []
    # leftovers of an earlier run are not trusted
    server.files["/big"] = CONTENT
    (tmp_path / "a" / "big.part").write_bytes(b"y" * 500_000)
    assert DownloadHarness(server)(tmp_path) == CONTENT


def test_missing_file_is_not_retried(server: WebServer, tmp_path: Path) -> None:
    del server.files["/big"]
    fetch = DownloadHarness(server)
    with pytest.raises(DataError, match="the server says 404"):
        fetch(tmp_path)
    assert fetch.pauses == []


def test_only_https_addresses_and_the_mirror_are_allowed(server: WebServer, tmp_path: Path) -> None:
    file = RemoteFile(url=f"{server.url}/big", name="big")
    with pytest.raises(DataError, match="not an encrypted address"):
        Downloader().fetch(file, tmp_path)
    server.how = Misbehaviour(redirect="http://localhost:1/elsewhere")
    with pytest.raises(DataError, match="elsewhere is not an encrypted address"):
        DownloadHarness(server)(tmp_path)
    server.how = Misbehaviour(redirect="file:///etc/passwd")
    with pytest.raises(DataError, match="is not allowed"):
        DownloadHarness(server)(tmp_path)


def test_unreachable_server_is_one_sentence(tmp_path: Path) -> None:
    file = RemoteFile(url="http://127.0.0.1:9/x", name="x", size=1)
    pauses: list[float] = []
    with pytest.raises(DataError, match="Connection refused"):
        Downloader("http://127.0.0.1:9", retries=2, sleep=pauses.append).fetch(file, tmp_path)
    assert pauses == [1, 2]


def test_full_disk_is_reported(server: WebServer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "big.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="The disk is full"):
        DownloadHarness(server)(tmp_path)
    huge = RemoteFile(url="https://example.org/x", name="x", size=10**18)
    with pytest.raises(OutputError, match="are still to be fetched, but only"):
        refuse_full_disk([huge], tmp_path)


def run_download(name: str, folder: Path, server: WebServer, *options: str) -> Result:
    arguments = ["data", "get", name, str(folder), "--mirror", server.url, *options]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def test_ravdess_is_downloaded_and_inspected(server: WebServer, tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "x.wav", tone(0.4, 250)).read_bytes()
    archives = {
        "Audio_Speech_Actors_01-24.zip": zipped("Actor_01/03-01-03-01-01-01-01.wav", sound),
        "Video_Speech_Actor_01.zip": zipped("Actor_01/01-01-03-01-01-01-01.mp4", b"video"),
        "Video_Speech_Actor_02.zip": zipped("Actor_02/01-01-03-01-01-01-02.mp4", b"video"),
        "Video_Song_Actor_01.zip": zipped("Actor_01/01-02-03-01-01-01-01.mp4", b"song"),
    }
    server.files = {f"/files/{name}": content for name, content in archives.items()}
    server.answers["/api/records/1188976"] = lambda _: {
        "files": [
            {
                "key": name,
                "size": len(content),
                "checksum": "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest(),
                "links": {"self": f"{server.url}/files/{name}"},
            }
            for name, content in archives.items()
        ]
    }
    folder = tmp_path / "ravdess"
    refused = run_download("ravdess", folder, server)
    assert refused.exit_code == 2
    assert "CC BY-NC-SA 4.0" in refused.stdout
    assert "--accept-licence" in refused.stderr
    assert server.requests == []
    result = run_download("ravdess", folder, server, "--accept-licence", "--actors", "1")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "Audio_Speech_Actors_01-24.zip",
        "Video_Speech_Actor_01.zip",
    ]
    only = run_download(
        "ravdess", tmp_path / "sound", server, "--accept-licence", "--media", "sound"
    )
    assert "1 files" in only.output
    seen = CliRunner().invoke(main, ["data", "inspect", str(folder)], catch_exceptions=False)
    assert "RAVDESS (ravdess): 1 sounds, 1 videos" in seen.output
    wrong = run_download("ravdess", folder, server, "--accept-licence", "--actors", "25")
    assert wrong.exit_code == 2


def test_crema_d_is_downloaded_from_git_lfs_pointers(server: WebServer, tmp_path: Path) -> None:
    sounds = {
        f"AudioWAV/{actor}_DFA_{emotion}_XX.wav": write_sound(
            tmp_path / "x.wav", tone(0.3, 200 + actor + 40 * number)
        ).read_bytes()
        for actor in (1001, 1002)
        for number, emotion in enumerate(("ANG", "HAP"))
    }
    oids = {name: hashlib.sha256(content).hexdigest() for name, content in sounds.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("CREMA-D-master/VideoDemographics.csv", "ActorID,Age\n1001,51\n")
        archive.writestr("CREMA-D-master/../AudioWAV/1001_DFA_SAD_XX.wav", "never read")
        for name, content in sounds.items():
            pointer = (
                "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{oids[name]}\nsize {len(content)}\n"
            )
            archive.writestr(f"CREMA-D-master/{name}", pointer)
    server.files = {f"/lfs/{oids[name]}": content for name, content in sounds.items()}
    batches: list[int] = []

    def batch(body: bytes) -> object:
        objects = json.loads(body)["objects"]
        batches.append(len(objects))
        return {
            "objects": [
                {**entry, "actions": {"download": {"href": f"{server.url}/lfs/{entry['oid']}"}}}
                for entry in objects
            ]
        }

    folder = tmp_path / "crema-d"
    mirrored = ("--accept-licence", "--mirror", f"{server.url}/x")
    server.files["/x/archive/refs/heads/master.zip"] = buffer.getvalue()
    server.answers["/x.git/info/lfs/objects/batch"] = batch
    first = run_download("crema-d", folder, server, *mirrored, "--actors", "1001")
    assert first.exit_code == 0, first.output
    assert batches == [2]
    result = run_download("crema-d", folder, server, *mirrored)
    assert result.exit_code == 0, result.output
    assert batches == [2, 2]
    for name, content in sounds.items():
        assert (folder / name).read_bytes() == content
    seen = CliRunner().invoke(main, ["data", "inspect", str(folder)], catch_exceptions=False)
    assert "CREMA-D (crema-d): 4 sounds" in seen.output
    assert "faults: none" in seen.output
    server.answers["/x.git/info/lfs/objects/batch"] = lambda _: {
        "objects": [{"oid": oid, "error": {"message": "over quota"}} for oid in oids.values()]
    }
    over = run_download("crema-d", tmp_path / "other", server, *mirrored)
    assert over.exit_code == 2
    assert "over quota" in over.stderr
