"""Archives on Ray: speed compared with plain workers, cost, and what survives kills.

Usage:
    python -m benchmarks.archive speed [--clips 60] [--rounds 3] [--price 0.0425] [--json FILE]
    python -m benchmarks.archive kills [--clips 400] [--json FILE]

Both use copies of the demonstration clip. ``speed`` analyzes them in turns by plain workers and on
a local Ray cluster. ``kills`` does so on a cluster of two nodes while a worker is killed
every minute, and one node midway (another joins then), and counts the results afterwards.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from sentistream import api
from sentistream.benchmarking.system_facts import describe_machine
from sentistream.demo import make_clip

SIZE = (640, 360)
NODE = {"object_store_memory": 100 * 2**20, "include_dashboard": False}


def make_clips(folder: Path, count: int, clip: Path | None) -> Path:
    """A folder of copies of a clip, by default of the demonstration clip."""
    folder.mkdir()
    first = folder / "0.mp4"
    if clip is None:
        make_clip(first, duration=10, size=SIZE)
    else:
        shutil.copyfile(clip, first)
    for number in range(1, count):
        shutil.copyfile(first, folder / f"{number}.mp4")
    return folder


def length(clip: Path) -> float:
    """Duration of a clip, seconds."""
    with api.analyze(clip) as analysis:
        return analysis.info.duration or 0.0


def analyze(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """The command."""
    return subprocess.Popen(  # noqa: S603 - the list is ours
        [sys.executable, "-m", "sentistream", "analyze", *map(str, arguments), "--quiet"]
    )


def timed(out: Path, pattern: str, *arguments: str | Path) -> dict[str, float]:
    """Wall time and CPU seconds: of the whole run, and between the first and last finished clip.

    CPU seconds are of the command and its descendants, sampled four times a second. On a busy
    machine they are more meaningful than wall time.
    """
    start = time.monotonic()
    process = analyze(*arguments, "--out", out)
    used = dict[int, float]()
    seen = list[tuple[int, float]]()
    while process.poll() is None:
        used |= core_seconds(process.pid)
        seen.append((len(list(out.glob(pattern))), sum(used.values())))
        time.sleep(0.25)
    if process.returncode:
        raise click.ClickException(f"sentistream ended with exit code {process.returncode}.")
    whole = time.monotonic() - start
    ends = sorted(path.stat().st_mtime for path in out.glob(pattern))
    first = next(each for each in seen if each[0])
    last = next(each for each in seen if each[0] == seen[-1][0])
    return {
        "seconds": whole,
        "clips_per_second": (len(ends) - 1) / (ends[-1] - ends[0]),
        "core_seconds": sum(used.values()),
        "core_seconds_per_clip": (last[1] - first[1]) / (last[0] - first[0]),
    }


CLIP = click.option(
    "--clip", type=click.Path(exists=True, path_type=Path), help="Copy this one instead."
)


def core_hours(out: Path) -> float:
    """CPU hours per hour of video, by the workers' own count."""
    import pyarrow.parquet as pq

    names = ["core_seconds", "seconds_analyzed"]
    found = pq.read_table(out / "sums", columns=names).to_pylist()
    taken, analyzed = (sum(row[name] or 0 for row in found) for name in names)
    return taken / analyzed


@click.group()
def main() -> None:
    """Measure archives on Ray."""


@main.command()
@click.option("--clips", default=60, show_default=True)
@CLIP
@click.option("--rounds", default=3, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option(
    "--price",
    default=0.0425,
    show_default=True,
    help="Dollars for a core and an hour; the default is an eighth of a c5.2xlarge, on demand.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def speed(
    clips: int, clip: Path | None, rounds: int, workers: int, price: float, json_file: Path | None
) -> None:
    """Ray and plain workers on the same clips, in turns, and the resulting costs."""
    found: dict[str, list[dict[str, float]]] = {"plain": [], "ray": []}
    costs = list[float]()
    with tempfile.TemporaryDirectory() as name:
        folder = make_clips(Path(name) / "in", clips, clip)
        seconds = length(folder / "0.mp4")
        for turn in range(rounds):
            plain, ray = Path(name) / f"plain{turn}", Path(name) / f"ray{turn}"
            common = (folder, "--workers", str(workers))
            found["plain"].append(timed(plain, "*/summary.json", *common))
            found["ray"].append(timed(ray, "sums/*/*.parquet", *common, "--ray"))
            costs.append(core_hours(ray))
            click.echo(f"round {turn + 1}: {found['plain'][-1]} {found['ray'][-1]}")
    pairs = list(zip(found["plain"], found["ray"], strict=True))
    result = {
        "machine": describe_machine(),
        "load_at_the_end": os.getloadavg(),
        "clips": clips,
        "seconds_of_each": seconds,
        "rounds": found,
        "ray_to_plain": {
            "without_start": statistics.median(
                ray["clips_per_second"] / plain["clips_per_second"] for plain, ray in pairs
            ),
            "whole_run": statistics.median(
                plain["seconds"] / ray["seconds"] for plain, ray in pairs
            ),
            "core_seconds_per_clip": statistics.median(
                plain["core_seconds_per_clip"] / ray["core_seconds_per_clip"]
                for plain, ray in pairs
            ),
        },
        "core_hours_per_hour_of_video": costs,
        "dollars_per_core_hour": price,
        "dollars_per_thousand_hours": 1000 * statistics.median(costs) * price,
    }
    report(result, json_file)


@main.command()
@click.option("--clips", default=400, show_default=True)
@CLIP
@click.option("--interval", default=60.0, show_default=True, help="Seconds between two kills.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def kills(clips: int, clip: Path | None, interval: float, json_file: Path | None) -> None:
    """Kill a worker every minute and a node once: is every clip analyzed exactly once?"""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as name:
        folder, out = make_clips(Path(name) / "in", clips, clip), Path(name) / "out"
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **NODE})
        nodes = [cluster.add_node(num_cpus=1, **NODE) for _ in range(2)]
        start = time.monotonic()
        process = analyze(folder, "--out", out, "--ray", cluster.address, "--retries", "5")
        killed, finished = list[int](), threading.Event()

        def kill_workers() -> None:
            while not finished.wait(interval):
                if pids := workers():
                    killed.append(random.choice(pids))  # noqa: S311 - not for secrets
                    with suppress(ProcessLookupError):
                        os.kill(killed[-1], signal.SIGKILL)

        killer = threading.Thread(target=kill_workers)
        killer.start()
        nodes_killed = 0
        while process.poll() is None:
            time.sleep(1)
            if not nodes_killed and len(list(out.glob("sums/*/*.parquet"))) >= clips / 2:
                cluster.remove_node(nodes[0], allow_graceful=False)
                cluster.add_node(num_cpus=1, **NODE)
                nodes_killed = 1
        finished.set()
        killer.join()
        result = {
            "machine": describe_machine(),
            "seconds": time.monotonic() - start,
            "exit_code": process.returncode,
            "workers_killed": len(killed),
            "nodes_killed": nodes_killed,
            **counted(out, clips),
        }
        cluster.shutdown()
    report(result, json_file)
    if not result["all_accounted_for_and_none_twice"]:
        sys.exit(1)


def core_seconds(process: int) -> dict[int, float]:
    """CPU seconds used by a process and all its descendants, by process ID."""
    parents, used = dict[int, int](), dict[int, float]()
    tick = os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
            pid = int(path.parent.name)
            parents[pid] = int(fields[1])
            used[pid] = (int(fields[11]) + int(fields[12])) / tick
    below, more = set[int](), {process}
    while more:
        below |= more
        more = {pid for pid, parent in parents.items() if parent in below} - below
    return {pid: used[pid] for pid in below if pid in used}


def workers() -> list[int]:
    """The processes that analyze clips on this process's cluster."""
    found = list[int]()
    for pid in core_seconds(os.getpid()):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::ArchiveWorker"):
                found.append(pid)
    return found


def counted(out: Path, clips: int) -> dict[str, Any]:
    """What the account and the tables contain, and whether they agree."""
    import pyarrow.parquet as pq

    with (out / "account.csv").open(encoding="utf-8", newline="") as file:
        account = list(csv.DictReader(file))
    sums = pq.read_table(out / "sums", columns=["clip", "track", "moments"]).to_pylist()
    readings = pq.read_table(out / "readings", columns=["clip", "time", "track"]).to_pylist()
    finished = {row["clip"] for row in account if row["status"] == "done"}
    whole = Counter(row["clip"] for row in sums if row["track"] is None)
    rows = Counter((row["clip"], row["time"], row["track"]) for row in readings)
    moments = Counter(clip for clip, _ in {(row["clip"], row["time"]) for row in readings})
    reported = {row["clip"]: row["moments"] for row in sums if row["track"] is None}
    facts = {
        "clips": clips,
        "statuses": Counter(row["status"] for row in account),
        "tries": Counter(row["tries"] for row in account),
        "clips_in_account": len({row["clip"] for row in account}),
        "rows_in_account": len(account),
        "clips_in_sums": len(whole),
        "clips_twice_in_sums": sum(count > 1 for count in whole.values()),
        "readings": len(readings),
        "readings_twice": sum(count > 1 for count in rows.values()),
        "clips_with_other_moments_than_told": sum(
            moments[each] != reported[each] for each in reported
        ),
    }
    facts["all_accounted_for_and_none_twice"] = (
        len(account) == facts["clips_in_account"] == clips
        and whole.keys() == finished == moments.keys()
        and not facts["clips_twice_in_sums"]
        and not facts["readings_twice"]
        and not facts["clips_with_other_moments_than_told"]
    )
    return facts


def report(result: dict[str, Any], json_file: Path | None) -> None:
    """Print the result, and write it to a file if one is given."""
    text = json.dumps(result, indent=2)
    click.echo(text)
    if json_file:
        json_file.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
