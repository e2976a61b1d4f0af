"""Alerts: rules about the sentiment, cameras that are down, disks that are nearly full."""

from sentistream.monitor.alerts.evaluator import AlertEvaluator, RuleState
from sentistream.monitor.alerts.health_watch import HealthWatch
from sentistream.monitor.alerts.sliding_window import SlidingWindow, WindowStats

__all__ = ["AlertEvaluator", "HealthWatch", "RuleState", "SlidingWindow", "WindowStats"]
