"""Alert rules over simulated seconds: when alerts begin, end, and stay off."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening import BEGIN, collecting, configured, crowd, seconds, until
from sentistream.monitor.alerts import AlertEvaluator, RuleState, WindowStats
from sentistream.monitor.alerts.evaluator import MIN_COVERAGE
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import Alert, SecondReading
from sentistream.monitor.settings import AlertRule

RULE = {"key": "mood", "name": "Bad mood", "minutes": 1, "limit": 0.4, "quiet_minutes": 0}
DOOR = {"door": {"source": "0"}}


@dataclass
class Simulated:
    """An evaluator without a thread, whose clock follows the given seconds."""

    folder: Path
    rules: list[dict[str, Any]] = field(default_factory=lambda: [RULE])
    cameras: dict[str, Any] = field(default_factory=lambda: dict(DOOR))
    smallest_group: int = 1

    def __post_init__(self) -> None:
        self.now = 0.0
        self.second = BEGIN
        self.bus = EventBus()
        self.told = self.bus.subscribe(Alert, depth=10_000)
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
        return [alert for alert in self.told.take(0) if isinstance(alert, Alert)]


def test_alert_begins_and_ends_once(tmp_path: Path) -> None:
    it = Simulated(tmp_path)
    began = it.pass_seconds(300, crowd(5, 0.9))
    assert [alert.active for alert in began] == [True]
    (alert,) = began
    assert (alert.rule, alert.camera, alert.zone, alert.minutes) == ("mood", "door", "", 1)
    assert alert.share == pytest.approx(0.9)
    assert alert.time == BEGIN + MIN_COVERAGE * 60
    ended = it.pass_seconds(300, crowd(5, 0.0))
    assert [alert.active for alert in ended] == [False]


def test_too_few_appearances_raise_no_alert(tmp_path: Path) -> None:
    it = Simulated(tmp_path, smallest_group=5)
    assert not it.pass_seconds(300, crowd(4, 1.0))
    assert it.pass_seconds(10, crowd(5, 1.0))


def test_too_little_watched_time_raises_no_alert(tmp_path: Path) -> None:
    it = Simulated(tmp_path)
    for _ in range(50):  # 2 s watched, 2 s not
        assert not it.pass_seconds(2, crowd(5, 1.0))
        assert not it.silence(2)


def test_alert_does_not_flap_around_the_limit(tmp_path: Path) -> None:
    it = Simulated(tmp_path)
    told = []
    for number in range(600):
        told += it.pass_seconds(1, crowd(5, 0.43 if number // 60 % 2 else 0.38))
    assert [alert.active for alert in told] == [True]


def test_quiet_minutes_limit_how_often_alerts_begin(tmp_path: Path) -> None:
    it = Simulated(tmp_path, rules=[RULE | {"quiet_minutes": 10}])
    told = []
    for _ in range(10):  # one and a half minutes each way, half an hour in all
        told += it.pass_seconds(90, crowd(5, 1.0))
        told += it.pass_seconds(90, crowd(5, 0.0))
    begun = [alert.time for alert in told if alert.active]
    assert len(begun) >= 2
    assert all(later - earlier >= 600 for earlier, later in pairwise(begun))
    assert [alert.active for alert in told] == [True, False] * len(begun)


def test_rule_below_a_limit(tmp_path: Path) -> None:
    rule = RULE | {"direction": "below", "sentiment": "neutral", "limit": 0.5}
    it = Simulated(tmp_path, rules=[rule])
    assert not it.pass_seconds(120, crowd(5, 0.2))
    assert [alert.active for alert in it.pass_seconds(120, crowd(5, 0.9))] == [True]


def test_cameras_are_evaluated_separately_without_visitors(tmp_path: Path) -> None:
    it = Simulated(tmp_path, cameras=DOOR | {"hall": {"source": "1"}})
    bad, well = crowd(5, 1.0), crowd(5, 0.0)
    for _ in range(120):
        it.evaluator.handle(seconds(it.second, *bad, camera="door"))
        it.evaluator.handle(seconds(it.second, *bad, camera="visitor-1"))
        it.evaluator.handle(seconds(it.second, *well, camera="hall"))
        it.second, it.now = it.second + 1, it.now + 1
    assert [alert.camera for alert in it.alerts()] == ["door"]


def test_visitor_cameras_never_alert(tmp_path: Path) -> None:
    it = Simulated(tmp_path, cameras={})
    assert not it.pass_seconds(120, crowd(5, 1.0), camera="visitor-4f2a")
    assert it.pass_seconds(120, crowd(5, 1.0), camera="webcam")


def test_rule_watches_its_zone_only(tmp_path: Path) -> None:
    rules = [RULE | {"key": "till", "zone": "till"}, RULE | {"key": "all"}]
    it = Simulated(tmp_path, rules=rules)
    # the till is negative, the others are not: a share of 0.2 over everybody
    readings = crowd(2, 1.0, zone="till") + tuple(
        reading for reading in crowd(10, 0.0) if reading.track not in ("p0", "p1")
    )
    assert [alert.rule for alert in it.pass_seconds(120, readings)] == ["till"]
    assert [alert.rule for alert in it.pass_seconds(120, crowd(5, 1.0, zone="till"))] == ["all"]


def test_silent_camera_ends_its_alert(tmp_path: Path) -> None:
    it = Simulated(tmp_path)
    it.pass_seconds(60, crowd(5, 1.0))
    assert not it.silence(50)
    assert [alert.active for alert in it.silence(15)] == [False]


def test_empty_zone_ends_its_alert(tmp_path: Path) -> None:
    it = Simulated(tmp_path, smallest_group=5)
    it.pass_seconds(60, crowd(5, 1.0))
    assert [alert.active for alert in it.pass_seconds(130, ())] == [False]


@pytest.mark.parametrize("jump", [-3600, -86400 * 400, 3600, 86400 * 400])
def test_clock_change_is_survived(tmp_path: Path, jump: int) -> None:
    it = Simulated(tmp_path, rules=[RULE | {"quiet_minutes": 1}])
    assert it.pass_seconds(60, crowd(5, 1.0))
    it.second += jump
    told = it.pass_seconds(120, crowd(5, 1.0))
    assert all(alert.active for alert in told) or len(told) == 2
    it.pass_seconds(120, crowd(5, 0.0))
    assert [alert.active for alert in it.pass_seconds(120, crowd(5, 1.0))][-1:] == [True]


def test_settings_change_while_running(tmp_path: Path) -> None:
    it = Simulated(tmp_path, rules=[RULE | {"limit": 0.95}])
    assert not it.pass_seconds(60, crowd(5, 0.9))
    it.change(alerts=[RULE | {"limit": 0.5}])
    (began,) = it.pass_seconds(1, crowd(5, 0.9))  # the window was kept
    assert began.active
    assert began.limit == 0.5
    it.change(alerts=[])
    it.evaluator.tick()
    (ended,) = it.alerts()
    assert not ended.active
    it.change(alerts=[RULE | {"limit": 0.5}])
    assert not it.pass_seconds(1, crowd(5, 1.0))  # without a rule, the window was not kept
    it.change(alerts=[])
    assert not it.pass_seconds(120, crowd(5, 1.0))


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
    told = []
    for second, (share, appearances, covered) in enumerate(measures):
        shares = {"positive": 1 - share, "neutral": 0.0, "negative": share} if appearances else None
        stats = WindowStats(shares=shares, seen=1.0, appearances=appearances, covered=covered)
        alert = state.update(stats, smallest_group=group, wall=second, now=second * 10)
        if alert is not None:
            told.append(alert.active)
            if alert.active:
                assert appearances >= group
                assert covered >= MIN_COVERAGE
                assert share > limit if direction == "above" else share < limit
    assert told == [number % 2 == 0 for number in range(len(told))]


def test_evaluator_runs_as_a_thread(tmp_path: Path) -> None:
    bus = EventBus()
    configuration = configured(
        tmp_path, alerts=[RULE | {"minutes": 0.1}], privacy={"smallest_group": 1}
    )
    with collecting(bus, Alert) as told:
        with AlertEvaluator(bus, configuration):
            for second in range(10):
                bus.publish(seconds(BEGIN + second, *crowd(3, 1.0)))
            until(lambda: len(told) == 1)
        until(lambda: len(told) == 2)  # ended by stopping the evaluator
    begun, ended = told
    assert isinstance(begun, Alert)
    assert isinstance(ended, Alert)
    assert (begun.active, ended.active) == (True, False)
