"""Receivers of every temper at once: whoever fails costs nobody else anything, and loses nothing by it.

The pauses of the schedule are shortened to moments; their real lengths have tests of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from infrastructure.webhooks.receivers import FAILURES, Receivers
from tests.infrastructure.workers.conftest import ended, until
from tests.infrastructure.workers.webhook_shop import Shop, attempts, open_shop
from tests.support.databases import TestDatabases
from tests.support.post import publish
from tests.support.receiver import Reply, endless, silence, status
from tests.support.stack import open_stack

EVENTS = 5
EVENTS_AT_FULL_LENGTH = 100
TRIES = 11
WISH = 3.0
"""Seconds that the busy receiver wishes to be left alone for."""

_FAIL: dict[str, tuple[Callable[[], Reply], str]] = {
    "/500": (lambda: status(500), "http_500"),
    "/silent": (lambda: silence, "timeout"),
    "/drip": (lambda: endless(b"x", 0.05), "timeout"),
    "/elsewhere": (lambda: status(302, location="https://elsewhere.example/"), "redirected"),
}


@pytest.fixture
async def shop(test_databases: TestDatabases) -> AsyncIterator[Shop]:
    """A shop on a PostgreSQL of its own."""
    async with open_stack(test_databases.postgres()) as stack, open_shop(stack) as opened:
        yield opened


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between two tries."""
    monkeypatch.setattr("domain.webhooks.retries.PAUSES", (timedelta(seconds=0.2),) * (TRIES - 1))


async def test_every_temper_gets_what_it_should(shop: Shop, pytestconfig: pytest.Config) -> None:
    """Each event reaches who listens once and verified; who fails is tried with one id; 410 ends it; a wish is kept."""
    events = EVENTS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else EVENTS
    gone = await shop.endpoint("/gone", ["product.*"])
    for path in ("/ok", "/busy", *_FAIL):
        await shop.endpoint(path, ["product.*"])
    shop.inbox.replies |= {path: reply() for path, (reply, _) in _FAIL.items()}
    shop.inbox.replies |= {"/gone": status(410), "/busy": status(429, retry_after=str(int(WISH)))}
    worker = shop.worker(wakeup=shop.bell, receivers=Receivers(rest_seconds=0.1))
    running = asyncio.create_task(worker.run())
    try:
        for _ in range(events):
            await shop.stack.run("products.create", shop.actor, name="X", sku=None, description="", metadata={})
        await publish(shop.stack)
        shop.bell.wake()
        await until(lambda: len(shop.inbox.at("/ok")) >= events and len(shop.inbox.at("/busy")) > EVENTS, 60)
        # Whoever is silent is asked once in a while, and for every webhook once before any for the second time.
        await until(lambda: all(_most_tries(shop, path) >= 2 for path in _FAIL), 60 + 2 * events)
        await until(lambda: _ids(shop, "/500") == _ids(shop, "/ok"), 60)
    finally:
        await ended(running)
    assert len({each.headers["webhook-id"] for each in shop.inbox.at("/ok")}) == len(shop.inbox.at("/ok")) == events
    assert all(each.verified_by(shop.secrets[each.path]) for each in shop.inbox.received)
    assert (await shop.get(gone))["disabled_reason"] == "gone"
    assert len(shop.inbox.at("/gone")) == len(_ids(shop, "/gone"))
    assert all(later - earlier >= WISH for earlier, later in _between_tries(shop, "/busy"))
    errors = {str(attempt["error"]) for each in await shop.deliveries() for attempt in attempts(each)}
    assert {error for _, error in _FAIL.values()} <= errors


async def test_a_dead_receiver_is_left_alone_and_gets_everything_in_order_when_it_is_back(shop: Shop) -> None:
    """Of twenty webhooks a few find out that nobody is there; the others wait untried, and then come once, in order."""
    now = [0.0]
    endpoint = await shop.endpoint("/", ["product.*"])
    shop.inbox.replies["/"] = status(503)
    for _ in range(20):
        await shop.product()
    receivers = Receivers(shop.metrics.set_webhook_breakers_open, monotonic=lambda: now[0])
    worker = shop.worker(receivers=receivers, per_endpoint=1)
    for _ in range(5):
        await worker.deliver_due_once()
    assert len(shop.inbox.received) == FAILURES
    assert "stoa_webhook_breakers_open 1.0" in shop.metrics.render().decode()
    waiting = await shop.deliveries()
    assert sum(len(attempts(each)) for each in waiting) == FAILURES
    assert (await shop.get(endpoint))["status"] == "enabled"
    shop.inbox.replies["/"] = status(204)
    await asyncio.sleep(0.5)
    now[0] = 60
    # One finds out that somebody is there again; the others follow it, the longest due first.
    assert await worker.deliver_due_once() == 20
    assert {str(each["status"]) for each in await shop.deliveries()} == {"delivered"}
    untried = [str(each["event_id"]) for each in reversed(waiting) if not attempts(each)]
    told = [each.headers["webhook-id"] for each in shop.inbox.received[FAILURES:]]
    assert (told[: len(untried)], len(set(told))) == (untried, 20)
    assert "stoa_webhook_breakers_open 0.0" in shop.metrics.render().decode()


def _ids(shop: Shop, path: str) -> set[str]:
    return {each.headers["webhook-id"] for each in shop.inbox.at(path)}


def _tries(shop: Shop, path: str) -> list[Sequence[float]]:
    """Return when each webhook was tried at a path."""
    return [[each.at for each in shop.inbox.at(path) if each.headers["webhook-id"] == id] for id in _ids(shop, path)]


def _most_tries(shop: Shop, path: str) -> int:
    return max((len(each) for each in _tries(shop, path)), default=0)


def _between_tries(shop: Shop, path: str) -> list[tuple[float, float]]:
    return [pair for times in _tries(shop, path) for pair in pairwise(times)]
