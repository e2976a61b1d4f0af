"""Which parts of an address may be shown, and removal of secrets from text.

The only such rule: results, folders, pages, the API, logs, errors and messages all use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

REDACTED = "***"
"""Replaces a secret."""

SHORT = 6
"""Secrets shorter than this are removed only as whole words."""

_NAMES_OF_SECRETS = (
    r"(?:login)?pass?(?:word|wd|phrase|wort|code)?|psw|pwd?|secret|(?:\w{1,20}_)?token|"
    r"(?:api|access|stream|secret)[_-]?key|auth(?:orization)?|signature|sig|session|cookie|csrf|jwt"
)
_NAMES_OF_USERS = r"user(?:name)?|usr|account|login(?:use|name)?|admin|root"

_ADDRESS = re.compile(
    r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|(?:rtsps?|https?|rtmps?|srt):/(?!/))"
    r"(?:\S{0,500}@)?[^\s\"'<>]*"
)
_NAMED = re.compile(
    rf"(?i)(?<![a-z])({_NAMES_OF_SECRETS})(['\"]?\s*[=:]\s*['\"]?)"
    r"(?!\s|\*\*\*)(?:(?:bearer|basic|digest)\s+)?[^\s&'\",;)}\]]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}")
_LOGIN = re.compile(r"(?<!\w)[^\s/@:'\"]{1,64}:(?!/)[^\s'\"]{1,200}@(?=[\w\[])")
"""A login without a scheme before it, as in a mistyped address."""

_CERTAIN_HOST = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.%]+\])(?::\d{1,5})?"
_HOST = r"(?:[\w-]+(?:\.[\w-]+)*\.?|\[[0-9A-Fa-f:.%]+\])(?::\d{1,5})?"
_WITH_QUERY = rf"{_HOST}(?:/[^?#@]*)?\?[\w.-]+="


@dataclass(frozen=True, slots=True)
class _Parts:
    """A parsed address; ``host`` is None if it cannot be distinguished from a password."""

    scheme: str
    login: str
    host: str | None
    path: str
    query: str


def shown_address(address: str, *, path: bool = True) -> str:
    """An address as it may be shown: ``rtsp://***@10.0.0.4/live``.

    User, password, query and fragment are removed, as is anything in the path that looks like a
    secret. If a password with ``@``, ``/``, ``?`` or ``#`` makes it ambiguous what is secret,
    everything but the scheme is hidden. Text that is not an address is returned as it is, without
    any login in it.

    Args:
        path: Whether its path is shown at all; a webhook's path is a secret.
    """
    parts = _taken_apart(address)
    if parts is None:
        # an address after something else, as in ffmpeg:rtsp://... of other programs
        return _LOGIN.sub(f"{REDACTED}@", _ADDRESS.sub(_shown_match, address))
    if parts.host is None:
        return f"{parts.scheme}{REDACTED}"
    login = f"{REDACTED}@" if parts.login else ""
    shown = _split_path(parts.path)[0] if path else "/"
    return f"{parts.scheme}{login}{parts.host}{shown}"


def shown_object(address: str) -> str:
    """The address of a file or an object as it may be shown: ``s3://bucket/year=2025/a.mp4``.

    For web addresses as ``shown_address``. Elsewhere the path is a name, not a secret; login, query
    and fragment are removed in the same way.
    """
    if re.match(r"(?i)(?:https?|ftps?|rtsps?)://", address):
        return shown_address(address)
    scheme, separator, rest = address.partition("://")
    if not separator:
        return shown_address(address)
    host, slash, path = rest.partition("/")
    login = f"{REDACTED}@" if "@" in host and scheme.lower() not in _BUCKET_BEFORE_HOST else ""
    shown = f"{scheme}://{login}{host.rpartition('@')[2] if login else host}{slash}{path}"
    return shown.partition("?")[0].partition("#")[0]


_BUCKET_BEFORE_HOST = ("abfs", "abfss", "az")
"""Schemes in which the container stands before an ``@``."""


def address_identity(address: str) -> str:
    """Identifies an address, independently of its secrets.

    It excludes the login and query parameters named as secrets, such as a signature. Only for
    comparing and hashing: it must not be shown.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    place, mark, query = rest.partition("?")
    host, slash, path = place.partition("/")
    if scheme.lower() not in _BUCKET_BEFORE_HOST:
        host = host.rpartition("@")[2]
    kept = _NAMED.sub(rf"\1\2{REDACTED}", query)
    return f"{scheme.lower()}://{host.lower()}{slash}{path}{mark}{kept}"


def is_address(text: str) -> bool:
    """Whether a text is an address at all: a scheme and ``://``."""
    return _taken_apart(text) is not None


def host_of(address: str) -> str:
    """An address's host, without its port; empty if there is none or it is ambiguous."""
    parts = _taken_apart(address)
    return "" if parts is None else re.sub(r":\d+$", "", parts.host or "")


