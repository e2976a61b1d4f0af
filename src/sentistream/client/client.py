"""The monitor's API as Python functions."""

from __future__ import annotations

import json
import ssl
import warnings
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlencode

from sentistream.atomic_write import atomic_path
from sentistream.client.errors import MonitorError, UnreachableError
from sentistream.client.values import Aggregate, Alert, Camera, Event, Observation, Reading
from sentistream.client.wire import Time, event_of, query_of, refusal, refused
from sentistream.errors import InputError, MissingExtraError, OutputError
from sentistream.redaction import shown_address

Kind = Literal["observation", "health", "alert", "reading"]


class Client:
    """Talks to one monitor; a context manager that closes its connections.

    Args:
        url: The monitor's address, for instance ``http://127.0.0.1:8420``.
        token: An API token that a manager made.
        timeout: Seconds to wait for an answer.
        tls: How its certificate is verified; by default with the system's authorities.

    Every function raises ``MonitorError`` if the monitor refuses, and ``UnreachableError``
    if it does not answer.

    Raises:
        InputError: The address is not valid.
        MissingExtraError: httpx is not installed.
    """

    def __init__(
        self, url: str, token: str, *, timeout: float = 30.0, tls: ssl.SSLContext | None = None
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("The client", "client") from None
        if not url.startswith(("http://", "https://")):
            raise InputError(
                f"{shown_address(url)} is no address.", "Write it as http://127.0.0.1:8420."
            )
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"}
        self._timeout = timeout
        self._tls = tls
        self._failure: type[Exception] = httpx.HTTPError
        self._http = httpx.Client(
            base_url=self._url,
            headers=self._headers,
            timeout=timeout,
            verify=True if tls is None else tls,
            # requests go directly to the monitor, whatever proxy the environment names
            trust_env=False,
        )

    def live(self) -> list[Observation]:
        """The newest moment of each camera."""
        return [Observation.of(one) for one in self._get("live")]

    def cameras(self) -> list[Camera]:
        """All cameras and their health."""
        return [Camera.of(one) for one in self._get("cameras")]

    def history(
        self,
        begin: Time,
        end: Time | None = None,
        *,
        step: Literal["minute", "hour", "day"] = "hour",
        camera: str | None = None,
        zone: str = "",
    ) -> list[Aggregate]:
        """Aggregates that begin in [begin, end), oldest first.

        At most 14 days of minutes, 400 days of hours, 10 years of days.

        Args:
            begin, end: The period; up to now without an end.
            step: The length of each aggregate.
            camera: Only this camera; by default each.
            zone: Only this zone; ``*`` for each, empty for whole pictures.
        """
        params = query_of(begin=begin, end=end, step=step, camera=camera, zone=zone)
        return [Aggregate.of(one) for one in self._get("history", params)]

    def aggregate(
        self, begin: Time, end: Time | None = None, *, camera: str | None = None, zone: str = ""
    ) -> list[Aggregate]:
        """One aggregate per camera over the whole of [begin, end)."""
        params = query_of(begin=begin, end=end, camera=camera, zone=zone)
        return [Aggregate.of(one) for one in self._get("together", params)]

    def together(
        self, begin: Time, end: Time | None = None, *, camera: str | None = None, zone: str = ""
    ) -> list[Aggregate]:
        """The same as ``aggregate``. Deprecated: the next version removes it."""
        warnings.warn("Client.together is called aggregate now.", DeprecationWarning, stacklevel=2)
        return self.aggregate(begin, end, camera=camera, zone=zone)

    def readings(
        self, begin: Time, end: Time | None = None, *, camera: str | None = None
    ) -> Iterator[Reading]:
        """Single readings of [begin, end), oldest first, fetched in parts during iteration.

        Needs a manager's token; at most two days.
        """
        until = datetime.now(UTC) if end is None else end
        since: Time | str | None = begin
        while since is not None:
            params = query_of(begin=since, end=until, camera=camera, limit=5000)
            answer = self._get("readings", params)
            yield from (Reading.of(one) for one in answer["readings"])
            since = answer["next_begin"]

    def alerts(self, since: Time = 0.0, *, limit: int = 100) -> list[Alert]:
        """Alerts, the newest first."""
        return [Alert.of(one) for one in self._get("alerts", query_of(since=since, limit=limit))]

    def export(
        self,
        target: Path | str,
        what: Literal["readings", "minute", "hour", "day"],
        begin: Time,
        end: Time | None = None,
        *,
        camera: str | None = None,
        excel: Literal["point", "comma"] | None = None,
    ) -> Path:
        """Writes a file of readings or aggregates; its suffix, .csv or .parquet, sets the format.

        With ``excel``, CSV is for a spreadsheet with a decimal point or comma.

        Raises:
            InputError: It has another suffix.
            OutputError: The file cannot be written; no part of it is left.
        """
        path = Path(target)
        kind = path.suffix.removeprefix(".")
        if kind not in ("csv", "parquet"):
            raise InputError(f"{path} is neither .csv nor .parquet.", "Give it one of these.")
        params = query_of(begin=begin, end=end, camera=camera, excel=excel)
        try:
            with self._http.stream("GET", f"/api/export/{what}.{kind}", params=params) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise refused(answer)
                with atomic_path(path) as partial, partial.open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
            return path
        except self._failure as error:
            raise self._unreachable(error) from None
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror}).", "See who owns its folder."
            ) from None

    def events(
        self, kinds: Collection[Kind] = ("observation", "health", "alert")
    ) -> Iterator[Event]:
        """Events as they happen, endlessly.

        A ``Dropped`` replaces events that were dropped because they were not read in time. Close
        the iterator to unsubscribe.

        Args:
            kinds: What to subscribe to; ``reading`` needs a manager's token.
        """
        try:
            from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
            from websockets.sync.client import connect
        except ImportError:
            raise MissingExtraError("Listening to events", "client") from None
        address = f"ws{self._url.removeprefix('http')}/api/events?" + urlencode(
            {"kinds": ",".join(kinds)}
        )
        try:
            with connect(
                address,
                additional_headers=self._headers,
                open_timeout=self._timeout,
                proxy=None,
                ssl=self._tls,
            ) as socket:
                for text in socket:
                    event = event_of(json.loads(text))
                    if event is not None:
                        yield event
        except InvalidStatus as error:
            raise refusal(error.response.status_code, error.response.body, None) from None
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else 1006
            reason = error.rcvd.reason if error.rcvd is not None else ""
            if 4400 <= code < 4500:
                raise MonitorError(code - 4000, reason or "The token has ended.") from None
            raise self._unreachable(error) from None
        except (OSError, TimeoutError, WebSocketException) as error:
            raise self._unreachable(error) from None

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({shown_address(self._url)!r})"

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        try:
            answer = self._http.get(f"/api/{path}", params=params)
        except self._failure as error:
            raise self._unreachable(error) from None
        if answer.status_code != 200:
            raise refused(answer)
        try:
            return answer.json()
        except ValueError:
            raise UnreachableError(
                f"What answers at {shown_address(self._url)} is no monitor.", "Check the address."
            ) from None

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"The monitor at {shown_address(self._url)} does not answer ({type(error).__name__}).",
            "See whether it runs, and whether the address is right.",
        )
