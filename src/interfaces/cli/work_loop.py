"""A worker: claims tasks, has a command work on each, and says how it went."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from interfaces.cli.work_client import Body, Refused, TaskClient
from interfaces.cli.work_command import Command, Finished

_POLL_SECONDS = 1.0
_LOST = frozenset({"lease_lost", "agent_timeout", "not_found"})
TIMED_OUT: Body = {"code": "agent_timeout", "message": "The command did not end within the task's timeout."}


class Worker:
    """Works on up to ``concurrency`` tasks at a time, until it is told to stop."""

    def __init__(
        self, client: TaskClient, command: str, *, concurrency: int, lease: int, grace: float,
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Send a heartbeat three times in a lease; once told to stop, let commands finish within ``grace`` seconds."""
        self._client, self._command, self._tell = client, command, tell
        self._concurrency, self._beat, self._grace = concurrency, lease / 3, grace
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self, *, once: bool) -> None:
        """Work until SIGTERM or SIGINT; with ``once``, on one batch.

        Raises:
            Refused: the key may not work for the agent.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        try:
            while not self._stopping.is_set():
                claims = await self._claim()
                for claim in claims:
                    self._start(claim)
                if once:
                    break
                await self._pause(busy=bool(claims))
        finally:
            await self._farewell(once=once)

    async def _claim(self) -> list[Body]:
        """Claim for the free room; to be told to stop meanwhile takes nothing back that was handed out."""
        room = self._concurrency - len(self._running)
        return await self._client.claim(room) if room else []

    def _start(self, claim: Body) -> None:
        task = asyncio.create_task(self._work(claim))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _pause(self, *, busy: bool) -> None:
        """Wait for room, or for something to do, or to be told to stop."""
        stopping = asyncio.create_task(self._stopping.wait())
        seconds = 0 if busy and len(self._running) < self._concurrency else _POLL_SECONDS
        await asyncio.wait({stopping, *self._running}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def _farewell(self, *, once: bool) -> None:
        """Let commands finish, then end them and give their tasks back."""
        stopping = asyncio.create_task(self._stopping.wait())
        while self._running and once and not stopping.done():
            await asyncio.wait({stopping, *self._running}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        left = set(self._running)
        if left:
            _, late = await asyncio.wait(left, timeout=self._grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _work(self, claim: Body) -> None:
        task = claim["task"]
        if not isinstance(task, dict):
            return
        self._tell(f"{task['id']} claimed: {task['title']} (attempt {task['attempt']} of {task['max_attempts']})")
        try:
            await self._conclude(claim, task, await self._perform(claim, task))
        except Refused as refused:
            self._tell(f"{task['id']} given up: {refused}")
        except asyncio.CancelledError:
            with suppress(Refused):
                await self._client.say(claim, "release")
            self._tell(f"{task['id']} released")
            raise

    async def _perform(self, claim: Body, task: Body) -> Finished | None:
        """Run the command with a heartbeat beside it; None when it took too long.

        Raises:
            Refused: the task was taken away meanwhile.
        """
        running = asyncio.create_task(Command(self._command, task).run())
        alive = asyncio.create_task(self._stay_alive(claim))
        limit = task["timeout_seconds"]
        try:
            seconds = limit if isinstance(limit, int) else None
            await asyncio.wait({running, alive}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            if alive.done():
                alive.result()
            return None
        finally:
            for each in (running, alive):
                each.cancel()
            await asyncio.gather(running, alive, return_exceptions=True)

    async def _stay_alive(self, claim: Body) -> None:
        """Extend the lease for ever."""
        while True:
            await asyncio.sleep(self._beat)
            try:
                await self._client.say(claim, "heartbeat")
            except Refused as refused:
                if refused.code in _LOST:
                    raise
                self._tell(f"heartbeat refused: {refused}")

    async def _conclude(self, claim: Body, task: Body, finished: Finished | None) -> None:
        """Say how it went."""
        if finished is not None and finished.status == 0:
            try:
                await self._client.say(claim, "complete", output=finished.output())
            except Refused as refused:
                if refused.code in _LOST:
                    raise
                # The output cannot be stored as it is; trying again would not change that.
                unstored: Body = {"code": "output_refused", "message": str(refused)}
                await self._client.say(claim, "fail", error=unstored, retry=False)
                self._tell(f"{task['id']} failed: {refused}")
                return
            self._tell(f"{task['id']} completed")
            return
        error = TIMED_OUT if finished is None else finished.error()
        answer = await self._client.say(claim, "fail", error=error)
        self._tell(f"{task['id']} failed, now {answer['status']}: {error['message']}")
