"""What stands between the network and the monitor; each layer is a plain ASGI application."""

from sentistream.monitor.api.security.bodies import BodyLimit
from sentistream.monitor.api.security.forgery import ForgeryCheck, csrf_token
from sentistream.monitor.api.security.guard import Guard
from sentistream.monitor.api.security.headers import SecureHeaders
from sentistream.monitor.api.security.hosts import HostCheck
from sentistream.monitor.api.security.prefix import Prefix, prefix_of
from sentistream.monitor.api.security.rates import RateLimiter

__all__ = [
    "BodyLimit",
    "ForgeryCheck",
    "Guard",
    "HostCheck",
    "Prefix",
    "RateLimiter",
    "SecureHeaders",
    "csrf_token",
    "prefix_of",
]
