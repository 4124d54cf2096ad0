"""A face that is made while the others serve already."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import structlog
from starlette.types import Receive, Scope, Send

from domain.shared.errors import Unavailable

_log = structlog.get_logger("stoa")


class IFace(Protocol):
    """An ASGI application that serves while it is running."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Serve while this is entered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


class Later:
    """An ASGI application that takes so long to make that only those shall wait for it who call it.

    Args:
        make: makes it, in a thread.
    """

    def __init__(self, make: Callable[[], IFace]) -> None:
        """Make nothing before :meth:`running`."""
        self._make = make
        self._face: IFace | None = None
        self._serving: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    @property
    def state(self) -> str:
        """Say what readiness says of it: who does not call it can do without."""
        failed = self._serving is not None and self._begun.is_set() and self._face is None
        return "degraded: unavailable" if failed else "ok"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Make it beside the block, and serve until the block ends. It can be entered again later."""
        self._begun, leaving = asyncio.Event(), asyncio.Event()
        self._serving = asyncio.create_task(self._serve(leaving))
        try:
            yield
        finally:
            serving, self._serving = self._serving, None
            leaving.set()
            await serving

    async def _serve(self, leaving: asyncio.Event) -> None:
        """Run it in a task of its own: only the task that entered what runs can leave it."""
        try:
            face = await asyncio.to_thread(self._make)
            async with face.running():
                self._face = face
                self._begun.set()
                await leaving.wait()
        except Exception:  # noqa: BLE001 - callers hear that it is unavailable, and this log why
            _log.exception("face_unavailable")
        finally:
            self._face = None
            self._begun.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as soon as there is what answers it.

        Raises:
            Unavailable: the application is not running, or could not be made.
        """
        if self._serving is None:
            raise Unavailable
        await self._begun.wait()
        if self._face is None:
            raise Unavailable
        await self._face(scope, receive, send)
