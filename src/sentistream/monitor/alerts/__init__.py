"""Rules that come true: who was how for how long, and when somebody is told."""

from sentistream.monitor.alerts.judge import Judge
from sentistream.monitor.alerts.watch import AlertWatch
from sentistream.monitor.alerts.window import Measure, SlidingWindow

__all__ = ["AlertWatch", "Judge", "Measure", "SlidingWindow"]
