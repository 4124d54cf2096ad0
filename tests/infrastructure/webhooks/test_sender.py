"""One request at a time: what receivers do, and where requests cannot be led."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from infrastructure.webhooks.network import GuardedNetwork, Resolver
from infrastructure.webhooks.sender import LONGEST_EXCERPT, WebhookSender, excerpt
from infrastructure.webhooks.targets import WebhookTargets
from tests.support.receiver import Receiver, Reply, endless, receiver, silence, status

SECONDS = 0.5
LOOPBACK = "127.0.0.1"


class Names:
    """A name server that says something else every time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        """Give these answers in turn, the last one for ever."""
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def sender(names: Names, *, allow_private: bool = False) -> AsyncIterator[WebhookSender]:
    """Open a sender that believes these names."""
    opened = WebhookSender(GuardedNetwork(WebhookTargets(allow_private=allow_private), names), seconds=SECONDS)
    yield opened
    await opened.close()


@pytest.fixture
async def local() -> AsyncIterator[WebhookSender]:
    """A sender that may call this machine."""
    async with sender(Names([LOOPBACK]), allow_private=True) as opened:
        yield opened


@pytest.fixture
async def inbox() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver() as opened:
        yield opened


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (status(200, "ok"), None, 200),
        (status(204), None, 204),
        (status(500, "broken"), "http_500", 500),
        (status(410), "http_410", 410),
        (status(429, retry_after="7"), "http_429", 429),
        (status(301, location="http://169.254.169.254/latest/meta-data/"), "redirected", 301),
        (status(307, location="/elsewhere"), "redirected", 307),
        (status(399), "redirected", 399),
        (silence, "timeout", None),
        (endless(b".", 0.05), "timeout", None),
        (endless(b"x" * 4096, 0), None, 200),
    ],
    ids=lambda value: str(value) if isinstance(value, str | int | None) else "",
)
async def test_every_kind_of_receiver_gets_its_answer_in_time(
    local: WebhookSender, inbox: Receiver, reply: Reply, error: str | None, code: int | None
) -> None:
    """Only a 2xx counts, a drip is cut off, what is too long is not read on, and nobody is followed elsewhere."""
    inbox.replies["/"] = reply
    started = monotonic()
    answer = await local.send(inbox.url(), {"webhook-id": "evt_1"}, b"{}")
    assert monotonic() - started < SECONDS * 3
    assert (answer.error, answer.status_code) == (error, code)
    assert len(answer.response.encode()) <= LONGEST_EXCERPT
    assert [each.path for each in inbox.received] == ["/"]
    assert answer.retry_after == (7 if code == 429 else None)


async def test_the_request_is_what_was_signed(local: WebhookSender, inbox: Receiver) -> None:
    """The body arrives byte for byte, as JSON, with the name it was sent to."""
    body = '{"name":"Inês"}'.encode()
    await local.send(inbox.url("/hook?a=1"), {"webhook-id": "evt_1"}, body)
    [request] = inbox.received
    assert request.body == body
    assert request.headers["host"] == f"127.0.0.1:{inbox.port}"
    assert request.headers["content-type"] == "application/json"
    assert (request.path, request.headers["webhook-id"]) == ("/hook?a=1", "evt_1")


@pytest.mark.parametrize(
    "addresses",
    [
        [LOOPBACK],
        ["8.8.8.8", LOOPBACK],
        [LOOPBACK, "8.8.8.8"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
        ["10.1.2.3", "2606:4700::1111"],
    ],
)
async def test_a_name_that_leads_inside_is_not_followed(inbox: Receiver, addresses: Sequence[str]) -> None:
    """One private address among public ones is enough to refuse all of them, and nothing is connected to."""
    async with sender(Names(addresses)) as guarded:
        answer = await guarded.send("https://shop.example.com/x", {}, b"{}")
    assert (answer.error, answer.status_code) == ("address_refused", None)
    assert inbox.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "localhost", "0x7f.1", "[::1]", "intranet"])
async def test_a_url_that_was_never_checked_is_refused_at_the_connection_too(inbox: Receiver, host: str) -> None:
    """Whatever came into the table by another way is stopped here, before its name is even asked for."""
    names = Names([LOOPBACK])
    async with sender(names) as guarded:
        answer = await guarded.send(f"https://{host}:{inbox.port}/", {}, b"{}")
    assert answer.error == "address_refused"
    assert (inbox.connections, names.asked) == (0, [])


