"""How fast, how large, how many streams: measured on this machine, beside yardsticks."""

from sentistream.benchmarking.speed_benchmark import Plan, measure

__all__ = ["Plan", "measure"]
