"""Counting round trips on the wire: the server says once per request that it is ready for the next one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from benchmarks.arena import Arena
from benchmarks.measure import progress
from benchmarks.peer import open_peer
from benchmarks.raw import open_raw
from benchmarks.report import Figure, Row, at_least, at_most
from benchmarks.stoa import open_stoa

_SOCKET = ".s.PGSQL.5432"
_READY = ord("Z")
_WARM_UP = 3


async def round_trips(arena: Arena) -> list[Row]:
    """Count what one reading and one writing unit of work send, once statements are prepared."""
    organization_id, id_ = arena.ground.seeded.organization_id, arena.ground.seeded.products[0]
    async with (
        counting(arena.ground.app, arena.ground.folder) as (counter, url),
        open_raw(url, organization_id, size=1) as raw,
        open_peer(url, organization_id, size=1) as peer,
        open_stoa(url, organization_id, size=1) as stoa,
    ):
        get = {
            "raw": await counter.trips(lambda: raw.get_product(id_)),
            "peer": await counter.trips(lambda: peer.get_product(id_)),
            "Stoa": await counter.trips(lambda: stoa.get_product(id_)),
        }
        create = {
            "raw": await counter.trips(raw.create),
            "peer": await counter.trips(peer.create),
            "Stoa": await counter.trips(stoa.create),
        }
    progress(f"round trips: get {get}, create {create}")
    return [
        Row(
            f"round trips of a get (raw {get['raw']}): Stoa's, peer's",
            Figure(get["Stoa"], goal=at_most(3)),
            Figure(get["peer"], goal=at_least(4)),
        ),
        Row(
            f"round trips of a create + 1 event (raw {create['raw']}): Stoa's, peer's",
            Figure(create["Stoa"], goal=at_most(4)),
            Figure(create["peer"]),
        ),
    ]


class Counter:
    """How often the server became ready for the next request."""

    def __init__(self) -> None:
        self.count = 0

    async def trips(self, act: Callable[[], Awaitable[object]]) -> int:
        """Return the round trips of one call, after a few that prepare its statements."""
        for _ in range(_WARM_UP):
            await act()
        before = self.count
        await act()
        return self.count - before


@asynccontextmanager
async def counting(url: str, folder: Path) -> AsyncIterator[tuple[Counter, str]]:
    """Put a proxy before the server, and give the counter and the URL that goes through it."""
    counter, tasks = Counter(), set[asyncio.Task[None]]()
    parts = urlsplit(url)
    upstream = Path(parse_qs(parts.query)["host"][0]) / _SOCKET

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(upstream)
        for work in (_forward(reader, server_writer), _forward_answers(server_reader, writer, counter)):
            task = asyncio.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_unix_server(serve, folder / _SOCKET)
    try:
        yield counter, parts._replace(query=f"host={quote(str(folder))}").geturl()
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()


async def _forward_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter) -> None:
    """Pass on message by message: a letter, four bytes of length that count themselves, and the rest."""
    with suppress(asyncio.IncompleteReadError):
        # asyncpg asks for encryption on TCP only, so the first answer is a message like all others.
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            writer.write(head + body)
            counter.count += head[0] == _READY
    writer.close()
