"""Email over a real SMTP server: content, encryption, and error messages."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from event_bus_helpers import BEGIN
from free_port import free_port
from mqtt_broker import certificate
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.notify.notices import Attachment, Notice, alert_notice, summary_notice
from sentistream.monitor.notify.smtp import SmtpTransport
from sentistream.monitor.observations import Alert, AlertKind
from sentistream.monitor.settings import EmailSettings
from sentistream.monitor.translation import translator
from sentistream.translatable import Translatable
from smtp_server import PASSWORD, USER, MailServer, mail_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

PAGE = "https://mood.example.org"
ALERT = Alert(
    rule="bad", name="Bad <b>mood</b>", camera="door", zone="till", time=float(BEGIN), active=True,
    sentiment="negative", share=0.5, limit=0.4, minutes=10, incident="5e1f",
)  # fmt: skip
NAMES = DisplayNames({"door": "Front door"}, {("door", "till"): "By the till"})


def notice(alert: Alert = ALERT, language: str = "en", **rest: Any) -> Notice:
    return alert_notice(
        alert, NAMES, translator(language), page=PAGE, history="/history?m=1", **rest
    )


def settings_for(server: MailServer, **changes: Any) -> EmailSettings:
    values = {
        "host": "localhost",
        "port": server.port,
        "security": "none",
        "sender": "monitor@example.org",
        "recipients": "owner@example.org, deputy@example.org",
    }
    return EmailSettings.model_validate(values | changes)


def send_and_report(settings: EmailSettings, custom_notice: Notice | None = None) -> str:
    """The error message; empty if it was sent."""
    failure = SmtpTransport(settings, timeout=3).send(custom_notice or notice())
    return "" if failure is None else str(failure.reason)


def test_alert_arrives_as_text_and_html() -> None:
    with mail_server() as server:
        assert send_and_report(settings_for(server)) == ""
    (message,) = server.messages
    assert server.envelopes[0].rcpt_tos == ["owner@example.org", "deputy@example.org"]
    assert server.envelopes[0].mail_from == "monitor@example.org"
    assert message["Subject"] == "sentistream: Bad <b>mood</b>"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    assert text is not None
    assert html is not None
    expected = "Front door, zone By the till: 50% negative over 10 minutes; the threshold is 40%."
    for body in (text.get_content(), html.get_content()):
        assert expected in body
        assert f"{PAGE}/alerts/5e1f" in body
        assert "/history?m=1" in body
    # names are escaped; no external resource is loaded
    assert "<b>" not in html.get_content()
    assert "src=" not in html.get_content()


def test_mails_about_one_alert_form_a_thread() -> None:
    with mail_server() as server:
        for custom_notice in (
            notice(),
            notice(replace(ALERT, active=False, time=BEGIN + 720.0), began=BEGIN),
        ):
            assert send_and_report(settings_for(server), custom_notice) == ""
    first, last = server.messages
    assert first["References"] == last["References"] == "<5e1f@example.org>"
    assert first["Message-ID"] != last["Message-ID"]
    assert last["Subject"].startswith("sentistream: Ended: ")
    body = last.get_body(("plain",))
    assert body is not None
    assert "for 12 min" in body.get_content()


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de", "Schwelle"), ("fr", "seuil")],
)
def test_mail_is_in_the_configured_language(language: str, expected: str) -> None:
    with mail_server() as server:
        assert send_and_report(settings_for(server), notice(language=language)) == ""
    body = server.messages[0].get_body(("html",))
    assert body is not None
    assert expected in body.get_content()
    assert f'lang="{language}"' in body.get_content()


def test_summary_has_a_line_for_each_alert() -> None:
    down = replace(
        ALERT, kind=AlertKind.CAMERA, incident="77", name="Front door",
        reason=Translatable("{host} does not answer.", host="10.0.0.4"),
    )  # fmt: skip
    alerts = [ALERT, replace(ALERT, active=False, time=BEGIN + 300.0), down]
    with mail_server() as server:
        custom_notice = summary_notice(alerts, NAMES, translator("en"), page=PAGE)
        assert send_and_report(settings_for(server), custom_notice) == ""
    body = server.messages[0].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert server.messages[0]["Subject"] == "sentistream: 2 alerts during quiet hours"
    assert "for 5 min" in text
    assert "Camera down: Front door" in text
    assert "10.0.0.4 does not answer." in text


def test_attachments_arrive_intact() -> None:
    content = bytes(range(256)) * 20
    custom_notice = replace(
        notice(), attachments=(Attachment("week.pdf", "application/pdf", content),)
    )
    with mail_server() as server:
        assert send_and_report(settings_for(server), custom_notice) == ""
    (attached,) = server.messages[0].iter_attachments()
    assert attached.get_filename() == "week.pdf"
    assert attached.get_content() == content


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_encrypted_and_authenticated(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(tmp_path)
    with mail_server(certificate=own, tls=security == "tls", login=True) as server:
        settings = settings_for(
            server, host="127.0.0.1", security=security, username=USER, password=PASSWORD
        )
        expected = send_and_report(settings)
        assert expected.startswith("The certificate of 127.0.0.1 is not trusted")
        assert not server.messages
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        assert send_and_report(settings) == ""
        assert server.encrypted == [True]
        assert server.logins == [True]
        wrong = settings.model_copy(update={"password": SecretStr("guessed")})
        assert send_and_report(wrong).startswith("127.0.0.1 refuses user and password (535")
        assert "guessed" not in send_and_report(wrong)


def test_password_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    with mail_server(login=True) as server:
        settings = settings_for(server, username=USER, password_file=secret)
        assert "The password file" in send_and_report(settings)
        secret.write_text(f"{PASSWORD}\nnot this line\n")
        assert send_and_report(settings) == ""
    assert server.logins == [True]


def test_failures_are_reported_in_plain_sentences() -> None:
    with mail_server() as server:
        assert "offers no STARTTLS" in send_and_report(settings_for(server, security="starttls"))
        assert "does not speak TLS" in send_and_report(settings_for(server, security="tls"))
        server.refuse["RCPT"] = "550 5.1.1 no such mailbox"
        assert send_and_report(settings_for(server)) == (
            "localhost accepts none of the recipients (550 5.1.1 no such mailbox)."
        )
        server.refuse = {"DATA": "554 5.7.1 looks like spam"}
        assert "does not take the message (554 5.7.1 looks like spam)" in send_and_report(
            settings_for(server)
        )
    nobody = settings_for(server, port=free_port())
    assert "refuses the connection on port" in send_and_report(nobody)
    lost = settings_for(server, host="no-such-host.invalid")
    assert send_and_report(lost) == (
        "There is no server of the name no-such-host.invalid; check the address."
    )


def test_unresponsive_server_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = EmailSettings.model_validate(
            {
                "host": "127.0.0.1",
                "port": silent.getsockname()[1],
                "security": "none",
                "sender": "a@b.c",
                "recipients": ["a@b.c"],
            }
        )
        failure = SmtpTransport(settings, timeout=0.3).send(notice())
    assert failure is not None
    assert failure.can_retry
    assert "does not answer on port" in failure.reason


def test_temporary_failures_are_recognized() -> None:
    with mail_server() as server:
        server.refuse["DATA"] = "451 try later"
        first = SmtpTransport(settings_for(server)).send(notice())
        server.refuse["DATA"] = "554 never"
        second = SmtpTransport(settings_for(server)).send(notice())
    assert first is not None
    assert first.can_retry
    assert second is not None
    assert not second.can_retry


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"recipients": []}, "at least one recipient"),
        ({"sender": ""}, "needs a sender"),
        ({"password": "x"}, "needs a user"),
        ({"username": "u", "password": "x", "host": "smtp.example.org"}, "only sent encrypted"),
        ({"recipients": "no address"}, "no is not an e-mail address"),
        ({"recipients": "a@b.c\r\nBcc:@d.e"}, "is not an e-mail address"),
    ],
)
def test_invalid_settings_are_refused(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        settings_for(MailServer(), port=25, **values)
