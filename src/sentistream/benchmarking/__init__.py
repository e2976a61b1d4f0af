"""Speed, size and number of streams, measured on this machine and compared with baselines."""

from sentistream.benchmarking.speed_benchmark import Plan, measure

__all__ = ["Plan", "measure"]
