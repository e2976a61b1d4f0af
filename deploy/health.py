"""The container's health check: 0 where the monitor here answers, with or without TLS."""

import ssl
import sys
import urllib.request


def answers(port: int) -> bool:
    """Whether ``/health`` says 200 within the time."""
    own = ssl.create_default_context()
    # its certificate is made out to the name outside, not to 127.0.0.1
    own.check_hostname = False
    own.verify_mode = ssl.CERT_NONE
    for scheme in ("http", "https"):
        try:
            with urllib.request.urlopen(  # noqa: S310 - the scheme is ours
                f"{scheme}://127.0.0.1:{port}/health", timeout=2, context=own
            ):
                return True
        except OSError:  # refused, another protocol, too late, or an answer that is not 200
            continue
    return False


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1])) else 1)
