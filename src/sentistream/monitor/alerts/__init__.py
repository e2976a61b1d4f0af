"""Alert rules: when the sentiment on a camera starts and stops to meet one."""

from sentistream.monitor.alerts.evaluator import AlertEvaluator, RuleState
from sentistream.monitor.alerts.sliding_window import SlidingWindow, WindowStats

__all__ = ["AlertEvaluator", "RuleState", "SlidingWindow", "WindowStats"]
