"""Names of states, choices and sections on the pages, marked for translation."""

from __future__ import annotations

from sentistream.monitor.schedule_words import WEEKDAYS
from sentistream.monitor.translation import N_

SENTIMENTS = {
    "positive": N_("positive"),
    "neutral": N_("neutral"),
    "negative": N_("negative"),
    "unknown": N_("unclear"),
    "no_face": N_("Nobody in view"),
}
"""How a face comes across, by label."""

PAGES = {
    "overview": N_("Overview"),
    "live": N_("Live"),
    "history": N_("History"),
    "alerts": N_("Alerts"),
    "shops": N_("Shops"),
    "try": N_("My camera"),
    "privacy": N_("Privacy"),
    "settings": N_("Settings"),
    "about": N_("About"),
}
"""Of the navigation."""

ROLES = {
    "viewer": N_("viewer"),
    "manager": N_("manager"),
}

CAMERA_STATES = {
    "starting": N_("Starting"),
    "running": N_("Watching"),
    "waiting": N_("Retrying"),
    "paused": N_("Paused"),
    "stopped": N_("Turned off"),
}

STATE_REASONS = {
    "starting": N_("The camera is being opened."),
    "waiting": N_("The camera failed; the next attempt follows shortly."),
    "paused": N_("Outside its schedule nothing is analyzed."),
    "stopped": N_("It is turned off in the settings."),
}
"""Default reasons of cameras."""

NO_PICTURE = {
    "starting": N_("Opening the camera …"),
    "waiting": N_("No picture while the camera is unavailable"),
    "paused": N_("Not watching at this time"),
    "stopped": N_("Turned off"),
}
"""The text instead of a live picture, by state."""

HISTORY_VIEWS = {
    "minute": N_("By minute"),
    "hour": N_("By hour"),
    "day": N_("By day"),
    "week": N_("By week"),
    "month": N_("By month"),
    "pattern": N_("Hours of the week"),
}

COMPARISONS = {
    ("minute", "week"): N_("the same hour a week earlier"),
    ("minute", "day"): N_("the same hour the day before"),
    ("hour", "week"): N_("the same day a week earlier"),
    ("hour", "day"): N_("the previous day"),
    ("day", "before"): N_("the previous week"),
    ("week", "before"): N_("the previous 12 weeks"),
    ("month", "year"): N_("the previous year"),
    ("free", "week"): N_("the same day a week earlier"),
    ("free", "day"): N_("the previous day"),
    ("free", "before"): N_("the same length of time before"),
    ("free", "year"): N_("the previous year"),
}
"""By view, ``free`` for a free range, and name of the comparison."""

SECTIONS = {
    "cameras": N_("Cameras"),
    "general": N_("General"),
    "privacy": N_("Privacy"),
    "storage": N_("Storage"),
    "server": N_("Server"),
    "email": N_("E-mail"),
    "ntfy": N_("ntfy"),
    "mqtt": N_("MQTT"),
    "webhooks": N_("Webhooks"),
    "digest": N_("Digest"),
    "health_alerts": N_("Alerts about the monitor"),
    "logging": N_("Logging"),
    "alerts": N_("Alert rules"),
    "people": N_("Users and tokens"),
}
"""Of the settings."""

SECTION_LEADS = {
    "general": N_("Settings of the whole monitor."),
    "privacy": N_("What protects the people in view, and what the documents say."),
    "storage": N_("How long readings are kept, and where. Pictures and sound are never stored."),
    "server": N_("Where the web pages and the API are served."),
    "mqtt": N_("A message broker to publish to; Home Assistant discovers the cameras there."),
    "email": N_("A mail server through which alerts and digests are sent."),
    "ntfy": N_("Messages on telephones, by the app ntfy and a server of yours or ntfy.sh."),
    "webhooks": N_("Channels of Slack, Teams and Discord, and other programs that receive alerts."),
    "digest": N_("A summary of each week or month, by e-mail with a PDF."),
    "health_alerts": N_("When a camera is down or the disk is nearly full."),
    "logging": N_("What the monitor logs."),
}

CHOICES = {
    "above": N_("above"),
    "below": N_("below"),
    "positive": N_("positive"),
    "neutral": N_("neutral"),
    "negative": N_("negative"),
    "never": N_("never"),
    "always": N_("always"),
    "scheduled": N_("on a schedule"),
    **WEEKDAYS,
    "lite": N_("lite: fast, for everyday use"),
    "paper": N_("paper: as published"),
    "debug": N_("everything"),
    "info": N_("normal operation"),
    "warning": N_("warnings and errors"),
    "error": N_("errors only"),
    "text": N_("plain text"),
    "json": N_("JSON"),
    "alert": N_("alerts"),
    "camera": N_("cameras that are down"),
    "disk": N_("a disk that is nearly full"),
    "shop": N_("at a headquarters: silent shops, and the broker"),
    "starttls": N_("STARTTLS"),
    "tls": N_("TLS"),
    "none": N_("none"),
    "send": N_("send it in one message"),
    "drop": N_("do not send it"),
    "slack": N_("Slack"),
    "teams": N_("Teams"),
    "discord": N_("Discord"),
    "tcp": N_("TCP, reliable"),
    "udp": N_("UDP, faster"),
}
"""Values of settings."""

