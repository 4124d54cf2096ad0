"""The supervisor keeps tasks alive and lets them end."""

import asyncio

from infrastructure.workers.supervisor import Supervisor
from tests.infrastructure.workers.conftest import until


async def test_a_crashed_task_is_restarted_beside_the_others() -> None:
    """A crash is remembered by its kind, and the task runs again."""
    calls: list[int] = []

    async def crashing() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("never shown")
        await asyncio.Event().wait()

    async def steady() -> None:
        await asyncio.Event().wait()

    supervisor = Supervisor({"crashing": crashing, "steady": steady}, first_pause=0.001)

    def all_running() -> bool:
        return all(state.running for state in supervisor.states.values())

    supervisor.start()
    await until(lambda: all_running() and len(calls) == 3)
    assert (supervisor.states["crashing"].restarts, supervisor.states["crashing"].last_error) == (2, "ValueError")
    assert supervisor.states["steady"].restarts == 0
    assert await supervisor.stop()
    assert not all_running()


async def test_stopping_waits_for_a_task_that_tidies_up() -> None:
    """A task's own ending runs to its end, within the time given."""
    tidied: list[bool] = []

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)
            tidied.append(True)

    supervisor = Supervisor({"tidy": tidy})
    supervisor.start()
    await asyncio.sleep(0)
    assert await supervisor.stop()
    assert tidied == [True]


async def test_a_task_that_does_not_end_is_left_behind() -> None:
    """Stopping says so instead of waiting for ever."""
    release = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()

    supervisor = Supervisor({"stubborn": stubborn})
    supervisor.start()
    await asyncio.sleep(0)
    assert not await supervisor.stop(0.01)
    release.set()
    await asyncio.sleep(0.01)
