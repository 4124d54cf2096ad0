"""Mail over SMTP, protected by TLS, one connection per message."""

import asyncio
import ssl
from email.headerregistry import Address

import aiosmtplib
import structlog

from application.kernel.ports import IMailer, Mail
from domain.identity.errors import MailerUnavailable
from infrastructure.mail.message import message_of
from infrastructure.observability.loggers import Outbound
from infrastructure.resilience.breaker import Breaker
from infrastructure.settings_mail import SmtpServer

TIMEOUT_SECONDS = 20.0
_FOR_GOOD = 500  # the first reply that says never, not later


class MailServerUnreachable(MailerUnavailable):
    """No connection, or no answer in time; who is there and puts a mail off is not meant."""


class WatchedMailer(IMailer):
    """Another mailer, left alone while its server keeps being away: then ``BreakerOpen`` is raised."""

    def __init__(self, mailer: IMailer, breaker: Breaker, outbound: Outbound | None = None) -> None:
        """Watch with a breaker that counts ``MailServerUnreachable``."""
        self._mailer = mailer
        self._outbound = outbound or Outbound()
        self._breaker = breaker

    async def send(self, mail: Mail) -> None:
        with self._breaker.watch(), self._outbound.call("mail", "send"):
            await self._mailer.send(mail)


class SmtpMailer(IMailer):
    """Hands mail to one server. What the server will never take is logged without its content, and given up."""

    def __init__(
        self, server: SmtpServer, sender: Address, *, timeout: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """Keep how to reach the server; ``timeout`` seconds bound one message from connecting to the last reply."""
        self._server = server
        self._sender = sender
        self._timeout = timeout
        self._tls = tls
        self._log = structlog.get_logger("stoa.mail")

    async def send(self, mail: Mail) -> None:
        """Hand over one message."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._hand_over(mail)
        except (aiosmtplib.SMTPException, OSError) as error:
            code = _refusal(error)
            if code is None:
                kind = MailServerUnreachable if isinstance(error, OSError) else MailerUnavailable
                raise kind(f"The mail server did not take the mail ({type(error).__name__}).") from None
            # Neither the address nor the server's words, which often repeat it.
            self._log.warning("mail_refused", code=code, server=self._server.host)

    async def _hand_over(self, mail: Mail) -> None:
        server = self._server
        await aiosmtplib.send(
            message_of(mail, self._sender),
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security == "tls",
            # Demanded and not just tried: whoever sits between could make an offer of STARTTLS vanish.
            start_tls=server.security == "starttls",
            tls_context=self._tls if server.security != "none" else None,
            timeout=self._timeout,
        )


def _refusal(error: Exception) -> int | None:
    """Return the code by which the server refused this very message for good; None when trying again may help.

    A sender or a login that is refused is our own mistake, and every mail waits until it is mended.
    """
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            codes = [each.code for each in error.recipients]
            return max(codes) if codes and min(codes) >= _FOR_GOOD else None
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPDataError() if error.code >= _FOR_GOOD:
            return int(error.code)
    return None
