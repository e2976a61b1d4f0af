"""Where on the page an alert, and the minutes that it is about, are shown."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from sentistream.monitor.observations import Alert, AlertKind


def history_path(alert: Alert) -> str:
    """The path of an alert's minutes in the history; empty for what the history does not show."""
    if alert.kind is not AlertKind.SENTIMENT:
        return ""
    day = datetime.fromtimestamp(alert.time).date().isoformat()
    return "/history?" + urlencode({"by": "hour", "day": day, "camera": alert.camera})
