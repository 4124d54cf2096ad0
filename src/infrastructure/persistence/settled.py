"""Work that is never left half done, however often whoever waits for it is cancelled."""

import asyncio
from collections.abc import Coroutine


async def settled[T](work: Coroutine[object, object, T]) -> T:
    """Await to the end in a task of its own; a cancellation meanwhile is delivered afterwards.

    Who is cancelled while COMMIT is under way would leave a connection in nobody knows what state, and who is
    cancelled while the database answers a claim would never learn what is leased to it.
    """
    # Eager: COMMIT is sent at once and not one turn of the loop later.
    task = asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001, S110 - the task keeps it, result() below raises it
            pass
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()
