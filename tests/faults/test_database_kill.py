"""The database is killed under load: what was acknowledged is there, and the application comes back by itself."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import pytest

from application.kernel.actor import Actor
from domain.shared.ids import decode_id
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.persistence import migrations
from infrastructure.persistence.embedded import EmbeddedPostgres
from infrastructure.workers.relay import Relay
from tests.faults.processes import crowd
from tests.faults.writers import Writers, at_work, drained, superuser
from tests.support.databases import DatabaseUrls
from tests.support.stack import Stack, open_stack

WRITERS = 8
KILLS = 3
KILLS_AT_FULL_LENGTH = 50
RECOVERS_WITHIN = 5.0


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Start a cluster of the test's own that keeps its promises: every commit is on disk."""
    made = EmbeddedPostgres(tmp_path / "data")
    try:
        await asyncio.to_thread(made.start)
        await asyncio.to_thread(made.ensure_database, "stoa")
        await migrations.upgrade(made.url("stoa", "postgres"))
        yield made
    finally:
        await asyncio.to_thread(made.stop)


def _urls(cluster: EmbeddedPostgres) -> DatabaseUrls:
    return DatabaseUrls(*(cluster.url("stoa", role) for role in ("stoa_app", "stoa_relay", "stoa_sealer", "postgres")))


def _kill_postmaster(tmp_path: Path) -> None:
    """Kill the server's first process; the others notice and end."""
    os.kill(int((tmp_path / "data/pg/postmaster.pid").read_text().split()[0]), signal.SIGKILL)


@asynccontextmanager
async def _writing(stack: Stack, actor: Actor) -> AsyncIterator[Writers]:
    writers = Writers(stack, actor)
    # A writer that met anything but a named failure raises it at the end.
    async with at_work((writers.write() for _ in range(WRITERS)), writers.stop):
        await writers.next_acknowledgement(within=10)
        yield writers


async def test_a_killed_database_loses_nothing_that_was_acknowledged(
    cluster: EmbeddedPostgres, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """The process never ends, answers again within five seconds, and the relay goes on where it was."""
    kills = KILLS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else KILLS
    publisher, recoveries, downtimes = InMemoryEventPublisher(capacity=1_000_000), [], []
    async with open_stack(_urls(cluster)) as stack:
        relaying = asyncio.create_task(Relay(stack.relay_database, publisher).run())
        try:
            async with _writing(stack, await stack.organization()) as writers:
                for _ in range(kills):
                    await asyncio.sleep(random.uniform(0.1, 0.5))
                    killed = perf_counter()
                    _kill_postmaster(tmp_path)
                    await asyncio.to_thread(cluster.start)
                    downtimes.append(perf_counter() - killed)
                    recoveries.append(await writers.next_acknowledgement(within=60))
            await drained(stack, within=60)
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)
        print(  # noqa: T201 - the figures of the run, seen with -rP
            f"{kills} kills, {len(writers.acknowledged)} acknowledged, {writers.failures} failures seen; database back "
            f"after at most {max(downtimes):.2f} s, first success at most {max(recoveries):.2f} s later"
        )
        assert await _lost(stack, writers) == set()
        await _prove_nothing_is_doubled(stack, writers, publisher)
    assert max(recoveries) <= RECOVERS_WITHIN * crowd()


async def test_the_same_kill_convicts_a_database_that_acknowledges_too_early(
    cluster: EmbeddedPostgres, tmp_path: Path
) -> None:
    """The test has teeth: with commits that do not wait for the disk, acknowledged products are gone."""
    async with open_stack(_urls(cluster)) as stack:
        actor = await stack.organization()
        await _make_forgetful(stack)
        async with _writing(stack, actor) as writers:
            await asyncio.sleep(0.5)
            _kill_postmaster(tmp_path)
            await asyncio.to_thread(cluster.start)
        lost = await _lost(stack, writers)
    print(f"{len(lost)} of {len(writers.acknowledged)} acknowledged are lost")  # noqa: T201 - the figure, seen with -rP
    assert lost


async def _make_forgetful(stack: Stack) -> None:
    """Have commits answered before they are on disk, and let the log wait there for long.

    By default it is written within a fifth of a second even for commits that did not wait for it.
    """
    async with superuser(stack) as connection:
        for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'"):
            await connection.execute(f"ALTER SYSTEM SET {setting}")
        await connection.execute("SELECT pg_reload_conf()")


async def _lost(stack: Stack, writers: Writers) -> set[str]:
    async with superuser(stack) as connection:
        stored = {row["id"] for row in await connection.fetch("SELECT id FROM products")}
    return {id for id in writers.acknowledged.values() if decode_id("prod", id) not in stored}


async def _prove_nothing_is_doubled(stack: Stack, writers: Writers, publisher: InMemoryEventPublisher) -> None:
    promised = set(writers.acknowledged.values())
    assert len(promised) == len(writers.acknowledged), "two keys got the same product"
    async with superuser(stack) as connection:
        assert await connection.fetchval("SELECT count(*) FROM products") == len(promised)
        entries = await connection.fetch("SELECT subject_id FROM audit_entries WHERE subject_type = 'product'")
        assert sorted(row["subject_id"] for row in entries) == sorted(promised)
    published = {event.aggregate_id for event in publisher.events if event.aggregate_type == "product"}
    assert published == {decode_id("prod", id) for id in promised}
