"""Mail over SMTP, to a real server on this machine that takes, refuses, drops and says nothing."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from pathlib import Path

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from application.kernel.ports import Mail
from domain.identity.errors import MailerUnavailable
from infrastructure.mail.smtp import SmtpMailer, WatchedMailer
from infrastructure.outside import mail_breaker
from infrastructure.resilience.breaker import FAILURES, BreakerOpen
from infrastructure.resilience.breakers import Breakers
from infrastructure.settings_mail import Security, SmtpServer

# The library warns of TLS from the first byte, which it does not see.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

SENDER = Address("Stoa", addr_spec="no-reply@stoa.example")
MAIL = Mail(to="ines@harbour.example", subject="Verify", text="stoa_tok_abc\n", html="<p>stoa_tok_abc</p>")
USER, PASSWORD = "stoa", "correct horse"


@dataclass
class Server:
    """What the server is told to say, and what it took."""

    at_rcpt: str = "250 OK"
    at_data: str = "250 OK"
    taken: list[Envelope] = field(default_factory=list)
    drop: bool = False

    async def handle_RCPT(  # noqa: N802 - the name is the library's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.drop:
            assert server.transport is not None
            server.transport.close()
        if self.at_data.startswith("250"):
            self.taken.append(envelope)
        return self.at_data


def _login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


class TlsController(Controller):
    """Starts a server that speaks TLS from the first byte."""

    def _trigger_server(self) -> None:
        """Probe the port without the handshake, for the probe it comes with does not trust our certificate."""
        socket.create_connection((self.hostname, self.port)).close()


@contextmanager
def serving(handler: Server, security: Security, certificate: tuple[Path, Path]) -> Iterator[SmtpServer]:
    """Run the server in a thread of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    # The server counts only what came by STARTTLS as protected, so that it may not ask for it with plain TLS.
    starttls = security == "starttls"
    make = TlsController if security == "tls" else Controller
    controller = make(
        handler, hostname="127.0.0.1", port=port, ssl_context=context if security == "tls" else None,
        authenticator=_login, auth_required=security != "none", auth_require_tls=starttls, require_starttls=starttls,
        tls_context=context if starttls else None,
    )  # fmt: skip
    controller.start()
    try:
        credentials = (None, None) if security == "none" else (USER, PASSWORD)
        yield SmtpServer("localhost" if security != "none" else "127.0.0.1", port, security, *credentials)
    finally:
        controller.stop()


def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Trust the test's certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_mail_arrives(security: Security, certificate: tuple[Path, Path]) -> None:
    """By STARTTLS, by TLS from the first byte, and plainly on this machine, the server takes the same mail."""
    handler = Server()
    with serving(handler, security, certificate) as server:
        tls = None if security == "none" else trusting(certificate)
        await SmtpMailer(server, SENDER, timeout=5, tls=tls).send(MAIL)
    (envelope,) = handler.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@stoa.example", [MAIL.to])
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=default)
    body = message.get_body(("plain",))
    assert (message["subject"], body and body.get_content().replace("\r\n", "\n")) == (MAIL.subject, MAIL.text)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    security: Security, certificate: tuple[Path, Path]
) -> None:
    """Without trust in its certificate neither the login nor the mail is sent."""
    handler = Server()
    with serving(handler, security, certificate) as server, pytest.raises(MailerUnavailable):
        await SmtpMailer(server, SENDER, timeout=5).send(MAIL)
    assert handler.taken == []


async def test_a_server_without_starttls_gets_nothing(certificate: tuple[Path, Path]) -> None:
    """Whoever takes the offer of STARTTLS out of the conversation does not get the mail in the clear."""
    handler = Server()
    with serving(handler, "none", certificate) as plain:
        server = SmtpServer(plain.host, plain.port, "starttls")
        with pytest.raises(MailerUnavailable):
            await SmtpMailer(server, SENDER, timeout=5, tls=trusting(certificate)).send(MAIL)
    assert handler.taken == []


@pytest.mark.parametrize("reply", ["550 No such mailbox ines@harbour.example", "554 Refused"])
async def test_what_will_never_be_taken_is_given_up(reply: str, certificate: tuple[Path, Path]) -> None:
    """A mailbox that does not exist makes no job come back for ever; the log says so without the address."""
    for handler in (Server(at_rcpt=reply), Server(at_data=reply)):
        with serving(handler, "none", certificate) as server, structlog.testing.capture_logs() as log:
            await SmtpMailer(server, SENDER, timeout=5).send(MAIL)
        assert [(entry["event"], entry["code"]) for entry in log] == [("mail_refused", int(reply[:3]))]
        assert MAIL.to not in repr(log)
        assert "stoa_tok" not in repr(log)


@pytest.mark.parametrize("handler", [Server(at_rcpt="450 Later"), Server(at_data="451 Later"), Server(drop=True)])
async def test_what_may_be_taken_later_comes_back(handler: Server, certificate: tuple[Path, Path]) -> None:
    """A full mailbox, a busy server and a connection that breaks within the mail are for another time."""
    with serving(handler, "none", certificate) as server, pytest.raises(MailerUnavailable) as failed:
        await SmtpMailer(server, SENDER, timeout=5).send(MAIL)
    assert MAIL.to not in failed.value.message


async def test_a_wrong_login_waits_for_whoever_mends_it(certificate: tuple[Path, Path]) -> None:
    """Our own mistake costs no mail: the job comes back."""
    with serving(Server(), "tls", certificate) as server:
        wrong = SmtpServer(server.host, server.port, "tls", USER, "another password")
        with pytest.raises(MailerUnavailable):
            await SmtpMailer(wrong, SENDER, timeout=5, tls=trusting(certificate)).send(MAIL)


async def test_a_server_that_is_away_is_left_alone_and_one_that_puts_mails_off_is_not(
    certificate: tuple[Path, Path],
) -> None:
    """A mailbox that is full again and again says nothing against its server, and a server that is gone everything."""
    breaker = mail_breaker(Breakers())
    with serving(Server(at_rcpt="450 Later"), "none", certificate) as server:
        mailer = WatchedMailer(SmtpMailer(server, SENDER, timeout=5), breaker)
        for _ in range(2 * FAILURES):
            with pytest.raises(MailerUnavailable):
                await mailer.send(MAIL)
    for _ in range(FAILURES):
        with pytest.raises(MailerUnavailable):
            await mailer.send(MAIL)
    with pytest.raises(BreakerOpen):
        await mailer.send(MAIL)


async def test_a_silent_server_is_not_waited_for() -> None:
    """A server that accepts and says nothing costs the timeout and no more; one that is not there nothing at all."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    mailer = SmtpMailer(SmtpServer("127.0.0.1", port, "none"), SENDER, timeout=0.3)
    async with silent:
        async with asyncio.timeout(3):
            with pytest.raises(MailerUnavailable):
                await mailer.send(MAIL)
    with pytest.raises(MailerUnavailable):
        await mailer.send(MAIL)
