"""Keeps long tasks running: a crash is logged and followed by a restart, and the end waits for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import structlog

from infrastructure.observability.metrics import Metrics
from infrastructure.workers.connection import Backoff

STOP_SECONDS = 10.0
# A task that ran this long was healthy, and its next crash is a first one.
HEALTHY_SECONDS = 60.0
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class TaskState:
    """How a supervised task is doing, ``since`` the start or the restart."""

    running: bool = False
    restarts: int = 0
    last_error: str | None = None
    since: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether it runs, and has not crashed a moment ago: one that crashes again and again runs in between."""
        return self.running and (self.last_error is None or time.monotonic() - self.since >= HEALTHY_SECONDS)


class Supervisor:
    """Runs named tasks until it is stopped. A task that returns has crashed as well: none is meant to end."""

    def __init__(
        self, tasks: Mapping[str, Callable[[], Awaitable[None]]], *, first_pause: float = 0.1,
        metrics: Metrics | None = None,
    ) -> None:  # fmt: skip
        """Supervise each task by calling it again; ``first_pause`` is that of the first restart, in seconds."""
        self._metrics = metrics or Metrics()
        self._tasks = dict(tasks)
        self._first_pause = first_pause
        self._states = {name: TaskState() for name in self._tasks}
        self._started: dict[str, asyncio.Task[None]] = {}
        self._log = structlog.get_logger("stoa.workers")

    @property
    def states(self) -> Mapping[str, TaskState]:
        """The present state of every task, by name."""
        return self._states

    def start(self) -> None:
        """Start all tasks in the running loop."""
        if self._started:
            raise RuntimeError("the supervisor has been started already")
        self._started = {name: asyncio.create_task(self._keep(name), name=f"stoa-{name}") for name in self._tasks}

    async def stop(self, seconds: float = STOP_SECONDS, *, names: Collection[str] | None = None) -> bool:
        """Cancel the tasks with these names, or all, wait for their ends and say whether all came in time."""
        going = set(self._started if names is None else names)
        started = [self._started.pop(name) for name in list(self._started) if name in going]
        for task in started:
            task.cancel()
        if not started:
            return True
        _, late = await asyncio.wait(started, timeout=seconds)
        for task in late:
            self._log.error("task_did_not_stop", task=task.get_name())
        return not late

    async def _keep(self, name: str) -> None:
        state, backoff = self._states[name], Backoff(_LONGEST_PAUSE, self._first_pause)
        self._metrics.watch_worker(name)
        while True:
            state.since, state.running = time.monotonic(), True
            try:
                await self._tasks[name]()
                state.last_error = "returned"
                self._log.error("task_returned", task=name)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on and it is tried again
                state.last_error = type(error).__name__
                self._log.exception("task_crashed", task=name)
            finally:
                state.running = False
            if time.monotonic() - state.since >= HEALTHY_SECONDS:
                backoff.reset()
            await backoff.sleep()
            state.restarts += 1
            self._metrics.observe_worker_restart(name)
