"""Which memory the soak attributes to the monitor."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

import pytest
from benchmarks.soak import is_flat
from benchmarks.soaking import processes
from benchmarks.soaking.page import markdown
from benchmarks.soaking.processes import family, memory_of
from benchmarks.soaking.sampling import Sample, growth

ROLLUP = """55dbc251b000-7ffead962000 ---p 00000000 00:00 0                          [rollup]
Rss:              204800 kB
Pss:              102400 kB
Pss_Dirty:         51200 kB
Pss_Anon:          40960 kB
Pss_File:          51200 kB
Pss_Shmem:         10240 kB
Shared_Clean:     102400 kB
Swap:               8192 kB
SwapPss:            4096 kB
Locked:                0 kB
"""


def test_mapped_files_are_counted_separately() -> None:
    assert memory_of(ROLLUP) == ((40960 + 10240 + 4096) / 1024, 50.0)
    # another program with the same libraries exits
    alone = ROLLUP.replace("Pss_File:          51200", "Pss_File:         102400")
    assert memory_of(alone) == (54.0, 100.0)


@pytest.mark.parametrize("rollup", ["", ROLLUP.partition("Swap")[0]])
def test_exited_process_has_no_memory(rollup: str) -> None:
    with pytest.raises(KeyError):
        memory_of(rollup)


def test_root_comes_first_when_process_numbers_wrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, parent in ((32000, 1), (40, 32000), (50, 40), (60, 1)):
        folder = tmp_path / str(number)
        (folder / "fd").mkdir(parents=True)
        (folder / "task").mkdir()
        (folder / "stat").write_text(f"{number} (a name) S {parent} 0 0")
        (folder / "smaps_rollup").write_text(ROLLUP)
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert [process.number for process in family(32000)] == [32000, 40, 50]
    assert family(70) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_own_memory_excludes_mapped_files(tmp_path: Path) -> None:
    size = 64 * 2**20

    def measure() -> tuple[float, float]:
        process = family(os.getpid())[0]
        return process.memory, process.file_memory

    before = measure()
    # mapped here, because the heap may still hold as much that an earlier test has freed
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, size, mmap.PAGESIZE):
        held[place] = 1
    own = measure()
    assert own[0] - before[0] == pytest.approx(64, abs=4)
    assert own[1] - before[1] == pytest.approx(0, abs=4)
    (tmp_path / "file").write_bytes(held)
    with (tmp_path / "file").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=1) as mapped:
        assert sum(mapped[place] for place in range(0, size, mmap.PAGESIZE)) > 0
        both = measure()
    assert both[0] - own[0] == pytest.approx(0, abs=4)
    assert both[1] - own[1] == pytest.approx(64, abs=4)


@pytest.mark.parametrize(("own", "files", "passes"), [(0, 35, True), (35, 0, False)])
def test_verdict_depends_on_own_memory_only(own: float, files: float, passes: bool) -> None:
    samples = [
        Sample(10.0 * number, 300 + own * (number > 50), 100 + files * (number > 50), 80, 5)
        for number in range(100)
    ]
    names = {"memory_mib": "memory", "file_memory_mib": "file_memory", "handles": "handles"}
    result = {key: growth(samples, name) for key, name in names.items()}
    assert result["memory_mib"] == (300, 300 + own)
    assert result["file_memory_mib"] == (100, 100 + files)
    assert is_flat(result) == passes


def test_report_shows_both_kinds_of_memory() -> None:
    page = markdown(
        dict.fromkeys(("readings", "seconds_expected", "lost_outside", "stored_twice"), 0)
        | dict.fromkeys(("passed", "sums_agree", "survived", "ended"), True)
        | {"minutes": 30.0, "speed": 1.0, "rtsp": "", "machine": "", "dropped": {}}
        | {"faults": [], "faults_left_out": [], "handles": None}
        | {"memory_mib": (300.0, 300.0), "file_memory_mib": (100.0, 135.0)}
    )
    assert "| memory, MiB, first and last quarter | 300 and 300 (+0.0%) |" in page
    assert "| mapped files, MiB (not judged), first and last quarter | 100 and 135 (+35.0%)" in page
