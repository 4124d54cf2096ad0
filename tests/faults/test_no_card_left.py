"""A whole purchase on a running server, and then a search for the card through everything that is left of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from infrastructure.persistence.embedded import EmbeddedPostgres
from tests.faults.processes import ChildProcess, free_port
from tests.faults.served import ready
from tests.faults.shoppers import Shoppers
from tests.interfaces.web.store import hidden

TYPED = "6759 6498 2643 8453"
CARD = {"number": TYPED, "expiry": "12/39", "cvc": "904"}
DECLINED = {**CARD, "number": "4000 0000 0000 9995"}


@dataclass(frozen=True, slots=True)
class Served:
    """A running server that logs everything, its database and its data folder."""

    server: ChildProcess
    url: str
    cluster: EmbeddedPostgres
    folder: Path

    async def rows(self) -> dict[str, list[str]]:
        """Return every row of every table as the text that PostgreSQL makes of it."""
        connection = await asyncpg.connect(self.cluster.url("stoa", "postgres"))
        try:
            await connection.execute("CHECKPOINT")  # what is in memory only goes to the files that are read next
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            return {
                name: [row["text"] for row in await connection.fetch(f'SELECT t::text AS text FROM "{name}" t')]
                for (name,) in tables
            }
        finally:
            await connection.close()

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Return every file below the data folder and the server's own output, logs among them."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Run ``stoa up`` in an empty data folder, with the log at its most talkative."""
    port, cluster = free_port(), EmbeddedPostgres(tmp_path / "data")
    settings = {"data_dir": tmp_path / "data", "port": port, "log_level": "debug", "events": "log"}
    server = ChildProcess(tmp_path / "server", "interfaces.cli.main", "up", **settings)
    try:
        server.start(anew=True)
        opened = Served(server, f"http://127.0.0.1:{port}", cluster, tmp_path)
        await ready(opened.server, opened.url)
        yield opened
    finally:
        server.kill()
        await asyncio.to_thread(cluster.stop)


async def bought(client: httpx2.AsyncClient, slug: str, email: str) -> None:
    """Fill the page's form with a card that is declined, then with a good one, and wait for the receipt."""
    buyer = {"email": email, "name": "Mara Lind"}
    form = hidden((await client.get(f"/pay/{slug}")).text)
    back = await client.post("/sandbox/vault", data={**form, **buyer, **DECLINED})
    page = await shown(client, back, "not enough money")
    back = await client.post("/sandbox/vault", data={**hidden(page), **buyer, **CARD})
    await shown(client, back, "Payment received")


async def shown(client: httpx2.AsyncClient, response: httpx2.Response, words: str) -> str:
    """Follow the way back and reload until the words are there; no page on the way holds the number."""
    page = response
    for _ in range(200):
        assert not traces_of(TYPED).search(f"{page.text}{page.headers}".encode())
        if words in page.text:
            return page.text
        page = await client.get(page.headers.get("location", str(page.url)))
        await asyncio.sleep(0.05)
    raise TimeoutError(page.text)


def processes() -> list[bytes]:
    """Return the arguments of every process of this machine, which any user of it can read."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes())
    return found


def traces_of(number: str) -> re.Pattern[bytes]:
    """Return what finds a number in bytes, however its digits are parted and in eight or sixteen bits each."""
    return re.compile(
        rb"(?:[\0 +-]|\xa0|\xc2\xa0|%20|&nbsp;)*".join(digit.encode() for digit in number if digit != " ")
    )


async def test_a_purchase_leaves_the_card_number_nowhere(served: Served) -> None:
    """Neither card is in a table, a file of the data folder, the log or an event; the buyer's address is in them."""
    key = served.server.output.split()[-1]
    shop, email = Shoppers(served.url, key), f"mara-{uuid4().hex[:12]}@example.org"
    await shop.open_shop()
    async with httpx2.AsyncClient(base_url=served.url, timeout=10, trust_env=False) as client:
        await bought(client, str(shop.link["slug"]), email)
    async with asyncio.timeout(10):
        while "payment_order.completed" not in str((await served.rows())["events"]):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    kept = [(served.folder / "data" / name).read_text("utf-8").strip() for name in ("key_pepper", "audit_seal_key")]
    arguments = processes()
    rows = await served.rows()
    files = dict(served.files())

    assert len(rows) > 30
    assert any(email in row for row in rows["customers"])
    assert any(email.encode() in content for content in files.values())
    assert "payment_order.completed" in served.server.errors
    assert any(str(served.folder).encode() in line for line in arguments)
    assert [secret for secret in (key, *kept) if any(secret.encode() in line for line in arguments)] == []
    for number in (TYPED, DECLINED["number"]):
        assert [line for line in arguments if traces_of(number).search(line)] == []
        trace = traces_of(number)
        assert [name for name, texts in rows.items() if any(trace.search(text.encode()) for text in texts)] == []
        assert [str(path) for path, content in files.items() if trace.search(content)] == []
