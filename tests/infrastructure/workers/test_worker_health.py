"""A relay that crashes is restarted, and everybody who looks can see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from dependency_injector import providers
from httpx2 import ASGITransport, AsyncClient, Response

from domain.shared.errors import Unavailable
from infrastructure.container import Container
from infrastructure.events.publishers import LoggingEventPublisher
from infrastructure.health import Health
from infrastructure.observability.metrics import Metrics
from infrastructure.resilience.breaker import Breaker
from infrastructure.resilience.breakers import Breakers
from infrastructure.workers.relay import Relay
from infrastructure.workers.supervisor import Supervisor
from interfaces.http.app import create_app
from tests.infrastructure.workers.conftest import Bench
from tests.infrastructure.workers.rows import rows, run
from tests.support.stack import Stack


class Process:
    """A server with a supervised relay, as far as a load balancer and Prometheus see it."""

    def __init__(self, stack: Stack, supervisor: Supervisor, metrics: Metrics, breakers: Breakers) -> None:
        container = Container()
        container.database.override(providers.Object(stack.database))
        container.breakers.override(providers.Object(breakers))
        self._app = create_app(
            registry=stack.registry, dispatcher=stack.dispatcher, authenticate=stack.authenticate,
            readiness=Health(container, supervisor), metrics=metrics.render, metrics_content_type="text/plain",
            observe=lambda *_: None,
        )  # fmt: skip

    async def get(self, path: str) -> Response:
        """Ask for a path."""
        async with AsyncClient(transport=ASGITransport(self._app), base_url="http://stoa.test") as client:
            return await client.get(path)

    async def check(self, name: str) -> str:
        """Return what ``/readyz`` says of one thing, while it says that requests are served."""
        ready = await self.get("/readyz")
        assert ready.status_code == 200, ready.text
        return str(ready.json()["checks"][name])


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that others do."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 - neither the database nor the health has a bell
            await asyncio.sleep(0.02)


@asynccontextmanager
async def supervised(stack: Stack, bench: Bench) -> AsyncIterator[Process]:
    """Run a relay of the bench's database under a supervisor."""
    metrics = Metrics()
    relay = Relay(bench.relay, LoggingEventPublisher(), metrics=metrics)
    supervisor = Supervisor({"relay": relay.run}, first_pause=0.05, metrics=metrics)
    supervisor.start()
    try:
        yield Process(stack, supervisor, metrics, Breakers(metrics.set_breaker))
    finally:
        await supervisor.stop()


async def test_a_crashed_relay_is_restarted_and_seen(pg_stack: Stack, pg_bench: Bench) -> None:
    """An event that cannot be read makes it crash again and again; once that is mended, all that waited goes out."""
    async with rows(pg_bench.root) as transaction:
        await transaction.event(uuid4(), 1)
        await transaction.event(uuid4(), 1)
    [[payload]] = await run(pg_bench.root, "SELECT payload FROM outbox ORDER BY id LIMIT 1")
    await run(pg_bench.root, "UPDATE outbox SET payload = '{}' WHERE id = (SELECT min(id) FROM outbox)")
    async with supervised(pg_stack, pg_bench) as process:

        async def crashed() -> bool:
            return await process.check("relay") == "degraded: ValidationError"

        async def restarted_twice() -> bool:
            return _restarts(await process.get("/metrics")) >= 2

        async def drained() -> bool:
            return not await run(pg_bench.root, "SELECT 1 FROM outbox")

        await eventually(crashed)
        await eventually(restarted_twice)
        await run(pg_bench.root, f"UPDATE outbox SET payload = '{payload}' WHERE id = (SELECT min(id) FROM outbox)")
        await eventually(drained)
        # It runs, and is not yet called well: a task that crashes every second runs most of the time.
        assert await process.check("relay") == "degraded: ValidationError"


def _restarts(exposition: Response) -> int:
    for line in exposition.text.splitlines():
        if line.startswith('stoa_worker_restarts_total{worker="relay"}'):
            return int(float(line.split()[-1]))
    raise AssertionError(exposition.text)


async def test_an_open_breaker_is_degraded_and_still_ready(pg_stack: Stack) -> None:
    """Requests are served without a payment provider; what it is missed for waits."""
    metrics = Metrics()
    breakers = Breakers(metrics.set_breaker)
    process = Process(pg_stack, Supervisor({}), metrics, breakers)
    breaker = breakers.new("payment_provider", counts=(Unavailable,), failures=1)
    assert await process.check("payment_provider") == "ok"
    _fail(breaker)
    assert await process.check("payment_provider") == "degraded: open"
    assert 'stoa_breaker_state{breaker="payment_provider"} 2.0' in (await process.get("/metrics")).text


def _fail(breaker: Breaker) -> None:
    with suppress(Unavailable), breaker.watch():
        raise Unavailable
