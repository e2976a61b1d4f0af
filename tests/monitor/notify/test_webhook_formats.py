"""Payloads for Slack, Teams and Discord, against their documentation."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from event_bus_helpers import BEGIN
from http_receiver import receiving
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.notify.notices import Line, Notice, alert_notice, summary_notice
from sentistream.monitor.notify.webhook_formats import MAX_LINES, Format, webhook_body
from sentistream.monitor.notify.webhooks import WebhookTransport
from sentistream.monitor.observations import Alert
from sentistream.monitor.settings import Webhook
from sentistream.monitor.translation import translator

ALERT = Alert(
    rule="bad", name="<!channel> & @everyone", camera="door", zone="",
    time=float(BEGIN), active=True, sentiment="negative", share=0.5, limit=0.4,
    minutes=10, incident="5e1f",
)  # fmt: skip
LINK = "https://m.example/alerts/5e1f"


def notice(alert: Alert = ALERT) -> Notice:
    return alert_notice(
        alert, DisplayNames(), translator("en"), page="https://m.example", history="/history?m=1"
    )


def posted(format: Format, custom_notice: Notice | None = None) -> dict[str, Any]:  # noqa: A002
    """The payload that arrives at a real server."""
    with receiving(200) as receiver:
        webhook = Webhook.model_validate({"url": receiver.url(), "format": format})
        assert WebhookTransport(webhook).send(custom_notice or notice()) is None
    body: dict[str, Any] = json.loads(receiver.requests[0].body)
    return body


def test_slack_payload() -> None:
    body = posted("slack")
    header, text, when, actions = body["blocks"]
    assert header["text"] == {"type": "plain_text", "text": "<!channel> & @everyone"}
    assert "50% negative over 10 minutes" in text["text"]["text"]
    assert when["type"] == "context"
    assert actions["elements"][0]["url"] == LINK
    # in markup, a name could otherwise mention a whole channel
    assert body["text"].startswith("&lt;!channel&gt; &amp; @everyone")


def test_teams_payload() -> None:
    body = posted("teams")
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0]["text"] == "<!channel> & @everyone"
    assert card["body"][0]["color"] == "Attention"
    assert all(block["type"] == "TextBlock" and block["wrap"] for block in card["body"])
    assert [action["type"] for action in card["actions"]] == ["Action.OpenUrl"] * 2
    assert card["actions"][0]["url"] == LINK


def test_discord_payload() -> None:
    body = posted("discord")
    (embed,) = body["embeds"]
    assert embed["title"] == "<!channel> & @everyone"
    assert f"({LINK})" in embed["description"]
    assert embed["timestamp"] == "2025-10-09T08:53:20Z"
    assert body["allowed_mentions"] == {"parse": []}
    ended = posted("discord", notice(replace(ALERT, active=False)))
    assert ended["embeds"][0]["color"] != embed["color"]


@pytest.mark.parametrize("format", ["slack", "teams", "discord"])
def test_long_text_and_many_alerts_stay_within_limits(format: Format) -> None:  # noqa: A002
    lines = tuple(Line("t" * 80, "x" * 500, "now", LINK) for _ in range(60))
    custom_notice = replace(notice(), title="t" * 500, text="x" * 9000, lines=lines)
    body = posted(format, custom_notice)
    text = json.dumps(body)
    assert len(text) < 28_000  # the smallest limit: a message to Teams
    if format == "slack":
        assert len(body["blocks"]) <= 50
        assert all(len(each.get("text", {}).get("text", "")) <= 3000 for each in body["blocks"])
        assert len(body["blocks"][0]["text"]["text"]) <= 150
    if format == "discord":
        assert len(body["embeds"][0]["title"]) <= 256
        assert len(body["embeds"][0]["description"]) <= 4096


def test_json_summary_contains_all_alerts() -> None:
    alerts = [replace(ALERT, incident=str(number)) for number in range(MAX_LINES + 5)]
    custom_notice = summary_notice(alerts, DisplayNames(), translator("en"), page="")
    body = webhook_body(custom_notice, "json")
    assert body["event"] == "summary"
    assert len(body["alerts"]) == MAX_LINES + 5
    assert body["alerts"][0]["rule"] == "bad"
