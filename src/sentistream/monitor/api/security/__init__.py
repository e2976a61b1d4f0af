"""The security middleware; each layer is a plain ASGI application."""

from sentistream.monitor.api.security.authentication import Authentication
from sentistream.monitor.api.security.body_limit import BodyLimit
from sentistream.monitor.api.security.csrf import CsrfCheck, csrf_token
from sentistream.monitor.api.security.host_check import HostCheck
from sentistream.monitor.api.security.path_prefix import PathPrefix, prefix_of
from sentistream.monitor.api.security.rate_limit import RateLimiter
from sentistream.monitor.api.security.security_headers import SecurityHeaders

__all__ = [
    "Authentication",
    "BodyLimit",
    "CsrfCheck",
    "HostCheck",
    "PathPrefix",
    "RateLimiter",
    "SecurityHeaders",
    "csrf_token",
    "prefix_of",
]
