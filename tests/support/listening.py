"""Servers of one handler, for tests that stand in for somebody's machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve every connection to a free port of the loopback interface; yields the port. At the end all are closed."""
    clients = set[asyncio.StreamWriter]()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(writer)
        try:
            await serve(reader, writer)
        finally:
            clients.discard(writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for client in clients:
            client.close()
        await server.wait_closed()
