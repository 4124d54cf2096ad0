"""The delivery worker's process is killed in the middle of its work: at least once, under one id, nothing is lost."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import asyncpg

from domain.shared.ids import decode_id
from tests.faults.processes import ChildProcess
from tests.support.databases import TestDatabases
from tests.support.post import publish
from tests.support.receiver import receiver, status
from tests.support.stack import open_stack

EVENTS, KILLS = 120, 8
_POINT = "UPDATE webhook_endpoints SET url = $1 WHERE id = $2"
_LEFT = "SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'"
_IDS = "SELECT id FROM events WHERE type = 'product.created'"


async def test_a_killed_worker_loses_no_webhook_and_repeats_under_the_same_id(
    test_databases: TestDatabases, tmp_path: Path
) -> None:
    """Killed eight times while it delivers: every event arrives, what comes twice has the same id and verifies."""
    urls = test_databases.postgres()
    async with open_stack(urls) as stack, receiver() as inbox:
        actor = await stack.organization()
        made = await stack.run(
            "webhook_endpoints.create", actor, url="https://shop.example.com/", events=["product.created"]
        )
        for n in range(EVENTS):
            await stack.run("products.create", actor, name=f"Beans {n}", sku=None, description="", metadata={})

        async def slowly(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(random.uniform(0, 0.05))
            await status(204)(writer)

        inbox.replies["/"] = slowly
        superuser = await asyncpg.connect(urls.superuser)
        worker = ChildProcess(tmp_path / "worker", "tests.faults.delivery_process", urls.app, urls.relay)
        try:
            await superuser.execute(_POINT, inbox.url(), decode_id("whe", str(made["id"])))
            await publish(stack)
            for _ in range(KILLS):
                before = len(inbox.received)
                worker.start()
                async with asyncio.timeout(60):
                    while len(inbox.received) < before + random.randint(1, 10):
                        assert worker.alive, worker.errors
                        await asyncio.sleep(0.002)
                worker.kill()
            worker.start()
            async with asyncio.timeout(60):
                while await superuser.fetchval(_LEFT):  # noqa: ASYNC110 - the database has no bell
                    await asyncio.sleep(0.05)
            events = {row["id"] for row in await superuser.fetch(_IDS)}
        finally:
            worker.kill()
            await superuser.close()
    arrived = Counter(decode_id("evt", each.headers["webhook-id"]) for each in inbox.received)
    repeats = sum(arrived.values()) - len(arrived)
    print(f"{KILLS} kills, {len(arrived)} of {EVENTS} webhooks, {repeats} repeats")  # noqa: T201 - seen with -rP
    assert arrived.keys() == events
    assert repeats <= KILLS * 4, "more than what an endpoint may have under way"
    assert all(each.verified_by(str(made["secret"])) for each in inbox.received)
    bodies = {(each.headers["webhook-id"], each.body) for each in inbox.received}
    assert len(bodies) == EVENTS, "the same id with another body"
