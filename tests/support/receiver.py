"""A receiver of webhooks on the loopback interface, which answers as it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import time

from standardwebhooks import Webhook

type Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time)

    def verified_by(self, secret: str) -> bool:
        """Say whether the reference library accepts it."""
        with suppress(Exception):
            Webhook(secret).verify(self.body, dict(self.headers))
            return True
        return False


@dataclass
class Receiver:
    """What came, by path; ``replies`` says how to answer a path, and ``otherwise``, at first with 204, all others."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    otherwise: Reply = field(default_factory=lambda: status(204))
    connections: int = 0

    def url(self, path: str = "/") -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        """Return what came to a path."""
        return [each for each in self.received if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path = first.split(" ")[1]
                self.received.append(Received(path, headers, body))
                await self.replies.get(path, self.otherwise)(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def status(code: int, body: str = "", **headers: str) -> Reply:
    """Answer with a status, a body and headers (``retry_after`` for Retry-After)."""
    lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([*lines, "", body]).encode())

    return reply


def endless(chunk: bytes, pause: float) -> Reply:
    """Answer 200 and never stop sending."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)

    return reply


async def silence(_: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(60)


@asynccontextmanager
async def receiver(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Listen on a free port."""
    opened, tasks = Receiver(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await opened.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    opened.port = server.sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
