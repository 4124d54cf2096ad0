"""Several things at once: failures end the others, and no cancellation is lost."""

import asyncio
from contextlib import suppress

import pytest

from domain.shared.errors import Unavailable
from infrastructure.workers.rounds import together


async def _fail_when(started: asyncio.Event) -> None:
    await started.wait()
    raise Unavailable


async def test_a_cancellation_in_the_very_moment_of_a_failure_is_not_lost() -> None:
    """Whoever is cancelled ends, also when one of several things failed in the same turn of the loop."""
    failing = asyncio.Event()

    async def work_on() -> None:
        while True:
            with suppress(Unavailable):
                await together(_fail_when(failing), asyncio.sleep(3600))
            failing.clear()

    for turns in range(6):
        worker = asyncio.create_task(work_on())
        await asyncio.sleep(0.01)
        failing.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        worker.cancel()
        done, _ = await asyncio.wait({worker}, timeout=1)
        assert done == {worker}, f"cancelled {turns} turns after the failure, the worker goes on"
        assert worker.cancelled()


async def test_a_failure_ends_the_others_before_it_is_raised() -> None:
    """Nothing is left running behind whoever asked for all of it."""
    ended: list[str] = []

    async def linger() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            ended.append("lingering")

    now = asyncio.Event()
    now.set()
    with pytest.raises(Unavailable):
        await together(linger(), _fail_when(now))
    assert ended == ["lingering"]
