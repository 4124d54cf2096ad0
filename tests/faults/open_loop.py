"""Clients that ask at their own pace, whether or not they are answered, so that overload does not slow them down."""

import asyncio
import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

_MOST_CONNECTIONS = 600
_TICK = 0.005


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: when it was asked for, how long it took, and whether it says when to come back."""

    asked_at: float
    seconds: float
    status: int
    says_when: bool


class _Line(asyncio.Protocol):
    """A keep-alive connection with at most one request under way."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._asked_at = 0.0
        self._answer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        # Servers close connections that are idle for seconds; one that is lost with a request on it is another matter.
        self._load.broken += self._asked_at > 0
        self._load.lines.remove(self)
        if self in self._load.idle:
            self._load.idle.remove(self)

    def ask(self, request: bytes) -> None:
        assert self._transport is not None
        self._asked_at = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        now, status = perf_counter(), int(head[9:12])
        self._load.seen.append(Seen(self._asked_at, now - self._asked_at, status, b"retry-after: " in head.lower()))
        self._asked_at, self._answer = 0.0, b""
        self._load.idle.append(self)

    def close(self) -> None:
        if self._transport is not None:
            self._asked_at = 0.0
            self._transport.abort()


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[at:].split(b"\r\n", 1)[0])


@dataclass(kw_only=True)
class Load:
    """What was sent to one port, and what came of it.

    Attributes:
        seen: the answers.
        unsent: requests for which there was no connection left; the load was less than meant then.
        broken: requests whose connection ended before they were answered.
    """

    port: int
    seen: list[Seen] = field(default_factory=list)
    idle: list[_Line] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    unsent: int = 0
    broken: int = 0

    async def open(self, connections: int) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self.port)
            self.lines.append(line)
            self.idle.append(line)

    def close(self) -> None:
        """Disconnect."""
        for line in [*self.lines]:
            line.close()

    async def at_rate(self, requests: Sequence[bytes], rate: float, seconds: float) -> None:
        """Ask so often for so long, each request in its turn."""
        await self.open(max(0, min(_MOST_CONNECTIONS, int(rate)) - len(self.lines)))
        # A hundred thousand answers are kept, and whoever collects garbage among them meanwhile measures that.
        gc.collect()
        gc.freeze()
        started, sent = perf_counter(), 0
        while (passed := perf_counter() - started) < seconds:
            due = int(passed * rate)
            for _ in range(due - sent):
                if self.idle:
                    # The one that was longest idle, so that all stay in use.
                    self.idle.pop(0).ask(requests[sent % len(requests)])
                else:
                    self.unsent += 1
                sent += 1
            await asyncio.sleep(_TICK)
        gc.unfreeze()
        async with asyncio.timeout(30):
            while len(self.idle) < len(self.lines):  # noqa: ASYNC110 - answers wake nobody
                await asyncio.sleep(_TICK)

    async def at_once(self, requests: Sequence[bytes], clients: int, seconds: float) -> float:
        """Let so many clients ask again as soon as they are answered; returns the answers a second."""
        await self.open(clients)
        before, started, sent = len(self.seen), perf_counter(), 0
        while perf_counter() - started < seconds:
            while self.idle:
                self.idle.pop().ask(requests[sent % len(requests)])
                sent += 1
            await asyncio.sleep(0)
        return (len(self.seen) - before) / (perf_counter() - started)


def statuses(seen: Sequence[Seen]) -> Counter[int]:
    """Count answers by status."""
    return Counter(each.status for each in seen)


def p99(seen: Sequence[Seen]) -> float:
    """Return the milliseconds that 99 of 100 answers took at most; 0 without any."""
    took = sorted(each.seconds for each in seen)
    return took[int(len(took) * 0.99)] * 1000 if took else 0.0
