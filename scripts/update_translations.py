"""Bring the catalogues ``src/sentistream/monitor/locales/*.po`` up to date with the source.

``python scripts/update_translations.py`` adds new messages with an empty translation and removes
obsolete ones. ``--check`` changes nothing and fails if anything is missing. A new language is one
new file: ``python scripts/update_translations.py --add es``.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import sentistream
from sentistream.monitor.settings import AlertRule, CameraSettings, Settings
from sentistream.monitor.web.form_fields import Kind, kind_of, row_model

PACKAGE = Path(sentistream.__file__).parent
LOCALES = PACKAGE / "monitor" / "locales"

Id = str | tuple[str, str]
"""A message, or its singular and plural."""

ERRORS = {
    *("SentistreamError", "InputError", "OutputError", "ModelError", "StorageError"),
    *("HTTPException", "WorkerExit", "_give_up", "JoinError", "UnknownSiteError"),
}
"""Classes called with user-visible sentences: a problem, and a hint."""

WITH_ERRORS = (
    *("media", "demo", "vision", "voice", "runtime", "streams", "decision"),
    *("analyzer.py", "profiles.py", "smoothing.py", "accumulation.py", "errors.py"),
    *("monitor/cameras", "monitor/settings", "monitor/api", "monitor/accounts"),
    *("monitor/alerts", "monitor/notify", "monitor/digest"),
    *("monitor/configuration.py", "monitor/web", "reports/report_wording.py"),
    *("monitor/fleet", "monitor/site_link", "monitor/headquarters"),
)
"""Code that runs in a camera worker, or answers a request."""

IN_THE_TERMINAL = ("monitor/accounts/password_reset.py",)
"""Used by the command line only."""

SYSTEM_REASONS = (
    *("no answer", "immediate exit requested", "end of file"),
    "invalid data found when processing input",
    "server returned 400 bad request",
    "server returned 401 unauthorized (authorization failed)",
    "server returned 403 forbidden (access denied)",
    "server returned 404 not found",
    "server returned 4xx client error, but not one of 40{0,1,3,4}",
    "server returned 5xx server error reply",
    *("protocol not found", "stream not found", "decoder not found", "demuxer not found"),
    *("option not found", "operation not permitted", "no such file or directory"),
    *("input/output error", "no such device or address", "no such device"),
    *("resource temporarily unavailable", "cannot allocate memory", "permission denied"),
    *("device or resource busy", "file exists", "not a directory", "is a directory"),
    *("invalid argument", "too many open files", "too many open files in system"),
    *("inappropriate ioctl for device", "no space left on device", "read-only file system"),
    *("disk quota exceeded", "broken pipe", "protocol error", "connection refused"),
    *("connection reset by peer", "connection timed out", "software caused connection abort"),
    *("network is down", "network is unreachable", "no route to host", "host is down"),
    *("cannot assign requested address", "address already in use"),
    "name or service not known",
)
"""Error messages of FFmpeg and the operating system, in lower case; not in the source."""


def messages() -> dict[Id, list[str]]:
    """Every message of the source, with the files it appears in."""
    found: dict[Id, list[str]] = {}
    for file, message in (*_in_python(), *_in_templates(), *_in_settings(), *_of_the_system()):
        places = found.setdefault(message, [])
        if file not in places:
            places.append(file)
    return found


def updated(language: str, wanted: Mapping[Id, list[str]]) -> Catalog:
    """A language's catalogue with exactly the given messages."""
    path = LOCALES / f"{language}.po"
    old = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as file:
            old = read_po(file, locale=language)
    new = Catalog(locale=language, project="sentistream", fuzzy=False)
    new.header_comment = f"# sentistream in {new.locale.english_name if new.locale else language}."
    for message in sorted(wanted, key=lambda each: (sorted(wanted[each]), str(each))):
        known = old.get(message)
        new.add(
            message,
            known.string if known is not None else None,
            locations=[(place, None) for place in sorted(wanted[message])],  # type: ignore[misc]
        )
    return new


