"""Figures in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import CameraState

Counters = Callable[[], Mapping[str, float]]
"""Figures of the store's writer by name, counted from the start."""


class Metrics:
    """Everything that can be counted; read when it is asked for, so nothing has to be kept.

    Args:
        bus: What happens now.
        counters: Of the store's writer; None without.
    """

    media_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, bus: EventBus, counters: Counters | None) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Cameras(bus))
        if counters is not None:
            self._registry.register(_Counted(counters))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them now."""
        return generate_latest(self._registry)


class _Cameras(Collector):
    def __init__(self, bus: EventBus) -> None:
        self._hub = bus

    def collect(self) -> Iterable[Metric]:
        name, health = "sentistream_camera_", self._hub.health()
        states = GaugeMetricFamily(
            f"{name}state", "1 for what the camera is doing.", labels=["camera", "state"]
        )
        for one in health:
            for state in CameraState:
                states.add_metric([one.camera, state.value], float(one.state is state))
        yield states
        for label, text, gauge in (
            ("moments_per_second", "Moments analyzed in a second.", "moments_per_second"),
            ("tick_seconds", "Seconds between moments.", "tick"),
            ("latency_seconds", "From picture to reading, 95th percentile.", "latency"),
            ("last_picture_timestamp_seconds", "When the newest picture came.", "last_picture"),
        ):
            gauges = GaugeMetricFamily(f"{name}{label}", text, labels=["camera"])
            for one in health:
                value = getattr(one, gauge)
                if value is not None:
                    gauges.add_metric([one.camera], value)
            yield gauges
        for label, text, counter in (
            ("dropped_moments", "Moments dropped because they came too fast.", "dropped"),
            ("damaged", "Packets or pictures that could not be decoded.", "damaged"),
            ("restarts", "Times it was started again.", "restarts"),
        ):
            counters = CounterMetricFamily(f"{name}{label}", text, labels=["camera"])
            for one in health:
                counters.add_metric([one.camera], getattr(one, counter))
            yield counters
        yield GaugeMetricFamily(
            "sentistream_subscribers", "Listeners to events.", value=self._hub.subscribers
        )
        yield CounterMetricFamily(
            "sentistream_subscriber_drops",
            "Events dropped because a listener was slow.",
            value=self._hub.dropped,
        )


class _Counted(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        for name, value in sorted(self._counters().items()):
            yield CounterMetricFamily(
                f"sentistream_store_{name}", f"The store's writer: {name}.", value=value
            )
