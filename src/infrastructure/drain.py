"""The end of a process that was told to stop: nobody new is let in, and who is there is served to the end."""

import os
import threading

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infrastructure.health import Health

LIMIT_SECONDS = 14.5
_BUG = 70
_log = structlog.get_logger("stoa")


class Departing:
    """Sends clients elsewhere once the process drains: nothing of theirs is on its way when a connection closes."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        """Wrap the application; ``health`` knows whether the process drains."""
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, and close the connection behind the answer."""
        if scope["type"] != "http" or not self._health.draining:
            await self._app(scope, receive, send)
            return

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, closing)


class LastResort:
    """Ends the process when its drain takes longer than whoever stopped it will wait: some call never returns.

    Nothing is lost by it, as nothing is by a kill. Everything that waits for an answer or holds a lease has a shorter
    time limit of its own, so that this is for what cannot be interrupted, such as a thread in the resolver.
    """

    def __init__(self, seconds: float = LIMIT_SECONDS) -> None:
        """Wait for so long once it is armed."""
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self.finished = False

    def arm(self) -> None:
        """Begin to wait; there is no way back, as the process ends either way."""
        self._timer.start()

    def _end(self) -> None:
        _log.error("drain_took_too_long", finished=self.finished)
        os._exit(0 if self.finished else _BUG)
