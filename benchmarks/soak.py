"""Runs the monitor for a long time with four simulated cameras while things are broken.

Usage: python -m benchmarks.soak [--minutes 60] [--out soak]
"""

from __future__ import annotations

import json
import math
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks.soaking.faults import Fault
from benchmarks.soaking.faults import faults as all_faults
from benchmarks.soaking.ledger import Ledger, read_ledger
from benchmarks.soaking.page import draw, markdown
from benchmarks.soaking.sampling import Sampler, growth
from benchmarks.soaking.scene import Scene, set_up
from benchmarks.soaking.verdict import Injected, Outcome, lost_outside, outcome
from sentistream.benchmarking.system_facts import describe_machine

START = 300.0
"""Seconds in which all cameras must have been read once."""
FLAT = 0.10
"""Growth from the first to the last quarter that counts as none."""
QUIET = 20.0
"""Seconds without a fault at the end, for recovery from the last one."""


@click.command()
@click.option("--minutes", default=60.0, show_default=True, type=click.FloatRange(min=0.5))
@click.option("--faults/--no-faults", default=True, show_default=True, help="One a minute.")
@click.option(
    "--every", default=60.0, show_default=True, help="Seconds from one fault to the next."
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0.2, max=100),
    help="Pace of the two files; HTTP and RTSP stay in real time.",
)
@click.option("--sample", default=10.0, show_default=True, help="Seconds between samples.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("soak"),
    show_default=True,
    help="A new folder for results, logs, clips and the database.",
)
@click.option(
    "--command",
    help="How the monitor is started; --config FILE --state FOLDER are added. Default: "
    "sentistream monitor, or, if that does not exist, a replacement without the page.",
)
def main(
    minutes: float,
    faults: bool,
    every: float,
    speed: float,
    sample: float,
    out: Path,
    command: str | None,
) -> None:
    """Run the monitor with four simulated cameras and say what was lost.

    Exits with code 1 if a second is lost or stored twice without a fault that accounts for it, a
    fault is not recovered from, or memory or handles grow by more than a tenth. Memory is what
    belongs to the monitor's processes alone; mapped files, whose share grows when another program
    with the same libraries ends, are only reported.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # everything started is also stopped
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise click.ClickException(f"{out} is not empty.")
    with set_up(out, speed=speed, command=command) as scene:
        click.echo(f"monitor: {scene.command}")
        kinds = all_faults(scene) if faults else []
        scene.monitor.start()
        sampler = Sampler(scene.monitor, sample)
        sampler.start()
        begin = _wait_for_all(scene)
        end = begin + 60 * minutes
        click.echo(f"all cameras are read; {minutes:g} minutes from now")
        outcomes_so_far = _watch(
            [kind for kind in kinds if kind.possible], begin, end, every, scene
        )
        survived = scene.monitor.is_running
        ended = scene.monitor.end() and survived
        sampler.stop()
        finish = time.time()
        ledger = read_ledger(scene.database, scene.cameras, finish)
        shutil.copy2(scene.database, out)  # the small disk it is on is unmounted
        dropped = _dropped(scene.state)
        rtsp = "H.264 over RTSP" if scene.rtsp else "in place of RTSP a third file"
    machine = describe_machine()
    result = _result(ledger, outcomes_so_far, begin, math.floor(end))
    pieces: dict[str, Any] = {
        "minutes": minutes,
        "speed": speed,
        "rtsp": rtsp,
        "monitor": scene.command,
        "machine": f"{machine['processor']}, {machine['cores']} cores",
        "survived": survived,
        "ended": ended,
        "dropped": dropped,
        "memory_mib": growth(sampler.samples, "memory"),
        "file_memory_mib": growth(sampler.samples, "file_memory"),
        "handles": growth(sampler.samples, "handles"),
        "faults_left_out": [
            {"name": kind.name, "missing": kind.missing} for kind in kinds if not kind.possible
        ],
        "samples": [asdict(one) for one in sampler.samples],
    }
    result |= pieces
    result["passed"] = bool(result["passed"] and is_flat(result) and ended)
    (out / "soak.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    page = markdown(result)
    (out / "soak.md").write_text(page, "utf-8")
    shift = time.time() - time.monotonic()
    marks = [(fault.begin - shift - sampler.started, fault.name) for fault in outcomes_so_far]
    draw(sampler.samples, marks, out / "soak.png")
    click.echo(page)
    if not result["passed"]:
        sys.exit(1)


def _wait_for_all(scene: Scene) -> int:
    """Until each camera has been read; the second from which all cameras count."""
    deadline = time.time() + START
    while time.time() < deadline:
        if not scene.monitor.is_running:
            raise click.ClickException("The monitor ended; see monitor.log.")
        if scene.database.exists():
            try:
                found = read_ledger(scene.database, scene.cameras, time.time()).seconds
            except Exception:  # the tables are being created
                found = {}
            if found and all(len(seconds) >= 3 for seconds in found.values()):
                return math.ceil(time.time())
        time.sleep(1)
    raise click.ClickException(f"Not all cameras were read within {START:g} s; see monitor.log.")


def _watch(
    kinds: list[Fault], begin: float, end: float, every: float, scene: Scene
) -> list[Injected]:
    """Inject one fault after the other until the end."""
    outcomes_so_far: list[Injected] = []
    while kinds and (due := begin + every * (len(outcomes_so_far) + 0.5)) < end - QUIET:
        time.sleep(max(0.0, due - time.time()))
        if not scene.monitor.is_running:
            break
        kind = kinds[len(outcomes_so_far) % len(kinds)]
        started, error = time.time(), ""
        try:
            kind.inject()
        except Exception as failed:
            error = str(failed) or type(failed).__name__
        outcomes_so_far.append(
            Injected(
                name=kind.name,
                affects=kind.affects or scene.cameras,
                begin=started,
                end=time.time(),
                error=error,
            )
        )
        click.echo(f"{(started - begin) / 60:6.1f} min  {kind.name} {error}")
    while time.time() < end + 2 and scene.monitor.is_running:
        time.sleep(min(5, max(0.1, end + 2 - time.time())))
    if not scene.monitor.is_running:
        click.echo("The monitor ended by itself; see monitor.log.", err=True)
    return outcomes_so_far


def _result(
    ledger: Ledger, outcomes_so_far: list[Injected], begin: int, end: int
) -> dict[str, Any]:
    ends = [math.floor(following.begin) - 2 for following in outcomes_so_far[1:]] + [end]
    outcomes = [
        outcome(fault, ledger, until) for fault, until in zip(outcomes_so_far, ends, strict=True)
    ]
    outside = lost_outside(ledger, begin, end, outcomes)
    lost = sum(len(seconds) for seconds in outside.values())
    return {
        "seconds_expected": (end - begin) * len(ledger.seconds),
        "readings": ledger.readings,
        "lost_outside": lost,
        "lost_outside_when": {key: when for key, when in outside.items() if when},
        "stored_twice": len(ledger.twice),
        "sums_agree": ledger.sums_agree,
        "faults": [_print_outcome(one, begin) for one in outcomes],
        "passed": not lost
        and not ledger.twice
        and ledger.sums_agree
        and all(one.recovery is not None and not one.fault.error for one in outcomes),
    }


def is_flat(result: dict[str, Any]) -> bool:
    """Whether the monitor's own memory and its handles grew by less than a tenth."""
    return all(
        pair is None or pair[1] <= pair[0] * (1 + FLAT)
        for pair in (result["memory_mib"], result["handles"])
    )


def _print_outcome(one: Outcome, begin: int) -> dict[str, Any]:
    fault = one.fault
    minutes, seconds = divmod(round(fault.begin - begin), 60)
    return {
        "name": fault.name,
        "at": f"{minutes}:{seconds:02d}",
        "span": fault.end - fault.begin,
        "error": fault.error,
        "recovery": one.recovery,
        "lost": one.lost,
        "lost_elsewhere": one.lost_elsewhere,
    }


def _dropped(state: Path) -> dict[str, int]:
    """Moments dropped by each camera, where the monitor left a record."""
    try:
        health = json.loads((state / "health.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {camera["camera"]: camera["dropped"] for camera in health}


if __name__ == "__main__":
    main()
