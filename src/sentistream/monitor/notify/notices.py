"""Notices: messages to people, worded once for all channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from sentistream.monitor.alerts import wording
from sentistream.monitor.alerts.links import alert_path
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.observations import Alert
from sentistream.monitor.translation import Translator

NoticeEvent = Literal["begin", "end", "reminder", "summary", "test", "digest"]


@dataclass(frozen=True, slots=True)
class Line:
    """One alert within a notice.

    Attributes:
        title: What it is, in a few words.
        text: A sentence.
        when: When it was, or since when.
        link: Address of its page; empty without one.
    """

    title: str
    text: str
    when: str
    link: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """An e-mail attachment.

    Attributes:
        name: Its file name.
        media_type: Such as ``application/pdf``.
        content: Its bytes.
    """

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message, ready for any channel.

    Attributes:
        id: The same when it is resent.
        event: Its kind.
        incidents: The alerts that it is about; for digests their period.
        title: For a subject.
        text: One or two sentences.
        when: When it was, in words; empty if it does not matter.
        lines: The alerts of a summary.
        link: Address of the page about it; empty without one.
        history: Address of its minutes in the history; empty without one.
        language: The language of the words.
        alerts: The alerts themselves, for programs.
        attachments: Only for e-mail.
        html: The HTML body of an e-mail, instead of the usual one.
    """

    id: str = field(default_factory=lambda: uuid4().hex)
    event: NoticeEvent
    incidents: tuple[str, ...] = ()
    title: str
    text: str
    when: str = ""
    lines: tuple[Line, ...] = ()
    link: str = ""
    history: str = ""
    language: str = "en"
    alerts: tuple[Alert, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    html: str = ""

    @property
    def is_urgent(self) -> bool:
        """Whether it reports a current problem."""
        return self.event in ("begin", "reminder")


def alert_notice(
    alert: Alert,
    names: DisplayNames,
    tr: Translator,
    *,
    page: str,
    history: str = "",
    event: NoticeEvent | None = None,
    began: float | None = None,
) -> Notice:
    """The start, the end, or a reminder of an alert.

    Args:
        alert: The alert.
        names: Of cameras and zones.
        tr: The words.
        page: The monitor's address, without a slash at its end.
        history: Path of the alert's minutes in the history.
        event: What it says; from the alert without it.
        began: When an alert that has ended began.
    """
    kind: NoticeEvent = event or ("begin" if alert.active else "end")
    title = wording.title(alert, names, tr)
    if kind == "end":
        title = tr.gettext("Ended: {title}", title=title)
        text = wording.end_sentence(alert, names, tr)
        when = tr.moment(alert.time)
        if began is not None:
            when = tr.gettext(
                "{begin}, for {length}",
                begin=tr.moment(began),
                length=tr.length(alert.time - began),
            )
    else:
        if kind == "reminder":
            title = tr.gettext("Still: {title}", title=title)
        text = wording.sentence(alert, names, tr)
        when = tr.gettext("since {moment}", moment=tr.moment(alert.time))
    return Notice(
        event=kind,
        incidents=(alert.incident,),
        title=title,
        text=text,
        when=when,
        link=f"{page}{alert_path(alert)}" if alert.incident else "",
        history=f"{page}{history}" if history else "",
        language=tr.language,
        alerts=(alert,),
    )


def summary_notice(
    alerts: Sequence[Alert],
    names: DisplayNames,
    tr: Translator,
    *,
    page: str,
    many: bool = False,
) -> Notice:
    """Several alerts in one message: those in quiet hours, or simultaneous ones.

    Args:
        alerts: Starts and ends, the oldest first; of one alert there may be either or both.
        names: Of cameras and zones.
        tr: The words.
        page: The monitor's address, without a slash at its end.
        many: Whether they are combined because there were too many at once.
    """
    by_incident: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_incident.setdefault(alert.incident, []).append(alert)
    lines = []
    for found in by_incident.values():
        begin = next((alert for alert in found if alert.active), None)
        end = next((alert for alert in found if not alert.active), None)
        newest = found[-1]
        if begin is not None and end is not None:
            when = tr.gettext(
                "{begin}, for {length}",
                begin=tr.moment(begin.time),
                length=tr.length(end.time - begin.time),
            )
        elif begin is not None:
            when = tr.gettext("since {moment}", moment=tr.moment(begin.time))
        else:
            when = tr.gettext("ended {moment}", moment=tr.moment(newest.time))
        sentence = wording.sentence(begin, names, tr) if begin is not None else ""
        lines.append(
            Line(
                wording.title(newest, names, tr),
                sentence or wording.end_sentence(newest, names, tr),
                when,
                f"{page}{alert_path(newest)}",
            )
        )
    return Notice(
        event="summary",
        incidents=tuple(by_incident),
        title=tr.ngettext("1 alert", "{n} alerts", len(by_incident))
        if many
        else tr.ngettext(
            "1 alert during quiet hours", "{n} alerts during quiet hours", len(by_incident)
        ),
        text=tr.gettext("There were so many at once that they are in one message.")
        if many
        else tr.gettext("This is what happened during quiet hours."),
        lines=tuple(lines),
        link=f"{page}/alerts" if alerts[0].shop is None else f"{page}/shops/alerts",
        language=tr.language,
        alerts=tuple(alerts),
    )


def test_notice(tr: Translator, *, page: str, channel: str) -> Notice:
    """A test message."""
    return Notice(
        event="test",
        title=tr.gettext("Test message"),
        text=tr.gettext(
            "This is a test from sentistream. Alerts will arrive here: {channel}.", channel=channel
        ),
        link=f"{page}/alerts",
        language=tr.language,
    )


def plain_text(notice: Notice, tr: Translator) -> str:
    """A notice as plain text with its links."""
    links = (
        (tr.gettext("Details"), notice.link),
        (tr.gettext("These minutes in the history"), notice.history),
    )
    parts = [
        notice.text,
        notice.when,
        *(f"• {line.title} ({line.when})\n{line.text}" for line in notice.lines),
        "\n".join(f"{name}: {link}" for name, link in links if link),
    ]
    return "\n\n".join(part for part in parts if part)
