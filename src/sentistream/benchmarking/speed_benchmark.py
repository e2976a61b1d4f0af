"""All figures of one run."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.analyzer import Analyzer
from sentistream.benchmarking.baselines import measure_baselines
from sentistream.benchmarking.benchmark_clip import loop_clip
from sentistream.benchmarking.stage_profiler import engine_milliseconds, stage_memory, stage_times
from sentistream.benchmarking.stream_capacity import StreamsResult, run_streams
from sentistream.benchmarking.system_facts import (
    describe_machine,
    installed_bytes,
    seconds_to_start,
)
from sentistream.benchmarking.timed_runs import (
    Published,
    Timed,
    alternating_mouth_analyzer,
    analyze,
    decode,
    latencies,
    publish,
)
from sentistream.errors import MissingExtraError
from sentistream.media import open_source
from sentistream.operating_system import peak_memory
from sentistream.profiles import PAPER, Profile, get_profile
from sentistream.runtime import load_card
from sentistream.values import ByValue

SETTLE = 15.0
"""Seconds within which the rates adapt when there are too many streams."""

_STREAM_MARGIN = 30.0  # seconds for workers to start and to warm up
_SPREAD = 3.0  # seconds over which streams begin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan(ByValue):
    """What to measure.

    Attributes:
        profiles: Names.
        seconds: Of the clip, for each run; a shorter clip is repeated.
        repeats: Of each run, in turn with the others.
        published_moments: For the pipeline as published; 0 leaves it out.
        stream_counts: How many streams to try, until real time is lost.
        stream_seconds: How long each number is tried.
        overload: Whether to try numbers of streams beyond real time, too.
        workers: Processes for streams.
        peers: Interpreters by the baseline's name.
    """

    profiles: Sequence[str] = ("paper", "lite")
    seconds: float = 20.0
    repeats: int = 3
    published_moments: int = 15
    stream_counts: Sequence[int] = (1, 2, 4, 8, 12, 16)
    stream_seconds: float = 10.0
    overload: bool = False
    workers: int = 1
    peers: Mapping[str, str] = field(default_factory=dict)


def measure(source: Path, plan: Plan, on_step: Callable[[str], None]) -> dict[str, Any]:
    """All figures as plain values for JSON; see docs/benchmark.md for what each means.

    Args:
        source: A video with one face.
        plan: What to measure.
        on_step: Called with the name of the next measurement.

    Raises:
        InputError: The video cannot be analyzed.
    """
    result: dict[str, Any] = {"machine": describe_machine()}
    with tempfile.TemporaryDirectory() as name:
        longest = max(plan.seconds, plan.stream_seconds + _STREAM_MARGIN + SETTLE)
        clip = loop_clip(source, longest if plan.stream_counts else plan.seconds, Path(name))
        with open_source(clip, tick=1.0, sound_window=0.03) as opened:
            info = opened.info
        result["input"] = {
            "name": source.name,
            "width": info.width,
            "height": info.height,
            "frame_rate": info.frame_rate,
            "video_codec": info.video_codec,
            "seconds": plan.seconds,
        }
        published = _published() if plan.published_moments else "left out"
        if not isinstance(published, str):
            result["multiply_adds"] = published.multiply_adds()
        result["profiles"] = {}
        for profile in map(get_profile, plan.profiles):
            try:
                result["profiles"][profile.name] = _profile(clip, profile, published, plan, on_step)
            except MissingExtraError as error:
                result["profiles"][profile.name] = {"missing": str(error)}
        on_step("other programs")
        result["peers"] = measure_baselines(clip, plan.peers)
    on_step("start and size")
    result["start_seconds"] = seconds_to_start()
    result["installed_bytes"] = installed_bytes()
    result["load_at_the_end"] = describe_machine()["load"]
    return result


def _published() -> Published | str:
    try:
        from sentistream.benchmarking.published_pipeline import PublishedPipeline

        return PublishedPipeline()
    except (ImportError, MissingExtraError):
        return "needs the extras train and bench"


def _profile(
    clip: Path,
    profile: Profile,
    published: Published | str,
    plan: Plan,
    on_step: Callable[[str], None],
) -> dict[str, Any]:
    on_step(f"{profile.name}: warming up")
    analyzer = alternating_mouth_analyzer(profile)
    analyze(clip, analyzer, 2.0)
    rounds = _timed_rounds(clip, profile, analyzer, published, plan, on_step)
    on_step(f"{profile.name}: latency")
    waits = latencies(clip, analyzer, plan.seconds)
    on_step(f"{profile.name}: stages")
    alone = statistics.median(1000 / one["decode"].rate for one in rounds)
    spent = {"decoding and pairing": alone, **stage_times(clip, profile, plan.seconds)}
    tried = _streams(clip, profile, plan, on_step)
    share = _spread([one["ours"].rate / one["decode"].rate for one in rounds])
    times = speedup_over_published(rounds)
    kept = [one.streams for one in tried if one.keeps_up]
    per_stream = memory_per_stream(tried)
    return {
        "share_of_decode": share["median"],
        "times_published": times["median"] if times else None,
        "realtime_streams": max(kept, default=0),
        "latency_p95_ms": 1000 * float(np.percentile(waits, 95)),
        "rss_mb": tried[0].memory if tried else _peak(),
        "mb_per_further_stream": per_stream,
        "share_of_decode_spread": share,
        "times_published_spread": times,
        "times_published_without_decoding": speedup_over_published(rounds, decoding=False),
        "published": published if isinstance(published, str) else "measured",
        "moments_per_second_of_a_core": {
            way: _spread([one[way].rate for one in rounds]) for way in rounds[0]
        },
        "moments_per_second_by_the_clock": _spread(
            [one["ours"].moments / one["ours"].seconds for one in rounds]
        ),
        "latency_ms": {
            f"p{share}": 1000 * float(np.percentile(waits, share)) for share in (50, 95, 99)
        },
        "stages_ms": dict(sorted(spent.items(), key=lambda item: -item[1])),
        "stages_mb": stage_memory(clip, profile),
        "streams": [asdict(one) | {"keeps_up": one.keeps_up} for one in tried],
        "networks": {
            name: {
                "parameters": load_card(name).parameters,
                "multiply_adds": load_card(name).multiply_adds,
                "milliseconds": milliseconds,
            }
            for name, milliseconds in engine_milliseconds(profile.models).items()
        },
    }


def speedup_over_published(
    rounds: Sequence[Mapping[str, Timed]], *, decoding: bool = True
) -> dict[str, float] | None:
    """How many times faster ours is; decoding is added to theirs, or left out."""
    if "published" not in rounds[0]:
        return None
    ratios = []
    for one in rounds:
        decode, ours, theirs = (1 / one[way].rate for way in ("decode", "ours", "published"))
        ratios.append((theirs + decode) / ours if decoding else theirs / (ours - decode))
    return _spread(ratios)


def _timed_rounds(
    clip: Path,
    profile: Profile,
    analyzer: Analyzer,
    published: Published | str,
    plan: Plan,
    on_step: Callable[[str], None],
) -> list[dict[str, Timed]]:
    """Does each run in turn, so that a busy machine slows all of them equally."""
    rounds = []
    for number in range(plan.repeats):
        on_step(f"{profile.name}: round {number + 1} of {plan.repeats}")
        one = {
            "decode": decode(clip, profile, plan.seconds),
            "ours": analyze(clip, analyzer, plan.seconds),
        }
        if not isinstance(published, str):
            one["published"] = publish(clip, published, PAPER, plan.published_moments)
        rounds.append(one)
    return rounds


def _streams(
    clip: Path, profile: Profile, plan: Plan, on_step: Callable[[str], None]
) -> list[StreamsResult]:
    tried = []
    for count in plan.stream_counts:
        on_step(f"{profile.name}: {count} streams")
        result = _try(clip, profile, plan, count)
        if not result.keeps_up and not plan.overload:
            on_step(f"{profile.name}: {count} streams once more")
            result = max(result, _try(clip, profile, plan, count), key=lambda one: one.rate)
        tried.append(result)
        if not result.keeps_up and not plan.overload:
            break
    return tried


def _try(clip: Path, profile: Profile, plan: Plan, count: int) -> StreamsResult:
    workers = min(count, plan.workers)
    apart = _SPREAD / count
    return run_streams(
        [clip] * count,
        profile,
        plan.stream_seconds,
        workers,
        apart=apart,
        settle=SETTLE if plan.overload else 0.0,
    )


def memory_per_stream(tried: Sequence[StreamsResult]) -> float | None:
    """MiB that each stream beyond one per worker adds."""
    same = [one for one in tried if one.workers == max(each.workers for each in tried)]
    if len(same) < 2:
        return None
    first, last = same[0], same[-1]
    return (last.memory - first.memory) / (last.streams - first.streams)


def _peak() -> float:
    """Peak MiB of this process: more than one stream needs, as it includes the baselines."""
    peak = peak_memory()
    return float("nan") if peak is None else peak / 1024**2


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
