"""Hooks of MkDocs: pages from the repository's root, links that lead out of ``docs/``, and what the
demonstration in the browser needs."""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path

from browser_demo import MissingRuntimeError, fetch_runtime, network_files
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages beside ``docs/``, and their names on the site."""

LINK = re.compile(r"(!?\[(?:[^\]\[]|\[[^\]]*\])*\])\(([^)\s#]+)(#[^)\s]*)?\)")


def on_pre_build(config: MkDocsConfig) -> None:
    """Gets the runtime of the demonstration; without it, the demonstration says what is missing."""
    try:
        fetch_runtime()
    except MissingRuntimeError as problem:
        logging.getLogger("mkdocs.hooks").info("The demonstration in the browser: %s.", problem)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of ``ROOT_PAGES``, and the networks of the demonstration."""
    for name, page in ROOT_PAGES.items():
        text = (ROOT / name).read_text("utf-8")
        files.append(File.generated(config, page, content=text))
    for path in network_files():
        name = f"browser/models/{path.name}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of a page as they are on the site."""
    source = page.file.src_uri
    root_name = next((name for name, other in ROOT_PAGES.items() if other == source), None)
    folder = "" if root_name else "docs"
    return LINK.sub(lambda match: link_on_site(match, folder, config.repo_url), markdown)


def link_on_site(link: re.Match[str], folder: str, repository: str | None) -> str:
    """One link: to a page of the site, to the repository, or as plain text where none is known.

    Args:
        link: A match of ``LINK``.
        folder: Where the file with the link is, from the repository's root.
        repository: Address of the repository.
    """
    text, target, anchor = link[1], link[2], link[3] or ""
    if "://" in target or target.startswith("mailto:"):
        return link[0]
    path = posixpath.normpath(posixpath.join(folder, target))
    if path in ROOT_PAGES:
        return f"{text}({ROOT_PAGES[path]}{anchor})"
    if path.startswith("docs/"):
        return f"{text}({path.removeprefix('docs/')}{anchor})"
    if repository:
        return f"{text}({repository.rstrip('/')}/blob/main/{path}{anchor})"
    return text[1:-1]
