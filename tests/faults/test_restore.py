"""A backup is taken while people buy, restored on another server, and sold from: nothing is wrong with either.

What was acknowledged before the dump began is in it; what came later is lost with the server, and the anchors, which
were kept elsewhere, say so.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from infrastructure.container import Container, anchors
from infrastructure.doctor import Machine, examine
from infrastructure.lifecycle import opened, working
from infrastructure.persistence import migrations
from infrastructure.persistence.embedded import EmbeddedPostgres
from infrastructure.settings import Settings, load_settings
from infrastructure.workers.anchors import newest
from infrastructure.workers.verify import AuditReport, verify
from tests.support.databases import DatabaseUrls, TestDatabases
from tests.support.dumps import dump, restore
from tests.support.shop import Shop
from tests.support.stack import open_stack

ROLES = ("stoa_app", "stoa_relay", "stoa_sealer", "postgres")


@dataclass(slots=True)
class Trade:
    """Buyers of several shops, and the orders that were acknowledged: organization and number."""

    shops: Sequence[Shop]
    orders: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False

    async def buy(self, which: int) -> None:
        """Order and pay until the shop closes."""
        shop = self.shops[which % len(self.shops)]
        while not self.closed:
            order = await shop.order()
            await shop.pay(order)
            self.orders.append((str(shop.organization_id), str(order["number"])))

    async def sells(self, more: int) -> None:
        """Wait until that many more were bought."""
        before = len(self.orders)
        async with asyncio.timeout(60):
            while len(self.orders) < before + more:  # noqa: ASYNC110 - the buyers are busy
                await asyncio.sleep(0.01)


def settings_of(urls: DatabaseUrls, folder: Path) -> Settings:
    """Return the settings of a server with its workers; the secrets are the same on both servers."""
    return load_settings(
        {
            "STOA_DATABASE_URL": urls.app, "STOA_DATA_DIR": str(folder), "STOA_LOG_LEVEL": "error",
            "STOA_KEY_PEPPER": "0123456789abcdef" * 2 + "-pepper", "STOA_AUDIT_SEAL_KEY": "fedcba9876543210" * 2 + "-s",
        }
    )  # fmt: skip


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Container]:
    """Run relay, sealer and jobs."""
    async with opened(settings, work=True) as container, working(container, work=True):
        yield container


@contextmanager
def another_server() -> Iterator[EmbeddedPostgres]:
    """Start a fresh server that knows nothing but the roles."""
    folder = Path(tempfile.mkdtemp(prefix="stoa-r-"))
    server = EmbeddedPostgres(folder, fast=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def restored(server: EmbeddedPostgres, file: Path) -> DatabaseUrls:
    """Restore a backup as docs/operations.md says: a scratch database makes the roles."""
    server.ensure_database("scratch")
    await migrations.upgrade(server.url("scratch", "postgres"), "0001")
    server.ensure_database("stoa")
    app, relay, sealer, superuser = (server.url("stoa", role) for role in ROLES)
    await restore(file, superuser)
    return DatabaseUrls(app, relay, sealer, superuser)


async def at_rest(urls: DatabaseUrls) -> None:
    """Wait until nothing is left to publish, to seal or to charge."""
    waiting = (
        "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM audit_entries WHERE seq IS NULL)"
        " + (SELECT count(*) FROM payment_orders WHERE status = 'processing')"
    )
    connection = await asyncpg.connect(urls.superuser)
    async with asyncio.timeout(60):
        while await connection.fetchval(waiting):  # noqa: ASYNC110 - the workers are busy
            await asyncio.sleep(0.05)
    await connection.close()


async def a_minute_passes(urls: DatabaseUrls) -> None:
    """End the leases of the workers that are gone with their server."""
    connection = await asyncpg.connect(urls.superuser)
    await connection.execute("UPDATE jobs SET lease_until = now() WHERE lease_until IS NOT NULL")
    await connection.close()


async def anchored(urls: DatabaseUrls, file: Path) -> None:
    """Wait until the end of every chain is in the file: a sealer that starts looks for those that are not."""
    connection = await asyncpg.connect(urls.superuser)
    heads = {row[0]: row[1] for row in await connection.fetch("SELECT organization_id, seq FROM audit_heads")}
    await connection.close()
    async with asyncio.timeout(60):
        while newest(file) != heads:  # noqa: ASYNC110 - the sealer is busy
            await asyncio.sleep(0.05)


async def begun(file: Path) -> None:
    """Wait until the sealer has written its first anchors."""
    async with asyncio.timeout(60):
        while not newest(file):  # noqa: ASYNC110 - the sealer is busy
            await asyncio.sleep(0.05)


async def numbers(urls: DatabaseUrls) -> list[tuple[str, str]]:
    """Return every order's organization and number."""
    connection = await asyncpg.connect(urls.superuser)
    rows = await connection.fetch("SELECT organization_id::text, number FROM payment_orders")
    await connection.close()
    return [(row[0], row[1]) for row in rows]