def secrets_in(address: str, *, path: bool = False) -> set[str]:
    """The secret parts of an address, to be removed from other programs' messages about it.

    Args:
        path: Whether its whole path is a secret, as for a webhook.
    """
    parts = _taken_apart(address)
    if parts is None:
        inside = _ADDRESS.search(address)
        return secrets_in(inside[0], path=path) if inside is not None else set()
    if parts.host is None:
        rest = address[len(parts.scheme) :]
        found = {address, rest, *_pieces(rest)}
    else:
        hidden = parts.path if path else _split_path(parts.path)[1]
        user, colon, password = parts.login.partition(":")
        secret = password if colon else user
        found = {secret, *_pieces(secret), parts.query, *_values(parts.query)}
        found |= {hidden.strip("/"), *_values(hidden)} - {""}
        if hidden:
            found |= _pieces(hidden)
        if colon and password:
            found |= {parts.login, address}
    return {each for one in found for each in (one, unquote(one)) if len(each) > 1}


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """A text without its secrets.

    Args:
        text: Any text; anything in it that looks like an address is redacted as one.
        known: Secrets that are removed wherever they occur.
    """
    pattern = known_pattern(known)
    if pattern is not None:
        text = pattern.sub(REDACTED, text)
    text = _ADDRESS.sub(_shown_match, text)
    text = _LOGIN.sub(f"{REDACTED}@", text)
    text = _NAMED.sub(rf"\1\2{REDACTED}", text)
    return _BEARER.sub(rf"\1 {REDACTED}", text)


def known_pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that matches each of the secrets, the longest first; None for none."""
    words = sorted({secret for secret in secrets if secret.strip()}, key=len, reverse=True)
    return re.compile("|".join(map(_pattern, words))) if words else None


def _pattern(secret: str) -> str:
    if len(secret) >= SHORT:
        return re.escape(secret)
    return rf"(?<!\w){re.escape(secret)}(?!\w)"


def _shown_match(found: re.Match[str]) -> str:
    address = found[0].rstrip(".,;:!)]}")
    return shown_address(address) + found[0][len(address) :]


def _taken_apart(address: str) -> _Parts | None:
    begun = re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*:/{1,2}", address)
    if begun is None or (begun[0].endswith(":/") and _ADDRESS.match(begun[0].strip()) is None):
        return None
    scheme, rest = begun[0], address[begun.end() :]
    # a numeric address is not a password: what precedes it is the login
    login = re.match(rf"(?s)(.*@)?(?={_CERTAIN_HOST}(?:[/?#]|$))", rest)
    if login is None:
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        login = re.match(rf"(?s)(.*@)?(?={_WITH_QUERY})", authority + rest[len(authority) :])
        if login is None or len(login[0]) > len(authority):
            inside = authority.rpartition("@")[0]
            open_question = "@" in rest[len(authority) :]
            begin = len(inside) + 1 if "@" in authority else 0
            host = authority[begin:]
            if open_question or re.fullmatch(rf"(?:{_HOST})?", host) is None:
                return _Parts(scheme, "", None, "", "")
            return _parts(scheme, inside, rest[begin:])
    return _parts(scheme, login[0][:-1], rest[login.end() :])


def _parts(scheme: str, login: str, rest: str) -> _Parts:
    place, _, query = rest.partition("?")
    place, _, fragment = place.partition("#")
    slash = place.find("/")
    host, path = (place, "") if slash < 0 else (place[:slash], place[slash:])
    return _Parts(scheme, login, host, path, "?".join(filter(None, (fragment, query))))


def _split_path(path: str) -> tuple[str, str]:
    """A path as it may be shown, and the hidden parts."""
    segments = path.split("/")
    # IPTV addresses: /live/USER/PASSWORD/NUMBER
    if re.fullmatch(r"/(?:live|movie|series)/[^/]+/[^/]+/\d+(?:\.\w+)?", path):
        return f"/{segments[1]}/{REDACTED}", "/".join(segments[2:])
    for place, segment in enumerate(segments):
        text = unquote(segment)
        if re.fullmatch(
            rf"(?i){_NAMES_OF_USERS}|{_NAMES_OF_SECRETS}|key", text
        ) and place + 1 < len(segments):
            shown = [*segments[: place + 1], REDACTED]
            return "/".join(shown), "/".join(segments[place + 1 :])
        if re.search(r"[=:@&;]", text) or any(map(_is_token, re.split(r"[._]", text))):
            return "/".join([*segments[:place], REDACTED]), "/".join(segments[place:])
    return path, ""


def _is_token(word: str) -> bool:
    """Whether a path component looks random, as stream keys do."""
    plain = word.replace("-", "")
    if re.fullmatch(r"[A-Za-z0-9]{4}(?:-[A-Za-z0-9]{4}){2,}", word):
        return True
    if len(plain) < 12 or not plain.isalnum() or plain.isdigit():
        return False
    changes = len(re.findall(r"[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z][0-9]", plain))
    return changes >= 4 or (len(plain) >= 16 and changes >= 3)


def _pieces(secret: str) -> set[str]:
    """Variants of a password, because other parsers may end it in the middle."""
    return {piece for piece in re.split(r"[:@/?#&=]", secret) if len(piece) > 2}


def _values(query: str) -> set[str]:
    """The values in a query or a path that are secrets, or long enough to be secrets."""
    found = set()
    # some makers also join with underscores, which may be part of a password as well
    for end in ("$", r"[&;#]", r"[&;#/]|_[A-Za-z]+="):
        for name, value in re.findall(rf"([A-Za-z][A-Za-z.-]*)=(.*?)(?={end}|$)", query):
            if re.fullmatch(rf"(?i)\w*?(?:{_NAMES_OF_SECRETS})", name) or len(value) > 3:
                found.add(value)
    return found