ROWS = {
    "hours": N_("Time range {n}"),
    "zones": N_("Zone {n}"),
    "webhooks": N_("Webhook {n}"),
    "ntfy": N_("Topic {n}"),
    "quiet_hours": N_("Quiet hours {n}"),
}
"""A row of a list of settings; {n} is its number."""

NEW_ROWS = {
    "hours": N_("New time range"),
    "zones": N_("New zone"),
    "webhooks": N_("New webhook"),
    "ntfy": N_("New topic"),
    "quiet_hours": N_("New quiet hours"),
}

ADD_ROW = {
    "hours": N_("Add a time range"),
    "zones": N_("Add a zone"),
    "webhooks": N_("Add a webhook"),
    "ntfy": N_("Add a topic"),
    "quiet_hours": N_("Add quiet hours"),
}

GUARANTEES = {
    "local": N_("What leaves this machine"),
    "transport": N_("On the way to the browser"),
    "identity": N_("Nobody is identified"),
    "pictures": N_("Pictures and sound are discarded"),
    "preview": N_("Live pictures"),
    "masks": N_("Masked zones"),
    "hours": N_("Schedules"),
    "live": N_("Single faces"),
    "group": N_("Smallest group"),
    "retention": N_("When it is deleted"),
}

PRIVACY_FIELDS = {
    "controller": N_("Controller"),
    "contact": N_("Contact"),
    "purpose": N_("Purpose"),
    "legal_basis": N_("Legal basis"),
}

DOCUMENTS = {
    "notice": N_("Notice for people in view"),
    "assessment": N_("Impact assessment"),
}

DOCUMENT_LEADS = {
    "notice": N_("to print and display near the camera"),
    "assessment": N_("filled in with these settings, for your records"),
}

SYMBOLS = {
    "positive": N_("comes across as glad"),
    "neutral": N_("comes across as calm"),
    "negative": N_("comes across as angry, sad, afraid or disgusted"),
    "unknown": N_("a face, but no clear answer"),
    "no_face": N_("no face was found"),
}
"""The meaning of symbols on the pages."""

CONSENT = (
    N_("Your picture and sound go to this monitor and nowhere else."),
    N_(
        "Each moment is discarded as soon as it has been analyzed; no picture and "
        "no sound is stored."
    ),
    N_("Only you see your readings; they are not stored."),
    N_("It says how you come across, not how you feel, and it is often wrong."),
    N_("You can stop at any time; the connection then ends at once."),
)
"""The consent text before a visitor's own camera starts."""

ALERT_KINDS = {
    "sentiment": N_("Sentiment"),
    "camera": N_("Camera"),
    "disk": N_("Disk"),
    "shop": N_("Shop"),
}

DELIVERY_STATES = {
    "delivered": N_("delivered"),
    "failed": N_("not delivered"),
    "held": N_("held back"),
    "dropped": N_("not sent"),
}

DELIVERY_EVENTS = {
    "begin": N_("start"),
    "end": N_("end"),
    "reminder": N_("reminder"),
    "summary": N_("summary after quiet hours"),
    "test": N_("test"),
    "digest": N_("digest"),
}
"""What a message said."""

VALIDATION_ERRORS = {
    "missing": N_("This field is required."),
    "int": N_("Enter a whole number."),
    "float": N_("Enter a number."),
    "decimal": N_("Enter a number."),
    "finite_number": N_("Enter a number."),
    "greater_than_equal": N_("At least {ge}."),
    "less_than_equal": N_("At most {le}."),
    "string_too_short": N_("This field is required."),
    "string_too_long": N_("At most {max_length} characters."),
    "string_pattern_mismatch": N_("This is not in the required format; see below."),
    "too_long": N_("At most {max_length}."),
    "literal_error": N_("Choose one of the options."),
    "time": N_("Enter a time of day, such as 09:00."),
    "time_delta": N_("Enter a time of day, such as 09:00."),
    "url": N_("Enter a web address, such as https://example.org/hook."),
    "tuple": N_("Enter a list."),
    "other": N_("This value is not valid; see below."),
}
"""By Pydantic's type of error, or its beginning."""
