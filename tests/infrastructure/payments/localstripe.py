"""A stand-in for Stripe: ``localstripe`` as a process of its own on the loopback interface, and a proxy before it.

The program is free software under the GPL. It is started and spoken to, never imported.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from httpx2 import AsyncClient

from tests.faults.processes import free_port
from tests.support.listening import listening

KEY = "sk_test_of_the_tests"
SECRET = "whsec_of_the_tests_0123456789"
STARTS_WITHIN = 30.0

# It would listen on every interface, and keep its memory in a file that all its users share.
_TAMED = """
import builtins, os, socket
_bind, _open, _memory = socket.socket.bind, builtins.open, "/tmp/localstripe.pickle"
_near = lambda address: ("::ffff:127.0.0.1", *address[1:]) if address[0] == "::" else address
socket.socket.bind = lambda self, address: _bind(self, _near(address))
builtins.open = lambda file, *rest, **more: _open(os.devnull if file == _memory else file, *rest, **more)
"""


class LocalStripe:
    """What the tests ask of it besides what Stripe offers."""

    def __init__(self, url: str, client: AsyncClient) -> None:
        """Use :func:`local_stripe`."""
        self.url = url
        self.client = client

    async def card(self, number: str = "4242424242424242") -> str:
        """Return the token of a card, as a buyer's browser would get it from Stripe."""
        form = {
            "type": "card", "card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2039",
            "card[cvc]": "123",
        }  # fmt: skip
        return str((await self._post("/v1/payment_methods", form))["id"])

    async def intents(self, **metadata: str) -> list[dict[str, object]]:
        """Return the intents with these metadata, in the order they were made."""
        answer = (await self.client.get(f"{self.url}/v1/payment_intents?limit=100")).json()
        return [each for each in answer["data"] if metadata.items() <= each["metadata"].items()]

    async def refunds(self) -> list[dict[str, object]]:
        """Return all refunds."""
        answer = (await self.client.get(f"{self.url}/v1/refunds?limit=100")).json()
        return cast("list[dict[str, object]]", answer["data"])

    async def send_webhooks_to(self, url: str) -> None:
        """Have it tell this address what happens."""
        answer = await self.client.post(f"{self.url}/_config/webhooks/tests", json={"url": url, "secret": SECRET})
        answer.raise_for_status()

    async def _post(self, path: str, form: dict[str, str]) -> dict[str, object]:
        answer = await self.client.post(f"{self.url}{path}", data=form)
        answer.raise_for_status()
        return cast("dict[str, object]", answer.json())


@asynccontextmanager
async def local_stripe(folder: Path) -> AsyncIterator[LocalStripe]:
    """Start it on a free port, and surely end it."""
    port = free_port()
    process = _start(folder, port)
    try:
        async with AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as client:
            await _started(process, port)
            yield LocalStripe(f"http://127.0.0.1:{port}", client)
    finally:
        process.terminate()
        process.wait(10)


def _start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    (folder / "sitecustomize.py").write_text(_TAMED)
    with (folder / "localstripe.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
            stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(folder)}, cwd=folder,
        )  # fmt: skip


async def _started(process: "subprocess.Popen[bytes]", port: int) -> None:
    async with asyncio.timeout(STARTS_WITHIN):
        while True:
            assert process.poll() is None, "localstripe ended"
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.05)


class Wire:
    """A proxy on the way to Stripe that can lose the answer to the next POST, or cut before sending it."""

    def __init__(self, upstream: int) -> None:
        """Pass everything on until told otherwise."""
        self._upstream = upstream
        self.lose_answer = False
        self.requests: list[bytes] = []
        self.port = 0

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._out(reader, back), self._in(there, writer))
        for each in (writer, back):
            each.close()
            with suppress(OSError):
                await each.wait_closed()

    async def _out(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.requests.append(data)
            back.write(data)
            await back.drain()
        back.write_eof()

    async def _in(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(65536):
            if self.lose_answer and self.requests[-1].startswith(b"POST"):
                self.lose_answer = False
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def wire_to(stripe: LocalStripe) -> AsyncIterator[Wire]:
    """Open a proxy before a stand-in."""
    wire = Wire(int(stripe.url.rpartition(":")[2]))
    async with listening(wire.pass_on) as wire.port:
        yield wire
