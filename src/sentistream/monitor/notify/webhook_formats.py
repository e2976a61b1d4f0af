"""The bodies of webhooks: JSON for programs, and messages for Slack, Teams and Discord.

- Slack: an incoming webhook with blocks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
- Teams: an adaptive card in a message, as the Workflows template "Send webhook alerts to a
  channel" takes it (https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams).
- Discord: a webhook with an embed (https://discord.com/developers/docs/resources/webhook).
"""

from __future__ import annotations

from typing import Any, Literal

from sentistream.monitor.notify.notices import Line, Notice
from sentistream.monitor.notify.payloads import alert_payload, health_alert_payload, iso_time
from sentistream.monitor.observations import Alert, AlertKind
from sentistream.monitor.translation import translator

Format = Literal["json", "slack", "teams", "discord"]

LONGEST_TITLE = 150
LONGEST_TEXT = 1500
"""Most characters; all three services allow more."""

MAX_LINES = 10
"""Most alerts listed in a summary."""

_EVENTS: dict[AlertKind, Literal["alert", "camera", "disk", "shop"]] = {
    AlertKind.SENTIMENT: "alert",
    AlertKind.CAMERA: "camera",
    AlertKind.DISK: "disk",
    AlertKind.SHOP: "shop",
}

_RED, _GREEN, _GREY = 0xC62828, 0x2E7D32, 0x607D8B


def webhook_event(notice: Notice) -> str:
    """The kind of a message: ``alert``, ``camera``, ``disk``, ``shop``, ``summary`` or ``test``."""
    if notice.event in ("summary", "test", "digest"):
        return notice.event
    return alert_event(notice.alerts[0])


def alert_event(alert: Alert) -> Literal["alert", "camera", "disk", "shop"]:
    """Which of the events of the settings an alert is."""
    return _EVENTS[alert.kind]


def webhook_body(notice: Notice, format: Format) -> dict[str, Any]:  # noqa: A002
    """The body of a message, to be sent as JSON."""
    if format == "slack":
        return _slack(notice)
    if format == "teams":
        return _teams(notice)
    if format == "discord":
        return _discord(notice)
    return _json(notice)


def _json(notice: Notice) -> dict[str, Any]:
    body: dict[str, Any] = {"event": webhook_event(notice), "id": notice.id}
    if notice.event == "summary":
        return body | {
            "alerts": [{"event": alert_event(each), **_payload(each)} for each in notice.alerts]
        }
    if notice.alerts:
        body |= _payload(notice.alerts[0])
    else:
        body["text"] = notice.text
    if notice.event == "reminder":
        body["reminder"] = True
    if notice.link:
        body["link"] = notice.link
    return body


def _payload(alert: Alert) -> dict[str, Any]:
    made = alert_payload(alert) if alert_event(alert) == "alert" else health_alert_payload(alert)
    return made if alert.shop is None else made | {"shop": alert.shop.key}


def _slack(notice: Notice) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _cut(notice.title, LONGEST_TITLE)},
        },
        {"type": "section", "text": _mrkdwn(notice.text)},
    ]
    blocks += [
        {"type": "section", "text": _mrkdwn(f"{line.title} ({line.when})\n{line.text}")}
        for line in _lines(notice)
    ]
    if notice.when:
        blocks.append({"type": "context", "elements": [_mrkdwn(notice.when)]})
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": name}, "url": link}
        for name, link in _links(notice)
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return {"text": _slack_escaped(f"{notice.title}: {notice.text}"), "blocks": blocks}


def _teams(notice: Notice) -> dict[str, Any]:
    colour = "Attention" if notice.is_urgent else "Good" if notice.event == "end" else "Default"
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": _cut(notice.title, LONGEST_TITLE),
            "size": "Large",
            "weight": "Bolder",
            "color": colour,
            "wrap": True,
        },
        {"type": "TextBlock", "text": _cut(notice.text, LONGEST_TEXT), "wrap": True},
    ]
    body += [
        {"type": "TextBlock", "text": f"{line.title} ({line.when}): {line.text}", "wrap": True}
        for line in _lines(notice)
    ]
    if notice.when:
        body.append({"type": "TextBlock", "text": notice.when, "isSubtle": True, "wrap": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if links := _links(notice):
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": name, "url": link} for name, link in links
        ]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _discord(notice: Notice) -> dict[str, Any]:
    parts = [notice.text]
    parts += [f"**{line.title}** ({line.when})\n{line.text}" for line in _lines(notice)]
    parts.append(" · ".join(f"[{name}]({link})" for name, link in _links(notice)))
    embed: dict[str, Any] = {
        "title": _cut(notice.title, LONGEST_TITLE),
        "description": _cut("\n\n".join(part for part in parts if part), 2 * LONGEST_TEXT),
        "color": _RED if notice.is_urgent else _GREEN if notice.event == "end" else _GREY,
    }
    if notice.when:
        embed["footer"] = {"text": notice.when}
    if notice.alerts:
        embed["timestamp"] = iso_time(notice.alerts[-1].time)
    # names in a message must not mention anybody
    return {"username": "sentistream", "embeds": [embed], "allowed_mentions": {"parse": []}}


def _lines(notice: Notice) -> tuple[Line, ...]:
    return notice.lines[:MAX_LINES]


def _links(notice: Notice) -> list[tuple[str, str]]:
    tr = translator(notice.language)
    links = (
        (tr.gettext("Details"), notice.link),
        (tr.gettext("These minutes in the history"), notice.history),
    )
    return [(name, link) for name, link in links if link]


def _mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": _slack_escaped(_cut(text, LONGEST_TEXT))}


def _slack_escaped(text: str) -> str:
    """Escapes a text so that it contains no Slack mentions or links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
