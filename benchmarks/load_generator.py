"""Clients that ask again as soon as they are answered.

Run as ``python -m benchmarks.load_generator PORT TOKEN SECONDS PATH…``, a process of its own on the database's core,
so that it takes nothing from the server it measures. It prints the number of requests and the 50th and 99th percentile
of their milliseconds as JSON.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from benchmarks.pinning import SERVER_CORE, pin

CONNECTIONS = 16
_HEAD_END = b"\r\n\r\n"


class _Client(asyncio.Protocol):
    """One keep-alive connection that always has one request under way."""

    def __init__(self, requests: Iterator[bytes], took: list[float]) -> None:
        self._requests = requests
        self._took = took
        self._asked = 0.0
        self._answer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are write transports by behaviour, and not by type.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(_HEAD_END)
        if end and len(body) >= _length(head):
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(self._answer.decode(errors="replace"))
            self._took.append(time.perf_counter() - self._asked)
            self._answer = b""
            self._ask()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _ask(self) -> None:
        assert self._transport is not None
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    at = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[at:].split(b"\r\n", 1)[0])


async def _load(port: int, token: str, seconds: float, paths: list[str]) -> None:
    asked = [
        f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode() for path in paths
    ]
    took: list[float] = []
    loop, clients = asyncio.get_running_loop(), []
    for n in range(CONNECTIONS):
        offset = n * len(asked) // CONNECTIONS
        requests = itertools.cycle([*asked[offset:], *asked[:offset]])
        _, client = await loop.create_connection(lambda requests=requests: _Client(requests, took), "127.0.0.1", port)  # type: ignore[misc]  # reason: a default binds the loop variable
        clients.append(client)
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed, took = time.perf_counter() - started, sorted(took)
    for client in clients:
        client.close()
    p50, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    print(json.dumps({"requests": len(took), "seconds": elapsed, "p50": p50, "p99": p99}))


if __name__ == "__main__":
    pin(SERVER_CORE)
    uvloop.run(_load(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:]))