def untranslated(catalogue: Catalog) -> list[object]:
    """Messages without a translation, or without one of its plural forms."""
    return [
        message.id
        for message in catalogue
        if message.id
        and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


def written(catalogue: Catalog) -> bytes:
    """A catalogue as file content, without dates and names that would change each time."""
    file = io.BytesIO()
    write_po(file, catalogue, width=98, sort_output=False, include_lineno=False)
    kept = (b'"Language: ', b'"Plural-Forms: ', b'"Content-', b'"MIME-')
    lines = file.getvalue().splitlines(keepends=True)
    end = lines.index(b"\n")
    head = [line for line in lines[:end] if not line.startswith(b'"') or line.startswith(kept)]
    return b"".join([*head, *lines[end:]])


def _in_python() -> Iterator[tuple[str, Id]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        has_errors = file.startswith(WITH_ERRORS) and file not in IN_THE_TERMINAL
        tree = ast.parse(path.read_text("utf-8"))
        constants = _module_constants(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
            texts = [_constant(argument) for argument in node.args]
            if name == "ngettext" and len(texts) > 1 and texts[0] and texts[1]:
                yield file, (texts[0], texts[1])
            elif name in ("gettext", "N_") or (name == "Translatable" and has_errors):
                yield from ((file, text) for text in texts[:1] if text)
            elif (name in ERRORS and has_errors) or (
                name == "ValueError" and file.startswith("monitor/settings")
            ):
                for each in node.args[:3]:
                    yield from ((file, text) for text in _sentences(each, constants))
            elif name == "MissingExtraError" and has_errors:
                yield from ((file, text) for text in texts[:1] if text)


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _module_constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _sentences(node: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id in constants:
        yield from _sentences(constants[node.id], {})
    elif isinstance(node, ast.IfExp):
        yield from (*_sentences(node.body, constants), *_sentences(node.orelse, constants))
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _sentences(each, constants)
    elif " " in _constant(node):
        yield _constant(node)


def _in_templates() -> Iterator[tuple[str, Id]]:
    environment = Environment(autoescape=True)
    folders = (PACKAGE / "monitor" / name / "templates" for name in ("web", "notify", "privacy"))
    for path in (path for folder in folders for path in sorted(folder.glob("*.j2"))):
        file = path.relative_to(PACKAGE).as_posix()
        tree = environment.parse(path.read_text("utf-8"))
        for _, name, texts in extract_from_ast(tree, gettext_functions=("_", "ngettext")):
            forms = texts if isinstance(texts, tuple) else (texts,)
            if name == "ngettext" and forms[0] and forms[1]:
                yield file, (forms[0], forms[1])
            elif forms[0]:
                yield file, forms[0]


def _in_settings() -> Iterator[tuple[str, Id]]:
    own_pages = ("cameras", "alerts")
    settings = {name: info for name, info in Settings.model_fields.items() if name not in own_pages}
    for fields in (settings, CameraSettings.model_fields, AlertRule.model_fields):
        yield from (("monitor/settings", text) for text in _described(fields))


def _described(fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    for info in fields.values():
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            # a nested model; the pages have their own title for it
            yield from _described(annotation.model_fields)
            continue
        yield from (text for text in (info.title, info.description) if text)
        if kind_of(info) is Kind.ROWS:
            yield from _described(row_model(info).model_fields)


def _of_the_system() -> Iterator[tuple[str, Id]]:
    return (("system", text) for text in SYSTEM_REASONS)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if incomplete")
    parser.add_argument("--add", metavar="LANGUAGE", help="add another language, such as es")
    options = parser.parse_args()
    wanted, incomplete = messages(), False
    languages = {path.stem for path in LOCALES.glob("*.po")} | ({options.add} - {None})
    for language in sorted(languages):
        catalogue = updated(language, wanted)
        missing = untranslated(catalogue)
        incomplete |= bool(missing)
        print(f"{language}: {len(wanted)} messages, {len(missing)} without a translation")
        if options.check:
            for message in missing:
                print(f"  {message}")
        else:
            (LOCALES / f"{language}.po").write_bytes(written(catalogue))
    return int(options.check and incomplete)


if __name__ == "__main__":
    sys.exit(main())
