"""Write the conda recipe and the Homebrew formula of a release.

Usage: python scripts/fill_recipes.py dist/sentistream-1.2.0.tar.gz --out dist/recipes

The templates in deploy/ are the same for every release; this fills in the version, the URL of the
sdist on PyPI and its checksum.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

DEPLOY = Path(__file__).parents[1] / "deploy"
ADDRESS = "https://files.pythonhosted.org/packages/source/s/sentistream/{name}"


def conda(version: str, address: str, digest: str) -> str:
    """The recipe, with the sdist as its source instead of the tree."""
    text = (DEPLOY / "conda" / "meta.yaml").read_text("utf-8")
    text = _replaced(r'set version = "[^"]*"', f'set version = "{version}"', text)
    text = _replaced(r"  path: \.\./\.\.", f"  url: {address}\n  sha256: {digest}", text)
    return re.sub(r"\A(?:#.*\n)+", "", text)


def homebrew(address: str, digest: str) -> str:
    """The formula."""
    text = (DEPLOY / "homebrew" / "sentistream.rb").read_text("utf-8")
    text = _replaced(r'  url "[^"]*"', f'  url "{address}"', text)
    text = _replaced(r'  sha256 "[^"]*"', f'  sha256 "{digest}"', text)
    return re.sub(r"\A(?:#.*\n)+", "", text)


def _replaced(pattern: str, text: str, within: str) -> str:
    found, count = re.subn(pattern, text, within)
    if count != 1:
        sys.exit(f"{pattern!r} is there {count} times.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("sdist", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="Folder for the two files.")
    arguments = parser.parse_args()
    match = re.fullmatch(r"sentistream-([\w.]+)\.tar\.gz", arguments.sdist.name)
    if match is None:
        sys.exit(f"{arguments.sdist.name} is no sdist of sentistream.")
    address = ADDRESS.format(name=arguments.sdist.name)
    digest = hashlib.sha256(arguments.sdist.read_bytes()).hexdigest()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "meta.yaml").write_text(conda(match[1], address, digest), "utf-8")
    (arguments.out / "sentistream.rb").write_text(homebrew(address, digest), "utf-8")
    print(f"{arguments.out}: meta.yaml and sentistream.rb of {match[1]}")


if __name__ == "__main__":
    main()
