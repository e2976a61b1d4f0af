"""E-mail by SMTP, with STARTTLS or TLS.

Uses ``smtplib``: each channel has its own thread that may block, so an asynchronous client would
only add a dependency.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentistream.monitor.logs import log_redactor
from sentistream.monitor.notify.mail_messages import mail_message
from sentistream.monitor.notify.notices import Notice
from sentistream.monitor.notify.transports import TIMEOUT, Failure
from sentistream.monitor.settings import EmailSettings
from sentistream.redaction import without_secrets
from sentistream.translatable import Translatable

OWN_NAME = "[127.0.0.1]"
"""The name in its greeting (RFC 5321, 4.1.3): not the machine's."""

LONGEST_REPLY = 160
"""Most characters quoted from a server's reply."""


class SmtpTransport:
    """Sends notices as e-mail, each over a new connection.

    Args:
        settings: The mail server and the recipients.
        recipients: Recipients to use instead of those in the settings.
        timeout: Seconds for connecting, and for each answer.
    """

    def __init__(
        self,
        settings: EmailSettings,
        *,
        recipients: tuple[str, ...] = (),
        timeout: float = TIMEOUT,
    ) -> None:
        self._settings = settings
        self._recipients = recipients or settings.recipients
        self._timeout = timeout

    @property
    def receiver(self) -> str:
        """The mail server."""
        return self._settings.host

    def send(self, notice: Notice) -> Failure | None:
        """Tries once; None if the server accepted it for at least one recipient."""
        message = mail_message(notice, self._settings.from_address, self._recipients)
        try:
            with self._connection() as connection:
                connection.send_message(
                    message, self._settings.from_address, list(self._recipients)
                )
        except _PasswordFileError as error:
            return Failure(error.reason, False)
        except (OSError, smtplib.SMTPException) as error:
            return self._failure(error)
        return None

    def close(self) -> None:
        """Nothing stays open."""

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        password = _password(settings)
        # the certificate's name is checked against the host
        context = ssl.create_default_context()
        if settings.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, OWN_NAME, timeout=self._timeout, context=context
            )
        else:
            connection = smtplib.SMTP(settings.host, settings.port, OWN_NAME, timeout=self._timeout)
        with connection:
            if settings.security == "starttls":
                connection.starttls(context=context)
            if settings.username and password:
                connection.login(settings.username, password)
            yield connection

    def _failure(self, error: OSError | smtplib.SMTPException) -> Failure:
        settings = self._settings
        host, port = settings.host, settings.port
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, reply = next(iter(error.recipients.values()))
            reason = Translatable(
                "{host} accepts none of the recipients ({words}).",
                host=host,
                words=self._reply(code, reply),
            )
            return Failure(reason, 400 <= code < 500)
        if isinstance(error, smtplib.SMTPSenderRefused):
            reason = Translatable(
                "{host} does not accept the sender ({words}).",
                host=host,
                words=self._reply(error.smtp_code, error.smtp_error),
            )
            return Failure(reason, 400 <= error.smtp_code < 500)
        if isinstance(error, smtplib.SMTPAuthenticationError):
            reason = Translatable(
                "{host} refuses user and password ({words}).",
                host=host,
                words=self._reply(error.smtp_code, error.smtp_error),
            )
            return Failure(reason, 400 <= error.smtp_code < 500)
        if isinstance(error, smtplib.SMTPNotSupportedError):
            if "STARTTLS" in str(error):
                reason = Translatable(
                    "{host} offers no STARTTLS on port {port}; try TLS on port 465.",
                    host=host,
                    port=port,
                )
            else:
                reason = Translatable(
                    "{host} offers no login on port {port}.", host=host, port=port
                )
            return Failure(reason, False)
        if isinstance(error, smtplib.SMTPResponseException):
            reason = Translatable(
                "{host} does not take the message ({words}).",
                host=host,
                words=self._reply(error.smtp_code, error.smtp_error),
            )
            return Failure(reason, error.smtp_code < 500)
        return _network_failure(error, settings)

    def _reply(self, code: int, reply: bytes | str) -> str:
        text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
        password = _password(self._settings)
        words = without_secrets(log_redactor(" ".join(text.split())), {password})
        return f"{code} {words}"[:LONGEST_REPLY]


class _PasswordFileError(Exception):
    """The password file cannot be read."""

    def __init__(self, path: Path, error: Exception) -> None:
        words = Translatable(str(getattr(error, "strerror", "") or "unreadable"))
        self.reason = Translatable(
            "The password file {path} cannot be read ({words}).", path=path, words=words
        )
        super().__init__(str(self.reason))


def _password(settings: EmailSettings) -> str:
    if settings.password_file is None:
        return settings.password.get_secret_value()
    try:
        lines = settings.password_file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _PasswordFileError(settings.password_file, error) from None
    return lines[0].strip() if lines else ""


def _network_failure(error: Exception, settings: EmailSettings) -> Failure:
    host, port = settings.host, settings.port
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(
            Translatable(
                "The certificate of {host} is not trusted ({words}).",
                host=host,
                words=error.verify_message.rstrip("."),
            ),
            False,
        )
    if isinstance(error, ssl.SSLError):
        return Failure(
            Translatable(
                "{host} does not speak TLS on port {port}; try STARTTLS.", host=host, port=port
            ),
            False,
        )
    if isinstance(error, socket.gaierror):
        return Failure(
            Translatable("There is no server of the name {host}; check the address.", host=host),
            True,
        )
    # smtplib reports a response timeout as a closed connection
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return Failure(
            Translatable(
                "{host} does not answer on port {port}; check host, port and encryption.",
                host=host,
                port=port,
            ),
            True,
        )
    if isinstance(error, ConnectionRefusedError):
        return Failure(
            Translatable(
                "{host} refuses the connection on port {port}; check host and port.",
                host=host,
                port=port,
            ),
            True,
        )
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Failure(
            Translatable(
                "{host} ended the connection on port {port}; check port and encryption.",
                host=host,
                port=port,
            ),
            True,
        )
    return Failure(
        Translatable(
            "The connection to {host} failed ({words}).", host=host, words=type(error).__name__
        ),
        True,
    )
