"""What a worker that keeps several things going at once needs: a loop that outlives failures, and good ends."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine

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


async def together(*work: Coroutine[object, object, object]) -> None:
    """Do several things at once. The first failure ends the others, and all have ended when it is raised.

    ``asyncio.gather`` forgets a cancellation that comes in the turn of the loop in which one of them failed; whoever
    waited for the cancelled worker to end would wait for ever.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def farewell(running: Collection[asyncio.Task[None]]) -> None:
    """Let what is under way finish within some seconds, and cancel the rest; all of it has ended afterwards."""
    left = list(running)
    if left:
        _, late = await asyncio.wait(left, timeout=_FAREWELL_SECONDS)
        for task in late:
            task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
