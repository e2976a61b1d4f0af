"""Fail if a base installation, in a fresh environment, takes too much disk space."""

from __future__ import annotations

import sys

from sentistream.benchmarking.system_facts import installed_bytes

LIMIT = 300e6


def main() -> int:
    sizes = installed_bytes()
    for name, size in sizes.items():
        print(f"{name:20} {size / 1e6:7.1f} MB")
    total = sum(sizes.values())
    print(f"{'in all':20} {total / 1e6:7.1f} MB (limit {LIMIT / 1e6:.0f} MB)")
    return total > LIMIT


if __name__ == "__main__":
    sys.exit(main())
