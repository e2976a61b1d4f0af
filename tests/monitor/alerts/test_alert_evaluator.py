"""Alert rules over simulated seconds: when alerts begin, end, and stay off."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_bus_helpers import BEGIN, collecting, configured, crowd, seconds
from sentistream.monitor.alerts import AlertEvaluator, RuleState, WindowStats
from sentistream.monitor.alerts.evaluator import MIN_COVERAGE
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import Alert, SecondReading
from sentistream.monitor.settings import AlertRule
from waiting import wait_until

RULE = {"key": "mood", "name": "Bad mood", "minutes": 1, "limit": 0.4, "quiet_minutes": 0}
DOOR = {"door": {"source": "0"}}


@dataclass
class SimulatedEvaluator:
    """An evaluator without a thread, whose clock follows the given seconds."""

    folder: Path
    rules: list[dict[str, Any]] = field(default_factory=lambda: [RULE])
    cameras: dict[str, Any] = field(default_factory=lambda: dict(DOOR))
    smallest_group: int = 1

    def __post_init__(self) -> None:
        self.now = 0.0
        self.second = BEGIN
        self.bus = EventBus()
        self.published = self.bus.subscribe(Alert, depth=10_000)
        self.configuration = configured(
            self.folder,
            alerts=self.rules,
            cameras=self.cameras,
            privacy={"smallest_group": self.smallest_group},
        )
        self.evaluator = AlertEvaluator(self.bus, self.configuration, clock=lambda: self.now)

    def pass_seconds(
        self, count: int, readings: tuple[SecondReading, ...], camera: str = "door"
    ) -> list[Alert]:
        for _ in range(count):
            self.evaluator.handle(seconds(self.second, *readings, camera=camera))
            self.second += 1
            self.now += 1
        return self.alerts()

    def silence(self, count: int) -> list[Alert]:
        for _ in range(count):
            self.second += 1
            self.now += 1
            self.evaluator.tick()
        return self.alerts()

    def change(self, **settings: Any) -> None:
        values = configured(self.folder, **settings).settings
        changed = self.configuration.settings.model_copy(
            update={name: getattr(values, name) for name in settings}
        )
        self.configuration.change(changed)

    def alerts(self) -> list[Alert]:
        return [alert for alert in self.published.take(0) if isinstance(alert, Alert)]


def test_alert_begins_and_ends_once(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path)
    began = harness.pass_seconds(300, crowd(5, 0.9))
    assert [alert.active for alert in began] == [True]
    (alert,) = began
    assert (alert.rule, alert.camera, alert.zone, alert.minutes) == ("mood", "door", "", 1)
    assert alert.share == pytest.approx(0.9)
    assert alert.time == BEGIN + MIN_COVERAGE * 60
    ended = harness.pass_seconds(300, crowd(5, 0.0))
    assert [alert.active for alert in ended] == [False]


def test_too_few_appearances_raise_no_alert(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path, smallest_group=5)
    assert not harness.pass_seconds(300, crowd(4, 1.0))
    assert harness.pass_seconds(10, crowd(5, 1.0))


def test_too_little_watched_time_raises_no_alert(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path)
    for _ in range(50):  # 2 s watched, 2 s not
        assert not harness.pass_seconds(2, crowd(5, 1.0))
        assert not harness.silence(2)


def test_alert_does_not_flap_around_the_limit(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path)
    published = []
    for number in range(600):
        published += harness.pass_seconds(1, crowd(5, 0.43 if number // 60 % 2 else 0.38))
    assert [alert.active for alert in published] == [True]


def test_quiet_minutes_limit_how_often_alerts_begin(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path, rules=[RULE | {"quiet_minutes": 10}])
    published = []
    for _ in range(10):  # one and a half minutes each way, half an hour in all
        published += harness.pass_seconds(90, crowd(5, 1.0))
        published += harness.pass_seconds(90, crowd(5, 0.0))
    starts = [alert.time for alert in published if alert.active]
    assert len(starts) >= 2
    assert all(later - earlier >= 600 for earlier, later in pairwise(starts))
    assert [alert.active for alert in published] == [True, False] * len(starts)


def test_rule_below_a_limit(tmp_path: Path) -> None:
    rule = RULE | {"direction": "below", "sentiment": "neutral", "limit": 0.5}
    harness = SimulatedEvaluator(tmp_path, rules=[rule])
    assert not harness.pass_seconds(120, crowd(5, 0.2))
    assert [alert.active for alert in harness.pass_seconds(120, crowd(5, 0.9))] == [True]


def test_cameras_are_evaluated_separately_without_visitors(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path, cameras=DOOR | {"hall": {"source": "1"}})
    bad, well = crowd(5, 1.0), crowd(5, 0.0)
    for _ in range(120):
        harness.evaluator.handle(seconds(harness.second, *bad, camera="door"))
        harness.evaluator.handle(seconds(harness.second, *bad, camera="visitor-1"))
        harness.evaluator.handle(seconds(harness.second, *well, camera="hall"))
        harness.second, harness.now = harness.second + 1, harness.now + 1
    assert [alert.camera for alert in harness.alerts()] == ["door"]


def test_visitor_cameras_never_alert(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path, cameras={})
    assert not harness.pass_seconds(120, crowd(5, 1.0), camera="visitor-4f2a")
    assert harness.pass_seconds(120, crowd(5, 1.0), camera="webcam")


def test_rule_watches_its_zone_only(tmp_path: Path) -> None:
    rules = [RULE | {"key": "till", "zone": "till"}, RULE | {"key": "all"}]
    harness = SimulatedEvaluator(tmp_path, rules=rules)
    # the till is negative, the others are not: a share of 0.2 over everybody
    readings = crowd(2, 1.0, zone="till") + tuple(
        reading for reading in crowd(10, 0.0) if reading.track not in ("p0", "p1")
    )
    assert [alert.rule for alert in harness.pass_seconds(120, readings)] == ["till"]
    assert [alert.rule for alert in harness.pass_seconds(120, crowd(5, 1.0, zone="till"))] == [
        "all"
    ]


def test_silent_camera_ends_its_alert(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path)
    harness.pass_seconds(60, crowd(5, 1.0))
    assert not harness.silence(50)
    assert [alert.active for alert in harness.silence(15)] == [False]


def test_empty_zone_ends_its_alert(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path, smallest_group=5)
    harness.pass_seconds(60, crowd(5, 1.0))
    assert [alert.active for alert in harness.pass_seconds(130, ())] == [False]


@pytest.mark.parametrize("jump", [-3600, -86400 * 400, 3600, 86400 * 400])
def test_clock_change_is_survived(tmp_path: Path, jump: int) -> None:
    harness = SimulatedEvaluator(tmp_path, rules=[RULE | {"quiet_minutes": 1}])
    assert harness.pass_seconds(60, crowd(5, 1.0))
    harness.second += jump
    published = harness.pass_seconds(120, crowd(5, 1.0))
    assert all(alert.active for alert in published) or len(published) == 2
    harness.pass_seconds(120, crowd(5, 0.0))
    assert [alert.active for alert in harness.pass_seconds(120, crowd(5, 1.0))][-1:] == [True]


def test_settings_change_while_running(tmp_path: Path) -> None:
    harness = SimulatedEvaluator(tmp_path, rules=[RULE | {"limit": 0.95}])
    assert not harness.pass_seconds(60, crowd(5, 0.9))
    harness.change(alerts=[RULE | {"limit": 0.5}])
    (began,) = harness.pass_seconds(1, crowd(5, 0.9))  # the window was kept
    assert began.active
    assert began.limit == 0.5
    harness.change(alerts=[])
    harness.evaluator.tick()
    (ended,) = harness.alerts()
    assert not ended.active
    harness.change(alerts=[RULE | {"limit": 0.5}])
    assert not harness.pass_seconds(1, crowd(5, 1.0))  # without a rule, the window was not kept
    harness.change(alerts=[])
    assert not harness.pass_seconds(120, crowd(5, 1.0))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.floats(0, 1)), max_size=200),
    st.sampled_from(["above", "below"]),
    st.floats(0, 1),
    st.integers(1, 9),
)
def test_alert_starts_and_ends_alternate_for_any_input(
    measures: list[tuple[float, int, float]], direction: str, limit: float, group: int
) -> None:
    rule = AlertRule.model_validate(RULE | {"direction": direction, "limit": limit})
    state = RuleState(rule, "door")
    published = []
    for second, (share, appearances, covered) in enumerate(measures):
        shares = {"positive": 1 - share, "neutral": 0.0, "negative": share} if appearances else None
        stats = WindowStats(shares=shares, seen=1.0, appearances=appearances, covered=covered)
        alert = state.update(stats, smallest_group=group, wall=second, now=second * 10)
        if alert is not None:
            published.append(alert.active)
            if alert.active:
                assert appearances >= group
                assert covered >= MIN_COVERAGE
                assert share > limit if direction == "above" else share < limit
    assert published == [number % 2 == 0 for number in range(len(published))]


def test_evaluator_runs_as_a_thread(tmp_path: Path) -> None:
    bus = EventBus()
    configuration = configured(
        tmp_path, alerts=[RULE | {"minutes": 0.1}], privacy={"smallest_group": 1}
    )
    with collecting(bus, Alert) as published:
        with AlertEvaluator(bus, configuration):
            for second in range(10):
                bus.publish(seconds(BEGIN + second, *crowd(3, 1.0)))
            wait_until(lambda: len(published) == 1)
        wait_until(lambda: len(published) == 2)  # ended by stopping the evaluator
    starts, ended = published
    assert isinstance(starts, Alert)
    assert isinstance(ended, Alert)
    assert (starts.active, ended.active) == (True, False)
