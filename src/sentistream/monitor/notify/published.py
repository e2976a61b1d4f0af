"""What was published at a broker, kept from run to run, so that nothing else is ever cleared."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from sentistream.atomic_write import atomic_write

_log = logging.getLogger(__name__)


class PublishedTopics:
    """The topics under which this installation left something at one broker.

    Args:
        path: The file that remembers them; None to remember none.
        broker: Its host and port; what was left at another is not known here.
    """

    def __init__(self, path: Path | None, broker: str) -> None:
        self._path = path
        self._broker = broker
        self._topics = self._read()

    @property
    def topics(self) -> frozenset[str]:
        """All of them."""
        return self._topics

    def keep(self, topics: Iterable[str]) -> None:
        """These are all from now on; written only where they have changed."""
        wanted = frozenset(topics)
        if wanted == self._topics:
            return
        self._topics = wanted
        if self._path is None:
            return
        try:
            content = {"broker": self._broker, "topics": sorted(wanted)}
            atomic_write(self._path, json.dumps(content, indent=1) + "\n", private=True)
        except OSError as error:
            _log.warning(
                "topics are not remembered for the next start: %s cannot be written (%s)",
                self._path,
                error.strerror,
            )

    def _read(self) -> frozenset[str]:
        if self._path is None:
            return frozenset()
        try:
            content = json.loads(self._path.read_text("utf-8"))
            topics = content["topics"] if content["broker"] == self._broker else ()
            return frozenset(each for each in topics if isinstance(each, str) and each)
        except (OSError, ValueError, KeyError, TypeError):
            return frozenset()
