"""An archive on a Ray cluster of two nodes, one of which is killed, with clips in an S3 store."""

from __future__ import annotations

import csv
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from analyze_command import clip, wait_for

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

CLIPS = 5
SECRET = "s3cretOfTheStore"  # noqa: S105 - of a store that the test makes


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    """A loopback S3 server with a bucket of clips; the environment holds its address."""
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSSPEC_S3_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("FSSPEC_S3_KEY", "name")
        patch.setenv("FSSPEC_S3_SECRET", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        filesystem = s3fs.S3FileSystem(
            endpoint_url=f"http://{host}:{port}",
            key="name",
            secret=SECRET,
            use_listings_cache=False,
        )
        filesystem.mkdir("archive")
        yield filesystem
    server.stop()


@pytest.fixture
def cluster(store: Any) -> Iterator[Any]:
    """Two nodes with one core each; ``second`` may be killed."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    started_cluster = Cluster(initialize_head=True, head_node_args=node)
    started_cluster.second = started_cluster.add_node(**node)
    yield started_cluster
    started_cluster.shutdown()


def analyze(*arguments: str | Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "sentistream", "analyze", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more},
    )


def table(filesystem: Any, name: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = []
    for path in filesystem.find(f"archive/out/{name}"):
        with filesystem.open(path) as file:
            found += pq.read_table(file, partitioning=None).to_pylist()
    return found


def account(filesystem: Any) -> list[dict[str, str]]:
    with filesystem.open("archive/out/account.csv", "r", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(900)
def test_killed_node_neither_loses_nor_duplicates_clips(
    store: Any, cluster: Any, tmp_path: Path
) -> None:
    for number in range(CLIPS):
        path = clip(tmp_path / f"{number}.mp4", 1.5, level=40 + number)
        store.put_file(str(path), f"archive/in/day={number % 2}/{number}.mp4")
    store.pipe_file("archive/in/broken.mp4", b"no video")
    process = analyze("s3://archive/in/", "--out", "s3://archive/out", "--ray", cluster.address)
    # after the first clip, a node dies with its worker
    wait_for(lambda: len(store.find("archive/out/sums")) >= 1, process, patience=500)
    cluster.remove_node(cluster.second, allow_graceful=False)
    stdout, stderr = process.communicate(timeout=400)
    assert process.returncode == 2, stderr
    assert stdout.startswith(f"{CLIPS + 1} clips: {CLIPS} done, 1 failed, 0 never started.")
    assert SECRET not in stdout + stderr

    rows = account(store)
    assert Counter(row["status"] for row in rows) == {"done": CLIPS, "failed": 1}
    assert len({row["clip"] for row in rows}) == CLIPS + 1
    assert {row["clip"] for row in rows if row["status"] == "failed"} == {
        "s3://archive/in/broken.mp4"
    }
    sums, readings = table(store, "sums"), table(store, "readings")
    assert Counter(row["clip_id"] for row in sums) == Counter(
        row["clip_id"] for row in rows if row["status"] == "done"
    )
    assert Counter((row["clip_id"], row["time"]) for row in readings).most_common(1)[0][1] == 1
    assert len(readings) == sum(row["moments"] for row in sums)
    assert [row["kind"] for row in table(store, "faults")] == ["failed"]

    # on the remaining node, complete clips are skipped and failed ones retried
    store.pipe_file("archive/in/broken.mp4", store.cat_file("archive/in/day=0/0.mp4"))
    again = analyze(
        *("s3://archive/in/**/*.mp4", "s3://archive/in/broken.mp4", "--resume"),
        *("--out", "s3://archive/out", "--ray", cluster.address),
    )
    stdout, stderr = again.communicate(timeout=400)
    assert again.returncode == 0, stderr
    assert f"{CLIPS + 1} done ({CLIPS} of them before), 0 failed" in stdout
    assert table(store, "faults") == []


def descendants(process: subprocess.Popen[str]) -> set[int]:
    """A process and all its descendants."""
    parents = dict[int, int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, more = set[int](), {process.pid}
    while more:
        found |= more
        more = {pid for pid, parent in parents.items() if parent in found} - found
    return found


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Those of the descendants that analyze."""
    titles = dict[int, bytes]()
    for pid in descendants(process):
        with suppress(OSError):
            titles[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [pid for pid, title in titles.items() if title.startswith(b"ray::ArchiveWorker")]


def listens_on(pids: set[int]) -> set[str]:
    """The addresses on which some processes listen, as the kernel writes them."""
    sockets = set[str]()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):
                sockets.add(str(link.readlink()))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {
        fields[1].partition(":")[0]
        for fields in lines
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets
    }


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("gpus", "message"),
    [(0, "The cluster has no 0.5 of a GPU"), (1, "cannot use an NVIDIA GPU")],
)
def test_missing_gpus_are_reported(tmp_path: Path, gpus: int, message: str) -> None:
    """Ray believes a node that claims to have one; ONNX Runtime does not."""
    from ray.cluster_utils import Cluster

    clip(tmp_path / "in" / "one.mp4", seconds=1.0)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster_with_gpus = Cluster(initialize_head=True, head_node_args={**node, "num_gpus": gpus})
    try:
        process = analyze(
            tmp_path / "in",
            "--out",
            tmp_path / "out",
            "--ray",
            cluster_with_gpus.address,
            "--gpus",
            "0.5",
        )
        output = "".join(process.communicate(timeout=400))
    finally:
        cluster_with_gpus.shutdown()
    assert process.returncode != 0
    assert message in output


@pytest.mark.timeout(900)
def test_local_cluster_retries_worker_deaths_and_stops(tmp_path: Path) -> None:
    for number in range(2):
        clip(tmp_path / "in" / f"{number}.mp4", 0.4)
    long = clip(tmp_path / "in" / "9.mp4", 40)
    process = analyze(
        *(tmp_path / "in", "--out", tmp_path / "out", "--ray", "--workers", "1"),
        *("--retries", "1"),
    )
    sums = tmp_path / "out" / "sums"
    wait_for(lambda: len(list(sums.rglob("*.parquet"))) == 2, process)
    (first,) = workers_of(process)
    assert listens_on(descendants(process)) == LOOPBACK
    killed = list[int]()

    def kill() -> None:
        while process.poll() is None and len(killed) < 2:
            for pid in workers_of(process):
                if pid not in killed and in_work(tmp_path, pid):
                    killed.append(pid)
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    killer = threading.Thread(target=kill)
    killer.start()
    stdout, stderr = process.communicate(timeout=400)
    killer.join()
    assert (process.returncode, len(killed), killed[0]) == (2, 2, first), stderr
    assert stdout.startswith("3 clips: 2 done, 1 failed, 0 never started.")
    assert stdout.count("\n") == 1
    assert f"{long}: The process that analyzed it was killed" in stderr
    with (tmp_path / "out" / "account.csv").open(newline="") as file:
        assert [(r["status"], r["tries"]) for r in csv.DictReader(file)] == [
            ("done", "1"),
            ("done", "1"),
            ("failed", "2"),
        ]


def in_work(folder: Path, pid: int) -> bool:
    """Whether a worker has started to write a clip's tables."""
    base = Path(tempfile.gettempdir())
    return any(True for _ in base.glob(f"sentistream-*/{pid}/*/*.partial.parquet"))