async def test_a_port_that_is_not_for_webhooks_is_refused(inbox: Receiver) -> None:
    """A public name with another port goes nowhere."""
    async with sender(Names(["8.8.8.8"])) as guarded:
        assert (await guarded.send(f"https://shop.example.com:{inbox.port}/", {}, b"{}")).error == "address_refused"


async def test_a_name_is_asked_for_once_and_the_answer_that_was_checked_is_used(inbox: Receiver) -> None:
    """Rebinding: the second answer, which leads inside, is never seen by the first request and refused in the next."""
    names = Names(["192.0.2.255"], [LOOPBACK])
    connected: list[str] = []

    class Recording(GuardedNetwork):
        async def _checked(self, host: str, port: int) -> Sequence[str]:
            connected.extend(await super()._checked(host, port))
            return []

    public = Names(["93.184.216.34"], [LOOPBACK])
    opened = WebhookSender(Recording(WebhookTargets(), public), seconds=SECONDS)
    first = await opened.send("https://shop.example.com/", {}, b"{}")
    second = await opened.send("https://shop.example.com/", {}, b"{}")
    await opened.close()
    assert (first.error, second.error) == ("connection_failed", "address_refused")
    assert (connected, len(public.asked)) == (["93.184.216.34"], 2)
    async with sender(names) as guarded:
        assert (await guarded.send("https://shop.example.com/", {}, b"{}")).error == "address_refused"
    assert inbox.connections == 0


async def test_without_the_guard_the_same_request_reaches_us(inbox: Receiver) -> None:
    """The attack has teeth: where loopback is allowed, the very name that was refused arrives."""
    async with sender(Names([LOOPBACK]), allow_private=True) as open_wide:
        answer = await open_wide.send(f"http://shop.example.com:{inbox.port}/", {}, b"{}")
    assert answer.status_code == 204
    assert inbox.connections == 1


async def test_an_environments_proxy_is_not_asked(
    local: WebhookSender, inbox: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings of the machine send webhooks nowhere else."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await local.send(inbox.url(), {}, b"{}")).error is None


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b""])
async def test_a_receiver_that_speaks_no_http_only_hurts_itself(
    local: WebhookSender, inbox: Receiver, garbage: bytes
) -> None:
    """Garbage and hanging up are failures like any other."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        writer.close()

    inbox.replies["/"] = reply
    assert (await local.send(inbox.url(), {}, b"{}")).error in {"protocol_error", "connection_failed"}


def certificate(name: str) -> tuple[str, str]:
    """Return a certificate for a name and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), private.decode()


@pytest.mark.parametrize(
    ("named", "trusted", "error"),
    [("shop.example.com", True, None), ("shop.example.com", False, "tls_failed"), ("evil.example", True, "tls_failed")],
)
async def test_tls_keeps_the_name_of_the_url(tmp_path: Path, named: str, trusted: bool, error: str | None) -> None:
    """The checked address is connected to, the URL's name is what the other side has to prove."""
    public, private = certificate(named)
    (tmp_path / "pem").write_text(public + private)
    served, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    served.load_cert_chain(tmp_path / "pem")
    if trusted:
        trust.load_verify_locations(cadata=public)
    asked: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with receiver(tls=served) as inbox:
        network = GuardedNetwork(WebhookTargets(allow_private=True), Names([LOOPBACK]))
        opened = WebhookSender(network, seconds=5, trust=trust)
        answer = await opened.send(f"https://shop.example.com:{inbox.port}/", {}, b"{}")
        await opened.close()
    assert (answer.error, asked) == (error, ["shop.example.com"])


def test_an_excerpt_shows_no_secret_and_nothing_unprintable() -> None:
    """At most 1 KiB of text that can be stored and shown anywhere."""
    shown = excerpt(b"a\x00b\x1b[31m whsec_abcdefgh12345678 \xff" + b"x" * 5000)
    assert "whsec_abc" not in shown
    assert "\x00" not in shown
    assert "\x1b" not in shown
    assert len(shown.encode()) <= LONGEST_EXCERPT


async def test_names_are_looked_up_beside_everything_else() -> None:
    """The resolver has threads of its own, and finds this machine."""
    resolver = Resolver(2)
    try:
        assert LOOPBACK in await resolver("localhost", 80)
        with pytest.raises(socket.gaierror):
            await resolver("no-such-name.invalid", 443)
    finally:
        resolver.close()