async def gaps(urls: DatabaseUrls) -> list[tuple[object, ...]]:
    """Return aggregates whose published versions are not 1, 2, 3 …: events lost, repeated or overtaken."""
    connection = await asyncpg.connect(urls.superuser)
    rows = await connection.fetch(
        "SELECT aggregate_id, array_agg(DISTINCT aggregate_version ORDER BY aggregate_version) AS seen FROM events "
        "WHERE aggregate_type = 'payment_order' GROUP BY 1"
    )
    lost = [tuple(row) for row in rows if list(row["seen"]) != list(range(1, len(row["seen"]) + 1))]
    overtaken = await connection.fetch(
        "SELECT a.id FROM events a JOIN events b USING (organization_id, aggregate_id) "
        "WHERE a.position < b.position AND a.aggregate_version > b.aggregate_version"
    )
    twice = await connection.fetch("SELECT id FROM events GROUP BY id HAVING count(*) > 1")
    await connection.close()
    return [*lost, *map(tuple, overtaken), *map(tuple, twice)]


async def audited(container: Container, kept: Path) -> AuditReport:
    """Verify the audit chain against anchors that were kept elsewhere."""
    return await verify(container.sealer_database(), container.settings().seal_key(), kept)


@dataclass(frozen=True, slots=True)
class Backup:
    """A dump, what had been acknowledged when it began, and the anchors of then and of the server's end."""

    file: Path
    promised: Sequence[tuple[str, str]]
    then: Path
    later: Path


async def taken_under_load(urls: DatabaseUrls, folder: Path, *, buyers: int, seconds: float) -> Backup:
    """Sell, dump meanwhile, sell on, and lose the server."""
    file, settings = folder / "stoa.dump", settings_of(urls, folder / "first")
    then, later = folder / "then.jsonl", folder / "later.jsonl"
    async with open_stack(urls) as stack, running(settings):
        trade = Trade([await Shop.open(stack) for _ in range(2)])
        await asyncio.gather(*(shop.method("success") for shop in trade.shops))
        await at_rest(urls)
        await begun(anchors(settings))
        async with asyncio.TaskGroup() as group:
            for which in range(buyers):
                group.create_task(trade.buy(which))
            await trade.sells(10)
            await asyncio.sleep(seconds)
            shutil.copy(anchors(settings), then)
            promised = list(trade.orders)
            await dump(urls.superuser, file)
            await trade.sells(10)
            trade.closed = True
        await at_rest(urls)
    async with running(settings):
        await anchored(urls, anchors(settings))
    shutil.copy(anchors(settings), later)
    return Backup(file, promised, then, later)


async def drill(urls: DatabaseUrls, folder: Path, *, buyers: int, seconds: float) -> int:
    """Back up, restore and go on; returns how many orders the backup had promised."""
    backup = await taken_under_load(urls, folder, buyers=buyers, seconds=seconds)
    with another_server() as server:
        there = await restored(server, backup.file)
        settings = settings_of(there, folder / "second")
        found = await numbers(there)
        assert len(set(found)) == len(found)
        assert set(backup.promised) <= set(found)
        await a_minute_passes(there)
        async with running(settings) as container, open_stack(there) as stack:
            await at_rest(there)
            assert (await audited(container, backup.then)).problems == []
            lost = (await audited(container, backup.later)).problems
            assert lost
            assert all("anchor" in each.reason for each in lost)
            await goes_on(Trade([await Shop.open(stack)]), there, before=found)
            await at_rest(there)
            assert await gaps(there) == []
            assert (await audited(container, anchors(settings))).ok
        assert [each for each in await examine(settings, Machine(least_free=1)) if not each.ok] == []
    return len(backup.promised)


async def goes_on(trade: Trade, urls: DatabaseUrls, *, before: Sequence[tuple[str, str]]) -> None:
    """Sell in an old shop and a new one: the books agree, and no number comes again."""
    shop = trade.shops[0]
    await asyncio.gather(*(shop.sale() for _ in range(3)))
    assert await shop.problems() == []
    after = Counter(await numbers(urls))
    assert max(after.values()) == 1
    assert len(after) == len(before) + 3


async def test_a_backup_under_load_is_restored_and_sold_from(test_databases: TestDatabases, tmp_path: Path) -> None:
    """One drill: dump under load, restore on a fresh server, verify, go on."""
    assert await drill(test_databases.postgres(), tmp_path, buyers=3, seconds=0.3) >= 10


@pytest.mark.faults
async def test_ten_backups_at_any_moment_are_restored(test_databases: TestDatabases, tmp_path: Path) -> None:
    """The same with more buyers, at ten moments."""
    promised = 0
    for turn in range(10):
        folder = tmp_path / str(turn)
        folder.mkdir()
        promised += await drill(test_databases.postgres(), folder, buyers=8, seconds=turn * 0.7)
    assert promised >= 200
