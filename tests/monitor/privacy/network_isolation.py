"""Run Python in a network namespace, and count the packets it tries to send.

The namespace has a link to nowhere with the default route: every packet sent beyond the machine,
by any library, is counted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SETUP = """
set -e
ip link set lo up
ip link add out type veth peer name nowhere
sysctl -qw net.ipv6.conf.out.disable_ipv6=1 net.ipv6.conf.nowhere.disable_ipv6=1 2>/dev/null || true
ip addr add 10.99.0.1/24 dev out
ip link set out up
ip link set nowhere up
ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:01 dev out
ip route add default via 10.99.0.2
# until the kernel has noticed that the link is up, packets are dropped before they are counted
for _ in $(seq 200); do ip -o link show out | grep -q "state UP" && break; sleep 0.02; done
exec "$@"
"""

COUNTING = """
def sent():
    # the tenth figure of the line is packets sent
    lines = open("/proc/self/net/dev").read().splitlines()
    (line,) = [each for each in lines if each.strip().startswith("out:")]
    return int(line.split(":")[1].split()[9])
"""


def run_isolated(script: str, *arguments: str, limit: float = 120) -> str:
    """A script's output in its own namespace; the script may call ``sent()``.

    Skips the test if no namespace can be created.

    Raises:
        AssertionError: The script failed.
    """
    unshare, ip = shutil.which("unshare"), shutil.which("ip", path=f"{os.defpath}:/usr/sbin:/sbin")
    if unshare is None or ip is None:
        pytest.skip("needs unshare and ip")
    environment = os.environ | {
        "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), *sys.path[1:]]),
    }
    code = COUNTING + textwrap.dedent(script)
    ran = subprocess.run(  # noqa: S603
        [unshare, "-rn", "sh", "-c", SETUP, "sh", sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=limit,
        env=environment,
        check=False,
    )
    if ran.returncode != 0 and ("unshare:" in ran.stderr or "RTNETLINK" in ran.stderr):
        pytest.skip(f"needs a network namespace: {ran.stderr.strip().splitlines()[0]}")
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout
