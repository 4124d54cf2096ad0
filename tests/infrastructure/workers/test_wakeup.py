"""Calls reach every worker of a process, also the one that is busy."""

import asyncio

from infrastructure.persistence.database import Database
from infrastructure.workers.wakeup import Notifier, Wakeup
from tests.infrastructure.workers.conftest import ended


async def test_a_call_wakes_everyone_who_listens() -> None:
    """One call ends every listener's wait."""
    wakeup = Wakeup()
    ears = [wakeup.listen(), wakeup.listen()]
    waiting = asyncio.gather(*(ear.wait(5) for ear in ears))
    await asyncio.sleep(0)
    wakeup.wake()
    assert await waiting == [True, True]


async def test_a_call_to_a_busy_listener_is_kept_once() -> None:
    """Two calls while nobody waits end one wait."""
    wakeup = Wakeup()
    ear = wakeup.listen()
    wakeup.wake()
    wakeup.wake()
    assert await ear.wait(0.01)
    assert not await ear.wait(0.01)


async def test_on_sqlite_there_is_nobody_to_notify() -> None:
    """The notifier waits there without ever connecting."""
    database = Database("sqlite:///never-opened.db")
    task = asyncio.create_task(Notifier(database, Wakeup()).run())
    await asyncio.sleep(0.01)
    assert not task.done()
    await ended(task)
    await database.dispose()
