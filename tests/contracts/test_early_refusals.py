"""Who is refused before a request is parsed hears what the whole server would have answered (goals R13 and S16)."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from application.kernel.limits import Importance
from infrastructure.health import Health
from infrastructure.resilience import admission
from infrastructure.resilience.rate_limits import BURST_SECONDS
from infrastructure.serving import Server, listening, server_config
from infrastructure.workers.supervisor import Supervisor
from interfaces.http.main import build_app
from tests.support.databases import TestDatabases
from tests.support.system import System, open_system

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@dataclass
class Line:
    """One connection that is kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, *pieces: bytes) -> bytes:
        """Send a request, piece after piece, and return its whole answer."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.05)
            self.writer.write(piece)
        async with asyncio.timeout(30):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
            assert length is not None
            return head + await self.reader.readexactly(int(length[1]))


@dataclass
class Place:
    """A served system."""

    system: System
    health: Health
    port: int

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Line(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()

    def request(self, *more: str, method: str = "GET", path: str = "/v1/products", body: str = "") -> bytes:
        sent = [f"{method} {path} HTTP/1.1", "Host: stoa", f"Authorization: Bearer {self.system.key}", *more]
        return ("\r\n".join(sent) + f"\r\n\r\n{body}").encode()

    def full(self) -> ExitStack:
        """Take all places there are for reads, for the length of a block."""
        room, held = self.system.container.admission(), ExitStack()
        while not room.is_full(Importance.READ):
            held.enter_context(room(Importance.READ))
        return held

    def parsed(self, code: str) -> float:
        """Return how many requests the endpoints themselves have refused so."""
        text = self.system.container.metrics().render().decode()
        found = re.findall(rf'^stoa_use_case_calls_total{{.*code="{code}".*}} (\S+)$', text, re.MULTILINE)
        return sum(map(float, found))


@asynccontextmanager
async def _served(system: System) -> AsyncIterator[Place]:
    health = Health(system.container, Supervisor({}))
    server = Server(server_config(build_app(system.container, health)))
    with listening("127.0.0.1", 0) as listener:
        served = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        yield Place(system, health, listener.getsockname()[1])
        server.should_exit = True
        await served


@pytest.fixture
async def place(test_databases: TestDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """Serve one caller once a second, five times at once, and tell everybody to come back in a second."""
    monkeypatch.setattr(admission, "_LONGEST_PAUSE", 1)
    settings = {"STOA_RATE_LIMIT_KEY": "1", "STOA_PUBLIC_URL": "https://stoa.example"}
    async with open_system(test_databases.sqlite(), tmp_path, **settings) as system, _served(system) as place:
        yield place


def timeless(answer: bytes) -> list[bytes]:
    """Return the lines of an answer without what passes between two of them."""
    return re.sub(rb"\r\ndate: [^\r]+|;t=\d+|;r=\d+", b"", answer).split(b"\r\n")


async def test_without_room_reads_hear_the_same_sooner(place: Place) -> None:
    """In one piece or in two, with the caller's id or one of ours; and afterwards the connection serves again."""
    asked = place.request(f"X-Request-Id: {ID}", "Accept: */*", "Connection: keep-alive")
    async with place.line() as line:
        with place.full():
            whole = await line.ask(asked)
            assert place.parsed("overloaded") == 0
            pieces = await line.ask(asked[:30], asked[30:])
            assert place.parsed("overloaded") == 1
            assert timeless(whole) == timeless(pieces)
            assert whole.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            ids = {re.findall(rb"x-request-id: (\S+)", await line.ask(place.request()))[0] for _ in range(3)}
            assert len(ids) == 3
            text = place.system.container.metrics().render().decode()
            assert 'stoa_requests_shed_total{importance="read"} 5.0' in text
        assert (await line.ask(asked)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_who_was_just_told_to_wait_is_told_again_and_then_served(place: Place) -> None:
    """The same words from both, each refusal is counted, and a second later the next request is granted."""
    asked = place.request(f"x-request-id: {ID}")
    async with place.line() as line:
        granted = 0
        while (told := await line.ask(asked)).startswith(b"HTTP/1.1 200"):
            granted += 1
        assert granted >= BURST_SECONDS
        refused, again = 1, told
        async with asyncio.timeout(30):
            while again.startswith(b"HTTP/1.1 429 Too Many Requests\r\n"):
                assert timeless(again) == timeless(told)
                await asyncio.sleep(0.02)
                again = await line.ask(asked)
                refused += 1
    assert again.startswith(b"HTTP/1.1 200 OK\r\n")
    # One of them has asked the limits and was parsed; each has counted.
    assert place.parsed("rate_limited") == 1 < refused - 1
    text = place.system.container.metrics().render().decode()
    assert f'stoa_requests_rate_limited_total{{limit="credential"}} {refused - 1}.0' in text


async def test_writes_of_who_must_wait_are_refused_with_their_bodies(place: Place) -> None:
    """A body that came with its head is not taken for another request, and nothing of it is done."""
    body = '{"name": "Espresso"}'
    write = place.request(
        "content-type: application/json", f"content-length: {len(body)}", method="POST", body=body
    )  # fmt: skip
    async with place.line() as line:
        made = 0
        for _ in range(3 * BURST_SECONDS):
            made += (await line.ask(write)).startswith(b"HTTP/1.1 201")
        assert BURST_SECONDS <= made < 3 * BURST_SECONDS
        await asyncio.sleep(1.1)
        listed = await line.ask(place.request(path="/v1/products?limit=50"))
        assert listed.count(b'"Espresso"') == made


ODD = {
    "a second request behind it": lambda place: [place.request() * 2],
    "half a head": lambda place: [place.request()[:-2], b"\r\n"],
    "half a body": lambda place: [place.request("content-length: 4", "content-type: application/json"), b"null"],
    "only the head is wanted": lambda place: [place.request(method="HEAD")],
    "closing": lambda place: [place.request("connection: close")],
    "chunks": lambda place: [place.request("transfer-encoding: chunked"), b"0\r\n\r\n"],
    "an older protocol": lambda place: [place.request().replace(b"HTTP/1.1", b"HTTP/1.0")],
    "two credentials": lambda place: [place.request("authorization: Bearer x")],
    "two lengths": lambda place: [place.request("content-length: 0", "content-length: 0")],
    "a folded header": lambda place: [place.request("x-a: b\r\n c")],
    "a bare line feed": lambda place: [place.request("x-a: b\n\nGET / HTTP/1.1")],
    "an upgrade": lambda place: [place.request("connection: upgrade", "upgrade: websocket")],
    "waiting for leave": lambda place: [place.request("expect: 100-continue")],
    "another face": lambda place: [place.request(path="/livez")],
}


@pytest.mark.parametrize("pieces", ODD.values(), ids=list(ODD))
async def test_whatever_is_not_surely_one_whole_request_is_left_to_the_server(
    place: Place, pieces: Callable[[Place], list[bytes]]
) -> None:
    """The server's own parser is asked, which knows all that HTTP may be."""
    with place.full():
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        for piece in pieces(place):
            writer.write(piece)
            await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    seen = place.parsed("overloaded") + place.parsed("header_malformed")
    assert seen or not answer.startswith(b"HTTP/1.1 503"), answer


async def test_a_process_that_drains_sends_clients_elsewhere_even_then(place: Place) -> None:
    """Its refusals close their connections, so the server makes them itself."""
    place.health.draining = True
    async with place.line() as line:
        with place.full():
            await line.ask(place.request())
    assert place.parsed("overloaded") == 1
