"""A proxy in front of PostgreSQL's unix socket that knows where messages end, and fails at any one of them."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET = ".s.PGSQL.5432"


class _Cut(Exception):
    """This connection is to break here."""


class CutProxy:
    """Counts messages over all its connections and both directions, and breaks the one that carries the chosen one.

    Attributes:
        messages: how many passed, or would have, since :meth:`count` or :meth:`arm`.
        cuts: how many connections were broken so far.
        accepted: how many connections were asked for so far.
        refuse: break new connections at once, and open ones at their next message.
        blackhole: swallow every message and keep the connections open.
        delay: seconds every message is held back.
    """

    def __init__(self, upstream: Path, folder: Path) -> None:
        """Stand between clients that look into ``folder`` and the server whose socket is in ``upstream``."""
        self.folder = folder
        self.messages = 0
        self.cuts = 0
        self.accepted = 0
        self.refuse = False
        self.blackhole = False
        self.delay = 0.0
        self._deaf: frozenset[asyncio.Task[None]] = frozenset()
        self._upstream = upstream
        self._cut_at: int | None = None
        self._forward = False
        self._connections: set[asyncio.Task[None]] = set()

    def url(self, url: str) -> str:
        """Return the same database's URL by way of this proxy."""
        return f"{url.partition('?')[0]}?host={quote(str(self.folder))}"

    def count(self) -> None:
        """Let everything pass and count from zero."""
        self.messages, self._cut_at = 0, None

    def arm(self, at: int, *, forward: bool) -> None:
        """Break the connection at the ``at``-th message from now, just after passing it on or just before."""
        self.messages, self._cut_at, self._forward = 0, at, forward

    def deafen(self) -> None:
        """Swallow every message of the connections that are open now, as a firewall does that has forgotten them."""
        self._deaf = frozenset(self._connections)

    async def quiet(self) -> None:
        """Wait until the server has finished with every connection that is broken or closed."""
        while ended := [each for each in self._connections if each.get_name() == "ended"]:
            await asyncio.wait(ended)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is a task")
        self.accepted += 1
        if self.refuse:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._upstream / _SOCKET)
            try:
                await self._carry((reader, writer), (server_reader, server_writer), task)
            finally:
                server_writer.close()
        except OSError:
            pass  # A side that is gone is what this proxy is about.
        finally:
            writer.close()
            self._connections.discard(task)

    async def close(self) -> None:
        """Break everything that is still open."""
        for each in self._connections:
            each.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _carry(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        task: asyncio.Task[None],
    ) -> None:
        pumps = [
            asyncio.create_task(self._pump(client[0], server[1], task, begins=True)),
            asyncio.create_task(self._pump(server[0], client[1], task, begins=False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        task.set_name("ended")
        client[1].close()
        # The server still performs what has reached it; its answers go nowhere.
        server[1].write_eof()
        while await server[0].read(65536):
            pass

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, of: asyncio.Task[None], *, begins: bool
    ) -> None:
        # Only the first message of a client has no byte for its type.
        head = 4 if begins else 5
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, _Cut):
            while True:
                start = await reader.readexactly(head)
                message = start + await reader.readexactly(int.from_bytes(start[-4:]) - 4)
                head = 5
                if of not in self._deaf:
                    await self._pass_on(message, writer)

    async def _pass_on(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.refuse:
            raise _Cut
        if self.blackhole:
            return
        self.messages += 1
        here = self.messages == self._cut_at
        if not here or self._forward:
            writer.write(message)
            await writer.drain()
        if here:
            self.cuts += 1
            raise _Cut


@asynccontextmanager
async def cut_proxy(url: str) -> AsyncIterator[CutProxy]:
    """Open a proxy to the server behind ``postgresql://user@/database?host=<folder>``, in a folder of its own."""
    upstream = Path(parse_qs(urlsplit(url).query)["host"][0])
    folder = Path(tempfile.mkdtemp(prefix="cut-"))
    proxy = CutProxy(upstream, folder)
    server = await asyncio.start_unix_server(proxy.serve, folder / _SOCKET)
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        shutil.rmtree(folder, ignore_errors=True)
