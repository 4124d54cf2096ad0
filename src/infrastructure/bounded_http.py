"""HTTP/1.1 as uvicorn reads it, with a limit on the number of pieces that a body may come in.

Each piece costs the parser as much as a small request, and a chunk of one byte takes six on the wire: a megabyte in
such chunks kept the whole process busy for seconds.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from typing import cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

MAX_PIECES = 2_048
"""A body of the largest size comes in a third of so many packets, and in few chunks from everybody who means well."""

MAX_HEAD = 16 * 1024
"""How much of a request's line and headers is kept while the rest is waited for."""


type Early = Callable[[bytes, Iterable[tuple[bytes, bytes]]], bytes | None]
"""Answers a whole request that is going to be refused, beginning with the headers given; None for all others."""

EARLY = "early_refusals"
"""What an application calls its ``Early`` in the state that its lifespan yields."""


class BoundedConnection(h11.Connection):
    """Counts the pieces of each request's body."""

    def __init__(self) -> None:
        """Serve one client."""
        super().__init__(h11.SERVER, MAX_HEAD)
        self._pieces = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what came next.

        Raises:
            h11.RemoteProtocolError: it is no HTTP, or the body comes in too many pieces.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            if self._pieces > MAX_PIECES:
                raise h11.RemoteProtocolError("a body in too many pieces")
        return event


class BoundedProtocol(H11Protocol):
    """Answers 400 to a body in too many pieces, and closes the connection when an answer is already on its way.

    What an application would refuse anyway is refused before it is parsed, if the application says how.
    """

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, object],
        _loop: AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        """Serve one client."""
        super().__init__(config, server_state, app_state, _loop)
        self.conn = BoundedConnection()
        self._early = cast("Early | None", app_state.get(EARLY))

    def data_received(self, data: bytes) -> None:
        """Hear what the client sent."""
        if self._early is not None and self._is_between_requests():
            refusal = self._early(data, self.server_state.default_headers)
            if refusal is not None:
                self.transport.write(refusal)
                self.on_response_complete()
                return
        super().data_received(data)

    def _is_between_requests(self) -> bool:
        """Return whether the next byte begins a request, of a client that reads its answers."""
        states = (self.conn.our_state, self.conn.their_state)
        return states == (h11.IDLE, h11.IDLE) and not self.conn.trailing_data[0] and not self.flow.write_paused

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.close()
