"""How long a use-case may take: a caller who waits longer has left, and what it holds is missing elsewhere."""

import asyncio
from contextvars import ContextVar, Token
from datetime import timedelta
from types import TracebackType

from domain.shared.errors import Unavailable

DEADLINE = timedelta(seconds=10)

_running: ContextVar[asyncio.Timeout | None] = ContextVar("deadline", default=None)


class DeadlineExceeded(Unavailable):
    """The use-case took longer than anybody waits for it; it was given up, and nothing has happened."""

    code = "deadline_exceeded"
    summary = "This took too long and was given up; nothing has happened."


class Deadline:
    """Gives the block up after a while, unless it has come to where there is no way back.

    Raises:
        DeadlineExceeded: it was given up.
    """

    __slots__ = ("_limit", "_token")

    def __init__(self, after: timedelta) -> None:
        """Begin to count when the block is entered."""
        self._limit = asyncio.timeout(after.total_seconds())
        self._token: Token[asyncio.Timeout | None] | None = None

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._token = _running.set(self._limit)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _running.reset(self._token)
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as expired:
            raise DeadlineExceeded(retry_after=1) from expired


def no_way_back() -> None:
    """Stop the clock of the use-case that is running: whoever gives up a COMMIT never learns what became of it.

    Raises:
        DeadlineExceeded: it had run down.
    """
    limit = _running.get()
    if limit is None:
        return
    if limit.expired():
        raise DeadlineExceeded(retry_after=1)
    limit.reschedule(None)
