"""An endpoint in front of a chain which says something else than the chain, or nothing at all."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from infrastructure.chain.agreement import Agreement
from infrastructure.chain.endpoint import Endpoint
from infrastructure.chain.node import Node
from infrastructure.chain.web3_chain import Web3Chain
from tests.support.chain import DevChain
from tests.support.listening import listening

TIMEOUT = 0.5

type Lie = Callable[[list[Any], Any], Any]
"""Makes an answer of a question's parameters and the true one."""


@dataclass
class LyingEndpoint:
    """``lies`` by method, ``errors`` in the place of answers; ``broken`` breaks every connection with these bytes."""

    chain: DevChain
    url: str = ""
    lies: dict[str, Lie] = field(default_factory=dict)
    errors: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's questions."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                question = json.loads(await reader.readexactly(int(length.split(b":")[1])))
                self.asked.append(question["method"])
                if self.broken is not None:
                    await self.broken(writer)
                    break
                await self._answer(writer, question)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, question: dict[str, Any]) -> None:
        method, params = question["method"], question.get("params", [])
        if method in self.errors:
            said: dict[str, Any] = {"error": self.errors[method]}
        else:
            true = await self.chain.ask(method, *params)
            said = {"result": self.lies[method](params, true) if method in self.lies else true}
        body = json.dumps({"jsonrpc": "2.0", "id": question["id"], **said}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@asynccontextmanager
async def lying_endpoint(chain: DevChain) -> AsyncIterator[LyingEndpoint]:
    """Open an endpoint, which tells the truth until it is told otherwise."""
    endpoint = LyingEndpoint(chain)
    async with listening(endpoint.serve) as port:
        endpoint.url = f"http://127.0.0.1:{port}"
        yield endpoint


def through(chain: DevChain, *urls: str, sleeps: list[float] | None = None) -> Web3Chain:
    """Return the chain as the application sees it through these endpoints."""

    async def sleep(seconds: float) -> None:
        (sleeps if sleeps is not None else []).append(seconds)

    nodes = [Node(Endpoint(url, chain.chain_id, timeout=TIMEOUT)) for url in urls]
    return Web3Chain(chain.chain_id, 3, Agreement(nodes, sleep=sleep))
