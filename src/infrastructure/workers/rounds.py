"""What a worker that keeps several things going at once needs: a loop that outlives failures, and a good end."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from structlog.typing import FilteringBoundLogger

from domain.shared.errors import Unavailable
from infrastructure.workers.connection import Backoff

_FAREWELL_SECONDS = 8.0


async def round_after_round(work: Callable[[], Awaitable[None]], log: FilteringBoundLogger) -> None:
    """Work until cancelled; while something needed is away, the pauses between two tries grow."""
    backoff = Backoff()
    while True:
        try:
            await work()
            backoff.reset()
        except Unavailable as error:
            log.warning("worker_unavailable", code=error.code)
            await backoff.sleep()


async def farewell(running: Collection[asyncio.Task[None]]) -> None:
    """Let what is under way finish within some seconds, and cancel the rest; all of it has ended afterwards."""
    left = list(running)
    if left:
        _, late = await asyncio.wait(left, timeout=_FAREWELL_SECONDS)
        for task in late:
            task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
