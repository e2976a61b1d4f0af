"""CSV as people and spreadsheets write it: separators and encodings are detected."""

from __future__ import annotations

import codecs
import csv
import functools
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentistream.errors import InputError
from sentistream.values import ByValue

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
MAX_BYTES = 1 << 30
"""Bytes of a list of samples; a larger one is refused."""
ASSUMED = "cp1252"
"""Encoding of lists that are not Unicode: the Windows code page for western letters."""
_SAVE = "Save the list as CSV in UTF-8."
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True, eq=False)
class ListRow(ByValue):
    """A row that is not empty.

    Attributes:
        line: Its line in the file, from 1.
        values: By the name of the column; missing ones are empty.
    """

    line: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class CsvList:
    """A list, read.

    Attributes:
        path: The file.
        columns: In order; known ones in lower case.
        separator: The field separator.
        text: The rest.
        skipped: Lines before the names of the columns.
    """

    path: Path
    columns: tuple[str, ...]
    separator: str
    text: str
    skipped: int

    @property
    def described(self) -> str:
        """How its first line was interpreted."""
        columns = ", ".join(self.columns) or "nothing"
        return f"with {SEPARATORS[self.separator]} as separator its first line names: {columns}"

    def rows(self) -> Iterator[ListRow]:
        """Its rows; empty ones are skipped.

        Raises:
            InputError: A row has more fields than there are columns, or is not CSV.
        """
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.separator)
        try:
            next(reader, None)
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                line = reader.line_num + self.skipped
                if any(field.strip() for field in fields[len(self.columns) :]):
                    raise InputError(
                        f"Line {line} of {self.path} has {len(fields)} fields for "
                        f"{len(self.columns)} columns.",
                        f'Put a field that holds {SEPARATORS[self.separator]} between "...".',
                    )
                lacking = len(self.columns) - len(fields)
                values = [*fields, *[""] * max(0, lacking)]
                named = zip(self.columns, values, strict=False)
                yield ListRow(line, {name: value for name, value in named if name})
        except csv.Error as error:
            line = reader.line_num + self.skipped
            raise InputError(f"Line {line} of {self.path} is no CSV ({error}).") from None


def read_csv_list(path: Path, known: Collection[str]) -> CsvList:
    """Reads a list as spreadsheets in any language write it.

    Commas, semicolons, tabs or bars between fields, UTF-8, UTF-16 or the western Windows
    code page, with or without a byte order mark, and capitals in the names of columns.

    Args:
        path: The file.
        known: The names of known columns, in lower case.

    Raises:
        InputError: It cannot be read, or names a column twice.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is too large for a list.", "Name a CSV file.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The list {path} cannot be read ({error.strerror}).", "Check its name."
        ) from None
    try:
        text = _decoded(content)
    except UnicodeDecodeError:
        raise InputError(
            f"The list {path} cannot be read: it is neither Unicode nor {ASSUMED}.",
            _SAVE,
        ) from None
    if "\n" not in text:  # as old programs end lines
        text = text.replace("\r", "\n")
    first, _, rest = text.partition("\n")
    skipped = 0
    separator = ""
    if first.lower().startswith("sep=") and len(first.rstrip("\r")) == len("sep=,"):
        separator, text, skipped = first[4], rest, 1
        first = rest.partition("\n")[0]
    if separator not in SEPARATORS:
        separator = max(SEPARATORS, key=lambda each: len(_fields(first, each)))
    columns = tuple(
        name.lower() if (name := field.strip()).lower() in known else name
        for field in _fields(first, separator)
    )
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise InputError(
            f"{path} names the column {' and '.join(sorted(twice))} twice.", "Rename one."
        )
    return CsvList(path, columns, separator, text, skipped)


def resolve_listed_path(path: Path, named: str) -> Path:
    """The file that a list names: relative to the list's folder, else to the working folder.

    Backslashes are read as slashes if there is no such file otherwise. If there is none at all,
    the result is the name in the list's folder.

    Raises:
        InputError: There is none, and the list's encoding was guessed, so that the name may
            be misread.
    """
    texts = dict.fromkeys((named, named.strip(), named.strip().replace("\\", "/")))
    for text in filter(None, texts):
        for place in (path.parent / text, Path(text)):
            try:
                if "\0" not in text and place.exists():
                    return place
            except OSError:  # the name is too long, or the folder may not be read
                continue
    if not named.isascii() and _is_guessed(path):
        raise InputError(
            f"{path} names {named.strip()!r}, and there is no such file. The list is not UTF-8 "
            f"and was read as {ASSUMED}; its letters may be those of another encoding.",
            _SAVE,
        )
    return path.parent / named.strip()


@functools.lru_cache(maxsize=4)
def _is_guessed(path: Path) -> bool:
    """Whether a list's encoding had to be guessed."""
    try:
        return _unicode(path.read_bytes()) is None
    except (OSError, UnicodeDecodeError):
        return False


def _decoded(content: bytes) -> str:
    text = _unicode(content)
    return content.decode(ASSUMED) if text is None else text


def _unicode(content: bytes) -> str | None:
    """The text if it is Unicode of any kind, else None."""
    if content.startswith(_UTF32):
        return content.decode("utf-32")
    if content.startswith(_UTF16):
        return content.decode("utf-16")
    # without a byte order mark every other byte of a western heading is zero
    if len(content) % 2 == 0 and b"\0" in content[:4]:
        return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return [line]
