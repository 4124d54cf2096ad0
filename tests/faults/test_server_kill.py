"""The API process is killed under load; its clients ask again, and nothing is lost or doubled."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import asyncpg
import pytest

from domain.shared.ids import decode_id
from tests.faults.processes import crowd
from tests.faults.served import Served, served
from tests.faults.shoppers import Answered, Shoppers
from tests.faults.writers import at_work

CLIENTS = 12
KILLS = 20
KILLS_AT_FULL_LENGTH = 200
TIMED = 4
"""Which starts are timed, and so done as in production: one of so many."""
SERVES_AGAIN_WITHIN = 5.0


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Served]:
    """Run ``stoa up`` in an empty data folder."""
    async with served(tmp_path) as opened:
        yield opened


async def test_a_killed_server_loses_and_repeats_nothing(shop: Served, pytestconfig: pytest.Config) -> None:
    """Twelve clients, twenty kills without warning: every acknowledged effect is there once, and nothing else is."""
    kills = KILLS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else KILLS
    shoppers = Shoppers(shop.url, shop.secret)
    await shoppers.open_shop()
    recoveries = []
    async with at_work((shoppers.shop() for _ in range(CLIENTS)), shoppers.stop):
        for kill in range(kills):
            await asyncio.sleep(random.uniform(0.05, 0.4))
            shop.server.kill()
            timed = kill % TIMED == 0
            shop.server.start(anew=timed)
            seconds = await shop.serving()
            recoveries += [seconds] if timed else []

    again = sum(answer.tries > 1 for answer in shoppers.answered)
    replayed = sum(answer.replayed for answer in shoppers.answered)
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{kills} kills, {len(shoppers.answered)} effects, {again} asked again, {replayed} of them had happened; "
        f"serving again after {median(recoveries):.2f} s (median), {max(recoveries):.2f} s (longest)"
    )
    await _prove_each_effect_happened_once(shop.database, shoppers)
    await _prove_replays(shoppers)
    assert again >= kills
    assert median(recoveries) <= SERVES_AGAIN_WITHIN * crowd()


async def _prove_each_effect_happened_once(database: str, shoppers: Shoppers) -> None:
    connection = await asyncpg.connect(database)
    try:
        for prefix, table, setup in (("prod", "products", 1), ("cus", "customers", 1), ("ord", "payment_orders", 0)):
            ids = [str(each.got["id"]) for each in shoppers.answered if str(each.got["id"]).startswith(f"{prefix}_")]
            assert len(set(ids)) == len(ids) > 0, f"two keys got the same of {table}"
            stored = await connection.fetch(f"SELECT id, version FROM {table}")
            wanted = {decode_id(prefix, each) for each in ids}
            assert wanted <= {row["id"] for row in stored}, f"acknowledged {table} are lost"
            assert len(stored) == len(wanted) + setup, f"{table} nobody was told of"
            assert {row["version"] for row in stored if row["id"] in wanted} == {1}
            entries = await connection.fetch(
                "SELECT subject_id, count(*) FROM audit_entries WHERE subject_id = ANY($1) GROUP BY subject_id", ids
            )
            assert Counter(dict(map(tuple, entries))) == Counter(ids), f"{table} without exactly one audit entry"
        orders = await connection.fetchval("SELECT count(*) FROM payment_orders")
        assert await connection.fetchval("SELECT max(uses) FROM payment_links") == orders
        assert await connection.fetchval("SELECT sum(value) FROM counters") == orders, "order numbers have gaps"
        keys = await connection.fetch("SELECT key FROM idempotency_records")
        assert {each.key for each in shoppers.answered} <= {row["key"] for row in keys}
    finally:
        await connection.close()


async def _prove_replays(shoppers: Shoppers) -> None:
    """Ask a sample of all requests once more: the same answers come from the store."""
    sample: list[Answered] = random.sample(shoppers.answered, min(50, len(shoppers.answered)))
    async with shoppers.client() as client:
        for answer in itertools.chain(sample, [each for each in shoppers.answered if each.replayed]):
            again = await shoppers.post(client, answer.path, answer.sent, answer.key)
            assert again.replayed
            assert again.got == answer.got
