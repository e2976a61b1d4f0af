"""A real SMTP server on 127.0.0.1 (aiosmtpd) that keeps messages, and rejects on demand."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from free_port import free_port

USER, PASSWORD = "shop@example.org", "a word between us"


class MailServer:
    """Keeps the messages it receives.

    Attributes:
        messages: The accepted messages.
        envelopes: Their recipients and senders.
        refuse: Error responses by command.
        encrypted: Whether each message arrived encrypted.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.refuse: dict[str, str] = {}
        self.encrypted: list[bool] = []
        self.logins: list[bool] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.refuse:
            return self.refuse["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.refuse:
            answer = self.refuse["DATA"]
            if answer.startswith("4"):
                del self.refuse["DATA"]
            return answer
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.envelopes.append(envelope)
        transport = server.transport
        self.encrypted.append(bool(transport and transport.get_extra_info("ssl_object")))
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        is_ours = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(is_ours)
        return AuthResult(success=is_ours, handled=False)


@contextmanager
def mail_server(
    *, certificate: Path | None = None, tls: bool = False, login: bool = False
) -> Iterator[MailServer]:
    """A server; with a certificate it offers STARTTLS, or uses TLS from the start."""
    kept = MailServer()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    options: dict[str, Any] = {
        "authenticator": kept.authenticate,
        "auth_required": login,
        "auth_require_tls": False,
        "tls_context": None if tls else context,
        "require_starttls": context is not None and not tls,
    }
    kept.port = free_port()
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=kept.port,
        ssl_context=context if tls else None,
        ready_timeout=20,
        **options,
    )
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()
