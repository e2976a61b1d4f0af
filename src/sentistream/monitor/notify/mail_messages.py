"""Notices as e-mail: plain text and HTML, and their attachments."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream.monitor.notify.notices import Notice, plain_text
from sentistream.monitor.translation import translator


def mail_message(notice: Notice, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """A notice as a message; those about one alert form a thread.

    Args:
        notice: The notice.
        sender: The address it comes from.
        recipients: The addresses it goes to.
    """
    tr = translator(notice.language)
    message = EmailMessage()
    message["Subject"] = " ".join(f"sentistream: {notice.title}".split())
    message["From"] = f"sentistream <{sender}>"
    message["To"] = ", ".join(recipients)
    message["Date"] = formatdate()
    domain = sender.rpartition("@")[2]
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    if len(notice.incidents) == 1 and notice.event in ("begin", "end", "reminder"):
        message["References"] = f"<{notice.incidents[0]}@{domain}>"
    # no automatic replies (RFC 3834)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(plain_text(notice, tr))
    message.add_alternative(notice.html or notice_html(notice), subtype="html")
    for attachment in notice.attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.name
        )
    return message


def notice_html(notice: Notice) -> str:
    """The HTML of a notice: one file, styles inline, nothing loaded from anywhere."""
    return render_mail("notice", notice.language, notice=notice)


def render_mail(name: str, language: str, **values: object) -> str:
    """Fills a template of e-mail.

    Args:
        name: The template's name without its suffix.
        language: Its language.
        values: Its values.
    """
    tr = translator(language)
    template = _environment().get_template(f"{name}.html.j2")
    return template.render(_=tr.gettext, ngettext=tr.ngettext, tr=tr, **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sentistream.monitor.notify"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
