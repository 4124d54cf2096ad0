"""Processes whose clocks are two hours apart work for the same tenants: what is due, and whose it is, is not theirs."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

import pytest
from sqlalchemy import update

from application.customers.kyc import CHECK
from application.customers.kyc import EXPIRE as KYC_EXPIRES
from application.customers.kyc_checks import KycChecks
from application.kernel.actor import Actor
from application.kernel.ports import IClock
from application.mandates.mandates import MANDATE_ENDS
from domain.shared.errors import StaleVersion
from domain.work.task_errors import TaskLeaseLost
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.kyc.local import LocalKycProvider
from infrastructure.persistence.models.technical import JobRow
from infrastructure.system import UuidV7Ids
from infrastructure.workers.jobs import Handler
from infrastructure.workers.relay import Relay
from tests.support.databases import TestDatabases
from tests.support.shop import Shop
from tests.support.spenders import Spender, money
from tests.support.stack import Body, Stack, open_stack

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Apart:
    """Two processes on one PostgreSQL, the clock of one an hour fast and of the other an hour slow."""

    fast: Stack
    slow: Stack

    @property
    def both(self) -> tuple[Stack, Stack]:
        return self.fast, self.slow


def _unix_ms(clock: IClock) -> int:
    return int(clock.now().timestamp() * 1000)


@pytest.fixture
async def apart(test_databases: TestDatabases) -> AsyncIterator[Apart]:
    """Open both."""
    urls = test_databases.postgres()
    async with AsyncExitStack() as opened:
        fast, slow = [await opened.enter_async_context(open_stack(urls)) for _ in range(2)]
        for stack, shift in ((fast, HOUR), (slow, -HOUR)):
            stack.clock.shift = shift
            stack.units._ids = UuidV7Ids(partial(_unix_ms, stack.clock))
        yield Apart(fast, slow)


async def test_work_that_either_leaves_is_due_at_once(apart: Apart) -> None:
    """A payment waits neither for the hour that one is ahead, nor does it pass what was due before it."""
    shop = await Shop.open(apart.fast)
    for stack in apart.both:
        paid = await replace(shop, stack=stack).pay(await replace(shop, stack=stack).order())
        assert await replace(shop, stack=apart.slow).worker().run_due_once() == 1
        assert (await shop.look(paid))["status"] == "completed"
    assert await shop.problems() == []


async def test_what_is_looked_at_before_its_time_is_looked_at_again(apart: Apart) -> None:
    """An approval and a mandate end although a worker whose clock is slow came for them too soon."""
    stack = apart.slow
    spender = await Spender.of(stack)
    ends = (stack.clock.now() + timedelta(days=1)).isoformat()
    terms = {"agent_id": spender.agent["id"], "currency": "EUR", "total": money(100), "expires_at": ends}
    mandate = await spender.shop.run("mandates.grant", **terms)
    checks = KycChecks(stack.units, stack.dispatcher, LocalKycProvider())
    customer = await spender.shop.run("customers.start_kyc", id=spender.shop.customer["id"])
    handlers = {CHECK: checks.check, KYC_EXPIRES: checks.expire, MANDATE_ENDS: spender.care.end}
    worker = spender.shop.worker(**{kind: cast("Handler", handler) for kind, handler in handlers.items()})

    async def statuses() -> tuple[object, object]:
        await _all_due(stack)
        await worker.run_due_once()
        found = await spender.shop.run("customers.get_kyc", id=customer["id"])
        return found["kyc_status"], (await spender.shop.run("mandates.get", id=mandate["id"]))["status"]

    assert await statuses() == ("needs_review", "active")
    await spender.shop.run("customers.review_kyc", id=customer["id"], decision="approved", reason="Passport seen.")
    for _ in range(2):
        assert await statuses() == ("approved", "active")
    stack.clock.shift += timedelta(days=366)
    assert await statuses() == ("expired", "expired")
    await _all_due(stack)
    assert await worker.run_due_once() == 0


async def _all_due(stack: Stack) -> None:
    async with stack.relay_database.engine.begin() as connection:
        await connection.execute(update(JobRow).values(run_at=datetime(2026, 1, 1, tzinfo=UTC)))


async def test_a_lease_lasts_as_long_for_both(apart: Apart) -> None:
    """What one has claimed the other does not get, whoever is ahead; what is over is over for both, by its token."""
    actor = await apart.fast.organization()
    for one, other in (apart.both, apart.both[::-1]):
        agent = await one.run("agents.create", actor, **one.registry["agents.create"].example)
        await one.run("agents.activate", actor, id=agent["id"])
        task = await one.run("tasks.create", actor, title="Count", type="count", agent_id=agent["id"])
        claimed = await _claim(one, actor, agent)
        assert [cast("Body", each["task"])["id"] for each in claimed] == [task["id"]]
        assert await _claim(other, actor, agent) == []
        held = {"id": task["id"], "token": claimed[0]["token"]}
        await other.run("tasks.heartbeat", actor, **held)
        assert (await other.run("tasks.complete", actor, **held, output={}))["status"] == "completed"
        with pytest.raises(TaskLeaseLost):
            await one.run("tasks.fail", actor, **held, error={"code": "broken", "message": "It broke."})
        await one.run("agents.retire", actor, id=agent["id"])


async def _claim(stack: Stack, actor: Actor, agent: Body) -> list[Body]:
    return cast("list[Body]", (await stack.run("tasks.claim", actor, agent_id=agent["id"], limit=1))["data"])


async def test_changes_follow_each_other_whatever_the_clocks_say(apart: Apart) -> None:
    """Both change one product by turns: versions count on, events come in their order, and nobody overwrites."""
    actor = await apart.fast.organization()
    product = await apart.fast.run("products.create", actor, name="Espresso")
    for turn in range(6):
        stack = apart.both[turn % 2]
        named = {"id": product["id"], "expected_version": product["version"], "name": f"Espresso {turn}"}
        product = await stack.run("products.update", actor, **named)
        with pytest.raises(StaleVersion):
            await apart.both[1 - turn % 2].run("products.update", actor, **named)
    publisher = InMemoryEventPublisher()
    await Relay(apart.slow.relay_database, publisher).drain_once()
    told = [event.aggregate_version for event in publisher.events if event.type.startswith("product.")]
    assert told == list(range(1, 8))


async def test_a_key_means_the_same_to_both(apart: Apart) -> None:
    """The second of two equal requests gets the first one's answer, whoever was asked first."""
    shop = await Shop.open(apart.fast)
    named = {"payment_link_id": shop.link["id"], "customer_id": shop.customer["id"]}
    for number, (one, other) in enumerate((apart.both, apart.both[::-1])):
        key = f"key-{number}"
        first, again = [await each.run_once(key, "payment_orders.create", shop.actor, **named) for each in (one, other)]
        assert (again["id"], again["number"]) == (first["id"], first["number"])
    listed = await shop.run("payment_orders.list", limit=50)
    assert len(cast("list[Body]", listed["data"])) == 2


async def test_pages_have_everything_once(apart: Apart) -> None:
    """Rows of both are listed by times and ids that are hours apart, and none is left out or told twice."""
    actor = await apart.fast.organization()
    made = {str((await apart.both[n % 2].run("products.create", actor, name=f"Espresso {n}"))["id"]) for n in range(20)}
    seen, cursor = list[str](), None
    while True:
        page = await apart.both[len(seen) % 2].run("products.list", actor, limit=3, cursor=cursor)
        seen += [str(each["id"]) for each in cast("list[Body]", page["data"])]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (20, made)
