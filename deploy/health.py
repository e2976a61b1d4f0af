"""The container's health check: 0 if the monitor here answers, with or without TLS."""

import http.client
import ssl
import sys


def answers(port: int) -> bool:
    """Whether ``/health`` answers 200 within the timeout."""
    own = ssl.create_default_context()
    # its certificate is for the public name, not for 127.0.0.1
    own.check_hostname = False
    own.verify_mode = ssl.CERT_NONE
    ways = (
        http.client.HTTPConnection("127.0.0.1", port, timeout=2),
        http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=own),
    )
    for connection in ways:
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except (OSError, http.client.HTTPException):  # refused, another protocol, too late
            continue
        finally:
            connection.close()
    return False


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1])) else 1)
