"""HTTPS downloads that resume, retry and verify checksums."""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sentistream import __version__
from sentistream.backoff import Backoff, doubling_delays
from sentistream.errors import DataError, OutputError
from sentistream.redaction import shown_address
from sentistream.values import ByValue

_BLOCK = 1 << 18
_RESERVE = 64 << 20  # bytes of the disk that are left free
LONGEST_PAUSE = 60.0
"""Most seconds between two attempts, even if the server asks for more."""
_WORTH_RETRYING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RemoteFile(ByValue):
    """A file to fetch.

    Attributes:
        url: Where from.
        name: Its path below the target folder.
        size: In bytes; None if not known.
        digest: ``md5:...`` or ``sha256:...``, hexadecimal; empty where not known.
        headers: To send with the request.
    """

    url: str
    name: str
    size: int | None = None
    digest: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def is_complete(self, folder: Path) -> bool:
        """Whether it was fetched before (files get their names when they are complete)."""
        path = folder / self.name
        return path.is_file() and (self.size is None or path.stat().st_size == self.size)


class _BrokenError(Exception):
    """A connection failure that may be retried."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class Downloader:
    """Fetches files and API responses.

    Args:
        mirror: The address of a server that may be used without encryption; others may not.
        retries: How often in a row a request may fail without any data.
        pause: Seconds before the first retry; doubles with each, up to a minute.
        timeout: Seconds without a response after which a connection counts as broken.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        mirror: str = "",
        *,
        retries: int = 6,
        pause: float = 1.0,
        timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._plain = urllib.parse.urlsplit(mirror).netloc if mirror.startswith("http:") else ""
        self._retries = retries
        self._pause = pause
        self._timeout = timeout
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_Redirects(self.check))

    def check(self, url: str) -> None:
        """Makes sure that an address is encrypted, or the mirror's.

        Raises:
            DataError: It is not.
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" and (parts.scheme, parts.netloc) != ("http", self._plain):
            raise DataError(
                f"{shown_address(url)} is not an encrypted address.",
                "Only https is fetched from, or a mirror.",
            )

    def json(self, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON response of an API.

        Raises:
            DataError: It cannot be fetched, or is not JSON.
        """
        data = None if body is None else json.dumps(body).encode()

        def ask() -> Any:
            with self._open(url, headers or {}, data) as response:
                try:
                    return json.loads(_read(response, None))
                except ValueError:
                    raise DataError(
                        f"{shown_address(url)} answers with something else than JSON.",
                        "Try again later.",
                    ) from None

        return self._trying(url, ask, lambda: 0)

    def fetch(
        self, file: RemoteFile, folder: Path, on_bytes: Callable[[int], None] = lambda _: None
    ) -> Path:
        """The path of the file, which is fetched if it is not there yet.

        Args:
            on_bytes: Called with the bytes that the file has now, finished or not.

        Raises:
            DataError: It cannot be fetched, or arrives damaged.
            OutputError: It cannot be written.
        """
        target = folder / file.name
        if file.is_complete(folder):
            on_bytes(target.stat().st_size)
            return target
        part = target.with_name(target.name + ".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not file.digest:  # a resumed file could not be told from a wrong one
                part.unlink(missing_ok=True)
            for _ in range(2):
                self._trying(
                    file.url, lambda: self._receive(file, part, on_bytes), lambda: _size(part)
                )
                if _is_whole(file, part):
                    part.replace(target)
                    return target
                part.unlink()
        except OSError as error:
            raise _not_written(target, error) from None
        raise DataError(
            f"{shown_address(file.url)} arrives damaged: its checksum is not the one that is "
            "published.",
            "Try again later, or another mirror.",
        )

    def _receive(self, file: RemoteFile, part: Path, on_bytes: Callable[[int], None]) -> None:
        have = _size(part)
        if file.size is not None and have >= file.size:
            return
        headers = {**file.headers, **({"Range": f"bytes={have}-"} if have else {})}
        with self._open(file.url, headers) as response:
            # a server without range support sends the whole file
            have = have if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
            with part.open("ab" if have else "wb") as output:
                while block := _read(response):
                    have += len(block)
                    if file.size is not None and have > file.size:
                        break
                    output.write(block)
                    on_bytes(have)
        if file.size is not None and have < file.size:
            raise _BrokenError(f"it broke off after {have:,} of {file.size:,} bytes")

    def _open(
        self, url: str, headers: Mapping[str, str], data: bytes | None = None
    ) -> http.client.HTTPResponse:
        self.check(url)
        named = {"User-Agent": f"sentistream/{__version__}", "Accept-Encoding": "identity"}
        request = urllib.request.Request(url, data, {**named, **headers})  # noqa: S310 - checked
        try:
            response: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _WORTH_RETRYING:
                wait = error.headers.get("Retry-After", "")
                raise _BrokenError(
                    f"the server says {error.code}", float(wait) if wait.isdigit() else None
                ) from None
            raise DataError(
                f"{shown_address(url)} cannot be fetched: the server says {error.code} "
                f"{error.reason}.",
                "Look whether the data set has moved, or name a mirror with --mirror.",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise _BrokenError(str(reason) or type(error).__name__) from None
        return response

    def _trying(self, url: str, attempt: Callable[[], Any], have: Callable[[], int]) -> Any:
        backoff = Backoff(doubling_delays(self._pause, LONGEST_PAUSE))
        while True:
            before = have()
            try:
                return attempt()
            except _BrokenError as error:
                if have() > before:
                    backoff.reset()
                pause = backoff.next_delay()
                if backoff.failures > self._retries:
                    raise DataError(
                        f"{shown_address(url)} cannot be fetched: {error}.",
                        "Give the same command again: it goes on where it was.",
                    ) from None
                self._sleep(min(error.pause or pause, LONGEST_PAUSE))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, check: Callable[[str], None]) -> None:
        self._check = check

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        self._check(newurl)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and request.host != req.host:
            # credentials for one server are not for another
            request.remove_header("Authorization")
        return request


def refuse_full_disk(files: Iterable[RemoteFile], folder: Path) -> None:
    """Makes sure that there is room for everything still to be downloaded.

    Raises:
        OutputError: There is not.
    """
    needed = sum(
        max(0, (file.size or 0) - _size(folder / f"{file.name}.part"))
        for file in files
        if not file.is_complete(folder)
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _not_written(folder, error) from None
    if needed + _RESERVE > free:
        raise OutputError(
            f"{needed / 1e9:.1f} GB are still to be fetched, but only {free / 1e9:.1f} GB are "
            f"free in {folder}.",
            "Make room, or fetch less at once.",
        )


def _read(response: http.client.HTTPResponse, size: int | None = _BLOCK) -> bytes:
    try:
        return response.read(size)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(str(error) or type(error).__name__) from None


def _is_whole(file: RemoteFile, part: Path) -> bool:
    if file.size is not None and _size(part) != file.size:
        return False
    if not file.digest:
        return True
    algorithm, _, expected = file.digest.partition(":")
    with part.open("rb") as content:
        # the publisher chose the algorithm; it guards against damage, not against forgery
        made = hashlib.file_digest(content, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return made.hexdigest() == expected.lower()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _not_written(path: Path, error: OSError) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            f"The disk is full: {path} cannot be written.",
            "Make room and give the same command again: it goes on where it was.",
        )
    return OutputError(
        f"{path} cannot be written ({error.strerror or error}).", "Name another folder."
    )
