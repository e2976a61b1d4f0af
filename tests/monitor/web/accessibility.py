"""Accessibility rules, checked in the browser; also axe-core if available.

Set ``SENTISTREAM_AXE`` to a file ``axe.min.js`` (npm's package ``axe-core``) for its rules.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from playwright.sync_api import Page

RULES = (Path(__file__).parent / "accessibility.js").read_text("utf-8")


def accessibility_violations(page: Page) -> list[str]:
    """The accessibility violations of the page as displayed."""
    found = [str(fault) for fault in page.evaluate(RULES)]
    axe = os.environ.get("SENTISTREAM_AXE", "")
    if axe:
        page.evaluate(Path(axe).read_text("utf-8"))
        problems = page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify("
            "r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 120))])))"
        )
        found += [f"axe {rule}: {text} {nodes[:3]}" for rule, text, nodes in json.loads(problems)]
    return found
