"""The sentences in which the program says why something fails, read out of its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sentistream
from sentistream import errors

ROOT = Path(sentistream.__file__).parent

ROOMS = (
    *("media", "demo", "vision", "voice", "runtime", "streams", "decision"),
    *("analyzer.py", "profiles.py", "smoothing.py", "accumulation.py"),
    *("monitor/cameras", "monitor/settings", "monitor/configuration.py", "reports/faults.py"),
)
"""Whatever works within a camera, or says on the page why settings cannot be saved."""

KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.SentistreamError)
} - {"MissingExtraError"}
"""Made of a problem and a way out; the other one makes its own sentences."""

TELLERS = KINDS | {"WorkerExit", "_give_up"}
"""What is called with sentences."""

SAYERS = {"_cause_of_death", "preparing", "describe_choice", "faults_in_words", "_often"}
"""What returns sentences."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of the source; what is filled in is a number of braces ``{}``."""

    place: str
    text: str

    def filled(self, *values: str) -> str:
        """With values in its places, again and again."""
        made, rest = "", self.text.split("{}")
        for number, piece in enumerate(rest):
            made += piece + (values[number % len(values)] if number < len(rest) - 1 else "")
        return made


def sentences() -> Iterator[Sentence]:
    """All of them."""
    for room in ROOMS:
        path = ROOT / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield from _of_file(file)
    extra = str(errors.MissingExtraError("{}", "{}"))
    yield Sentence("errors.py", extra)


def _of_file(file: Path) -> Iterator[Sentence]:
    tree = ast.parse(file.read_text("utf-8"))
    known = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        told: list[ast.expr] = []
        if isinstance(node, ast.Call) and _name(node.func) in TELLERS:
            told = node.args[1:] if _name(node.func) == "_give_up" else node.args[:2]
        elif isinstance(node, ast.FunctionDef) and node.name in SAYERS:
            told = _within(node)
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            # what is said where there is nothing better to say
            told = [part for part in node.values[1:] if " " in _text(part, known)]
        elif isinstance(node, ast.Call) and _name(node.func) == "MissingExtraError":
            told = node.args[:1]
        for each in told:
            for text in _texts(each, known):
                if text:
                    yield Sentence(f"{file.relative_to(ROOT)}:{each.lineno}", text)


def _within(function: ast.FunctionDef) -> list[ast.expr]:
    """Every text of several words in a function, its own description left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    found: list[ast.expr] = []
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinedStr | ast.Constant):
            if isinstance(node, ast.JoinedStr) or re.search(r"\w ", str(node.value)):
                found.append(node)
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def _texts(node: ast.expr, known: dict[str, ast.expr]) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body, known)
        yield from _texts(node.orelse, known)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _texts(each, known)
    else:
        yield _text(node, known)


def _text(node: ast.expr, known: dict[str, ast.expr]) -> str:
    """``{}`` for what is not known before it happens."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, known) for part in parts)
        case ast.Name(id=name) if name in known:
            return _text(known[name], known)
        case ast.Call(func=ast.Name(id="_redact")):
            return ""
    return "{}"


def _name(node: ast.expr) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")
