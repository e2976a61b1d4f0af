"""Rate limits."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope


class RateLimiter:
    """A token bucket per key; thread-safe, bounded in memory.

    Args:
        most: How many keys are remembered; the least recently used are dropped first.
        clock: A monotonic clock, seconds.
    """

    def __init__(self, most: int = 8192, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, a_minute: float, cost: float = 1.0) -> float:
        """Takes ``cost`` from the key's bucket of ``a_minute``.

        Returns:
            0 if allowed, else the seconds to wait; nothing was taken then.
        """
        now = self._clock()
        with self._lock:
            level, then = self._buckets.get(key, (a_minute, now))
            level = min(a_minute, level + (now - then) * a_minute / 60)
            wait = 0.0 if level >= cost else (cost - level) * 60 / a_minute
            self._buckets[key] = (level if wait else level - cost), now
            self._buckets.move_to_end(key)
            while len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return wait

    def refund(self, key: str, cost: float = 1.0) -> None:
        """Undoes a ``take``."""
        with self._lock:
            if key in self._buckets:
                level, then = self._buckets[key]
                self._buckets[key] = level + cost, then


def client_address(scope: Scope) -> str:
    """The key of a client: its IPv4 address, or the /64 prefix of its IPv6 address."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
