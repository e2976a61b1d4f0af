"""Where on the page an alert, and the minutes that it is about, are shown."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from sentistream.monitor.observations import Alert, AlertKind


def alert_path(alert: Alert) -> str:
    """The path of an alert's own page."""
    if alert.shop is not None:
        return f"/shops/alerts/{alert.incident}"
    return f"/alerts/{alert.incident}" if alert.incident else "/alerts"


def history_path(alert: Alert) -> str:
    """The path of an alert's minutes in the history; empty for what has none, such as a disk."""
    if alert.kind in (AlertKind.DISK, AlertKind.SHOP):
        return ""
    if alert.shop is not None:
        return f"{alert_path(alert)}#minutes"
    local = datetime.fromtimestamp(alert.time)
    values = {
        "day": local.date().isoformat(),
        "at": f"{local:%H:%M}",
        "camera": alert.camera,
        "zone": alert.zone,
    }
    return "/history?" + urlencode({name: value for name, value in values.items() if value})
