"""Which endpoints are left alone, for how long, and what is remembered of them."""

import asyncio
from uuid import uuid4

import pytest

from domain.shared.ids import WebhookEndpointId
from infrastructure.resilience.breaker import BreakerOpen
from infrastructure.webhooks.receivers import FAILURES, REST_SECONDS, Receivers
from infrastructure.webhooks.sender import Answer

DEAD = Answer(status_code=None, error="timeout", duration=15.0)
WELL = Answer(status_code=204, error=None, duration=0.1)


class Watch:
    """Receivers with a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.open: list[int] = []
        self.receivers = Receivers(self.open.append, monotonic=lambda: self.now)
        self.endpoint = WebhookEndpointId(uuid4())

    async def tell(self, answer: Answer, endpoint: WebhookEndpointId | None = None) -> Answer:
        """Let an endpoint answer a request."""

        async def send() -> Answer:
            return answer

        return await self.receivers.ask(endpoint or self.endpoint, send)


async def test_a_dead_endpoint_is_left_alone_and_then_asked_once() -> None:
    """Every failure is still the answer that is recorded; after the rest one success ends it."""
    watch, other = Watch(), WebhookEndpointId(uuid4())
    for _ in range(FAILURES):
        assert await watch.tell(DEAD) is DEAD
    with pytest.raises(BreakerOpen):
        await watch.tell(WELL)
    assert (watch.receivers.resting(), watch.open[-1]) == ([watch.endpoint], 1)
    assert await watch.tell(WELL, other) is WELL
    watch.now = REST_SECONDS
    assert watch.receivers.resting() == []
    assert await watch.tell(DEAD) is DEAD
    assert watch.receivers.resting() == [watch.endpoint]
    watch.now = 2 * REST_SECONDS
    assert await watch.tell(WELL) is WELL
    assert (watch.receivers.resting(), watch.open[-1]) == ([], 0)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status_code=404, error="http_404", duration=0.1),
        Answer(status_code=410, error="http_410", duration=0.1),
        Answer(status_code=429, error="http_429", duration=0.1),
        Answer(status_code=302, error="redirected", duration=0.1),
        Answer(status_code=503, error="http_503", duration=0.1, retry_after=60.0),
        Answer(status_code=None, error="address_refused", duration=0.1),
        Answer(status_code=None, error="secret_unreadable", duration=0.0),
    ],
    ids=lambda answer: str(answer.error),
)
async def test_who_refuses_is_there(answer: Answer) -> None:
    """What an endpoint answers by itself, and what never left us, speaks against no connection to it."""
    watch = Watch()
    for _ in range(5 * FAILURES):
        await watch.tell(answer)
    assert watch.receivers.resting() == []


@pytest.mark.parametrize("code", [500, 502, 503])
async def test_failures_of_its_own_count(code: int) -> None:
    """Whoever answers 5xx five times in a row is not well."""
    watch = Watch()
    for _ in range(FAILURES):
        await watch.tell(Answer(status_code=code, error=f"http_{code}", duration=0.1))
    assert watch.receivers.resting() == [watch.endpoint]


async def test_others_successes_do_not_make_a_dead_endpoint_look_well() -> None:
    """While a dead one keeps four requests waiting, a busy one answers a hundred times."""
    watch, busy = Watch(), WebhookEndpointId(uuid4())
    for _ in range(FAILURES):
        hanging = asyncio.Event()

        async def send(wait: asyncio.Event = hanging) -> Answer:
            await wait.wait()
            return DEAD

        waiting = asyncio.create_task(watch.receivers.ask(watch.endpoint, send))
        await asyncio.sleep(0)
        for _ in range(20):
            await watch.tell(WELL, busy)
        hanging.set()
        await waiting
    assert watch.receivers.resting() == [watch.endpoint]


async def test_who_is_not_asked_any_more_is_forgotten() -> None:
    """A thousand endpoints that were disabled while they failed are neither kept nor counted for ever."""
    watch = Watch()
    for _ in range(1_000):
        endpoint = WebhookEndpointId(uuid4())
        for _ in range(FAILURES):
            await watch.tell(DEAD, endpoint)
    assert watch.open[-1] == 1_000
    watch.now = 3601
    assert (watch.receivers.resting(), watch.open[-1]) == ([], 0)
