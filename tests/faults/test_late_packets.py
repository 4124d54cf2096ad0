"""A database whose every message comes 50 ms late: all are slow, nobody is in trouble, and then it is over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from time import perf_counter

import pytest

from application.kernel.actor import Actor
from domain.shared.errors import StoaError
from infrastructure.resilience.breaker import BreakerState
from tests.faults.processes import crowd
from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import TestDatabases
from tests.support.stack import Stack, open_stack

LATE = 0.05
POOL = 4
AT_ONCE = 5 * POOL
MESSAGES = 60
"""More than any of these use-cases sends and receives: connecting, beginning, a few statements, committing."""


@dataclass(frozen=True, slots=True)
class Far:
    """A core whose pool of four leads through the proxy."""

    stack: Stack
    proxy: CutProxy
    actor: Actor

    async def asked(self) -> tuple[Counter[str], float]:
        """Write and read by turns, five times as many at once as there are connections; what came of it."""
        started = perf_counter()
        codes = Counter(await asyncio.gather(*(self._ask(number) for number in range(AT_ONCE))))
        return codes, perf_counter() - started

    async def _ask(self, number: int) -> str:
        try:
            if number % 2:
                await self.stack.run("products.list", self.actor)
            else:
                await self.stack.run("products.create", self.actor, name=f"Espresso {number}")
        except StoaError as error:
            return error.code
        return "ok"


@pytest.fixture
async def far(test_databases: TestDatabases) -> AsyncIterator[Far]:
    """Open it with packets that are in time, and every connection there may be."""
    urls = test_databases.postgres()
    async with (
        cut_proxy(urls.app) as proxy,
        open_stack(replace(urls, app=proxy.url(urls.app)), pool_size=POOL, pool_timeout=60) as stack,
    ):
        far = Far(stack, proxy, await stack.organization())
        assert (await far.asked())[0] == {"ok": AT_ONCE}
        yield far


async def test_late_packets_make_everything_slow_and_nothing_fail(far: Far) -> None:
    """All succeed in the time that their messages take; no connection is given up, and the breaker stays closed."""
    connections = far.proxy.accepted
    far.proxy.delay, seconds = LATE, 0.0
    for _ in range(3):
        codes, seconds = await far.asked()
        assert codes == {"ok": AT_ONCE}
        assert seconds <= AT_ONCE / POOL * MESSAGES * LATE * crowd()
    print(f"{AT_ONCE} at once over {POOL} connections, each message {LATE * 1000:.0f} ms late: {seconds:.1f} s")  # noqa: T201 - seen with -rP
    assert far.proxy.accepted == connections, "who is slow is not replaced"
    assert far.stack.database.breaker.state is BreakerState.CLOSED
    assert far.stack.database.pool_state() == {"idle": POOL, "in_use": 0, "waiting": 0}
    far.proxy.delay = 0
    codes, again = await far.asked()
    assert (codes, again < seconds) == ({"ok": AT_ONCE}, True)
