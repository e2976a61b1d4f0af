"""Fails where a type of the public interface is missing: pyright's ``--verifytypes``.

Usage: python scripts/check_type_completeness.py [MIN]; MIN is a share of 0 to 1. It needs every
extra, since types of packages that are not installed are unknown, and pyright downloads Node.js
if it is not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

MIN = 1.0
SOURCE = Path(__file__).parents[1] / "src"


def main() -> None:
    least = float(sys.argv[1]) if len(sys.argv) > 1 else MIN
    # if the interpreter is a symlink, pyright may miss the environment's packages
    paths = os.pathsep.join([str(SOURCE), sysconfig.get_path("purelib")])
    command = [sys.executable, "-m", "pyright", "--verifytypes", "sentistream"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603
            [*command, "--ignoreexternal", "--outputjson"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        found = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        sys.exit(f"pyright did not answer: {done.stderr or done.stdout}")
    for symbol in found["symbols"]:
        if symbol["isExported"] and not (symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]):
            print(symbol["name"])
    score = found["completenessScore"]
    print(f"Types of {score:.1%} of the public interface are known.")
    if score < least:
        sys.exit(f"At least {least:.1%} are wanted.")


if __name__ == "__main__":
    main()
