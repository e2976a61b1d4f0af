"""Work resumes after a kill, and gives the same result in one process or several."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sentistream.errors import InputError
from sentistream.training.examples import Arrays
from sentistream.training.worker_pool import WorkerPool


def squares(numbers: Sequence[int]) -> Arrays:
    if 13 in numbers:
        raise InputError("The clip 13 is odd.", "Bring another.")
    return {"square": np.array(numbers) ** 2}


def all_squares(pool: WorkerPool, count: int) -> list[int]:
    found = pool.map(squares, range(count), 4)
    return [int(value) for _, arrays in found for value in arrays["square"]]


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_are_ordered_and_cached(tmp_path: Path, jobs: int) -> None:
    result: list[int] = []
    pool = WorkerPool(tmp_path, jobs, lambda: result.append(1))
    assert all_squares(pool, 11) == [number**2 for number in range(11)]
    assert len(result) == 11
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"0000{chunk}.npz" for chunk in range(3)
    ]
    np.savez(tmp_path / "00001.npz", square=np.array([0, 0, 0, 0]))
    assert all_squares(pool, 11)[4:9] == [0, 0, 0, 0, 64]


@pytest.mark.parametrize("jobs", [1, 2])
def test_worker_error_is_reported(tmp_path: Path, jobs: int) -> None:
    with pytest.raises(InputError, match=r"The clip 13 is odd\. Bring another\."):
        all_squares(WorkerPool(tmp_path, jobs), 20)


@pytest.mark.parametrize("jobs", [1, 2])
def test_unreadable_items_are_skipped_and_reported_each_time(tmp_path: Path, jobs: int) -> None:
    for _ in range(2):  # at first, and from the cache
        problems: list[str] = []
        pool = WorkerPool(tmp_path, jobs, on_problem=problems.append)
        got = all_squares(pool, 20)
        assert got == [number**2 for number in range(20) if number != 13]
        assert problems == ["The clip 13 is odd."]


def test_internal_error_names_its_item() -> None:
    def work(numbers: Sequence[int]) -> Arrays:
        return {"inverse": np.array([6 // number for number in numbers])}

    problems: list[str] = []
    found = list(WorkerPool(on_problem=problems.append).map(work, [0, 1, 2, 3], 2))
    assert [list(chunk) for chunk, _ in found] == [[1], [2, 3]]
    assert problems == [
        "0 could not be worked on (ZeroDivisionError: integer division or modulo by zero)."
    ]


def test_empty_chunks_are_not_returned() -> None:
    problems: list[str] = []
    assert list(WorkerPool(on_problem=problems.append).map(squares, [13], 4)) == []
    assert len(problems) == 1


SLOWLY = """
import sys, time
from pathlib import Path
import numpy as np
from sentistream.training.worker_pool import WorkerPool

def slowly(numbers):
    time.sleep(0.3)
    print("worked", flush=True)
    return {"x": np.array(numbers)}

if __name__ == "__main__":
    got = [a["x"] for _, a in WorkerPool(Path(sys.argv[1]), 2).map(slowly, range(24), 2)]
    print("done", np.concatenate(got).tolist() == list(range(24)))
"""


def test_kill_loses_only_chunks_in_progress(tmp_path: Path) -> None:
    script, folder = tmp_path / "slowly.py", tmp_path / "chunks"
    script.write_text(SLOWLY)
    command = [sys.executable, str(script), str(folder)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    while len(list(folder.glob("?????.npz"))) < 4:
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    assert run.stdout is not None
    # ends only when the workers are gone, too: they hold the other end
    run.stdout.read()
    run.wait()
    kept = len(list(folder.glob("?????.npz")))
    assert 4 <= kept < 12
    again = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert again.stdout.count("worked") == 12 - kept
    assert again.stdout.endswith("done True\n")
