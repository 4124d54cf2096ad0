"""HTTP/1.1 as uvicorn reads it, with a limit on the number of pieces that a body may come in.

Each piece costs the parser as much as a small request, and a chunk of one byte takes six on the wire: a megabyte in
such chunks kept the whole process busy for seconds.
"""

from asyncio import AbstractEventLoop

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

MAX_PIECES = 2_048
"""A body of the largest size comes in a third of so many packets, and in few chunks from everybody who means well."""

MAX_HEAD = 16 * 1024
"""How much of a request's line and headers is kept while the rest is waited for."""


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
    """Answers 400 to a body in too many pieces, and closes the connection when an answer is already on its way."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, object],
        _loop: AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        """Serve one client."""
        super().__init__(config, server_state, app_state, _loop)
        self.conn = BoundedConnection()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.close()
