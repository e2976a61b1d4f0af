"""Install packages for the running interpreter: with uv, in a sixth of pip's time, or with pip.

Usage: python scripts/install.py ARGUMENTS, as for ``pip install``.

uv does not read pip's configuration, so this script passes its package indexes on. If uv is not
available, fails, or has no equivalent of a setting, pip is used.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
INSTALL = [*PIP, "--quiet", "install"]

# pip option: uv variable, and its separator between values
PASSED_ON = {
    "cert": ("SSL_CERT_FILE", " "),
    "constraint": ("UV_CONSTRAINT", " "),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "proxy": ("ALL_PROXY", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
}
# options without effect on what is installed
LEFT_OUT = {
    "cache-dir",
    "default-timeout",
    "disable-pip-version-check",
    "no-cache-dir",
    "no-color",
    "no-input",
    "no-warn-script-location",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "retries",
    "root-user-action",
    "timeout",
    "verbose",
}


def pip_settings(listed: str) -> dict[str, str]:
    """The settings that apply to ``pip install``, from the lines of ``pip config list``.

    Environment variables override a file's ``[install]``, which overrides its ``[global]``.
    """
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in found:
            found[section][option] = str(ast.literal_eval(value))
    return found["global"] | found["install"] | found[":env:"]


def uv_environment(settings: dict[str, str]) -> dict[str, str] | None:
    """The same as uv variables; None if uv has no equivalent of one of them."""
    if settings.keys() - PASSED_ON.keys() - LEFT_OUT:
        return None
    # like pip: the newest version of all indexes
    variables = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    for option, (variable, separator) in PASSED_ON.items():
        if values := settings.get(option, "").split():
            variables[variable] = separator.join(values)
    return variables


def find_uv() -> list[str] | None:
    """uv's command: the one on the path, or one that pip installs beside this interpreter."""
    if uv := shutil.which("uv"):
        return [uv]
    # a local index without uv makes pip warn
    done = subprocess.run([*INSTALL, "uv"], capture_output=True, check=False)  # noqa: S603
    return None if done.returncode else [sys.executable, "-m", "uv"]


def main() -> None:
    listed = subprocess.run(  # noqa: S603
        [*PIP, "config", "list"], capture_output=True, text=True, check=False
    )
    environment = uv_environment(pip_settings(listed.stdout))
    if environment is not None and (uv := find_uv()):
        command = [*uv, "pip", "install", "--quiet", "--python", sys.executable, *sys.argv[1:]]
        done = subprocess.run(command, env={**environment, **os.environ}, check=False)  # noqa: S603
        if done.returncode == 0:
            return
        print("uv could not install these; pip tries.", file=sys.stderr)
    sys.exit(subprocess.run([*INSTALL, *sys.argv[1:]], check=False).returncode)  # noqa: S603


if __name__ == "__main__":
    main()
