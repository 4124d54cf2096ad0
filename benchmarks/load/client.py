"""The clients: a process of its own, so that it takes nothing from the loop of the server it measures.

``python -m benchmarks.load.client`` reads a :class:`Plan` as JSON and prints a :class:`Report` as JSON. With a rate,
requests are due at constant intervals, and what each took counts from the moment it was due: a server that stalls for
a second makes all requests of that second slow, and not just the few that were under way. Without a rate each
connection asks again as soon as it is answered, which tells how much the server can do.
"""

import asyncio
import itertools
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import msgspec
import uvloop

from benchmarks.pinning import SERVER_CORE, pin

_HEAD_END = b"\r\n\r\n"
_TICK_SECONDS = 0.001
_LAST_ANSWERS_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to ask, how often and for how long. ``*`` in a body becomes a text that was never sent before."""

    port: int
    token: str
    method: str
    paths: list[str]
    body: str | None
    seconds: float
    connections: int
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it: percentiles in milliseconds; ``refused`` got another status than success, or no answer."""

    due: int
    answered: int
    refused: int
    seconds: float
    p50: float
    p95: float
    p99: float


class _Load:
    """The requests that are due, and how long those that were answered took."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._paths = itertools.cycle(plan.paths)
        self._free: list[_Connection] = []
        self._waiting: deque[float] = deque()
        self._is_over = False
        self.took: list[float] = []
        self.due = 0
        self.refused = 0

    @property
    def outstanding(self) -> int:
        """Return how many requests are due or under way."""
        return self.due - len(self.took) - self.refused

    def free(self, connection: "_Connection") -> None:
        """Have a connection ask what has waited longest."""
        if self._waiting:
            connection.ask(self._waiting.popleft())
        elif self._plan.rate is None and not self._is_over:
            self.due += 1
            connection.ask(time.perf_counter())
        else:
            self._free.append(connection)

    def stop(self) -> None:
        """Ask nothing new."""
        self._is_over = True

    def arrive(self, moment: float) -> None:
        """Take a request that is due at a moment."""
        self.due += 1
        if self._free:
            self._free.pop().ask(moment)
        else:
            self._waiting.append(moment)

    def answered(self, moment: float, *, success: bool) -> None:
        """Count an answer to what was due at a moment."""
        if success:
            self.took.append(time.perf_counter() - moment)
        else:
            self.refused += 1

    def request(self) -> bytes:
        """Return the next request's bytes."""
        plan, unique = self._plan, uuid4().hex
        body = b"" if plan.body is None else plan.body.replace("*", unique).encode()
        typed = "" if plan.body is None else f"content-type: application/json\r\nidempotency-key: {unique}\r\n"
        head = (
            f"{plan.method} {next(self._paths)} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {plan.token}\r\n"
            f"{typed}content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at most."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._moment = 0.0
        self._answer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are write transports by behaviour, and not by type.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._load.free(self)

    def ask(self, moment: float) -> None:
        """Send the request that was due at a moment."""
        assert self._transport is not None
        self._moment = moment
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(_HEAD_END)
        if end and len(body) >= _length(head):
            self._answer = b""
            self._load.answered(self._moment, success=head.startswith(b"HTTP/1.1 20"))
            self._load.free(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[at:].split(b"\r\n", 1)[0])


async def run(plan: Plan) -> Report:
    """Keep to the plan."""
    load, loop = _Load(plan), asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: _Connection(load), "127.0.0.1", plan.port))[1]
        for _ in range(plan.connections)
    ]
    started = time.perf_counter()
    await (asyncio.sleep(plan.seconds) if plan.rate is None else _arrivals(load, plan.rate, plan.seconds))
    load.stop()
    await _last_answers(load)
    elapsed = time.perf_counter() - started
    load.refused += load.outstanding
    for connection in opened:
        connection.close()
    took = sorted(load.took) or [0.0]
    p50, p95, p99 = (took[min(len(took) - 1, int(len(took) * share))] * 1000 for share in (0.5, 0.95, 0.99))
    return Report(
        due=load.due, answered=len(load.took), refused=load.refused, seconds=elapsed, p50=p50, p95=p95, p99=p99
    )  # fmt: skip


async def _arrivals(load: _Load, rate: float, seconds: float) -> None:
    started, count = time.perf_counter(), round(rate * seconds)
    for n in range(count):
        moment = started + n / rate
        while (wait := moment - time.perf_counter()) > 0:  # noqa: ASYNC110 - time itself is waited for
            await asyncio.sleep(max(wait, _TICK_SECONDS))
        load.arrive(moment)


async def _last_answers(load: _Load) -> None:
    until = time.perf_counter() + _LAST_ANSWERS_SECONDS
    while load.outstanding and time.perf_counter() < until:  # noqa: ASYNC110 - looked at once in a millisecond
        await asyncio.sleep(_TICK_SECONDS)


if __name__ == "__main__":
    pin(SERVER_CORE)
    print(msgspec.json.encode(uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)))).decode())
