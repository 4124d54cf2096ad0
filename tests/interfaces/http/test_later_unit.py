"""A face that is made after the start: who calls it waits, who does not call it does not, and failing is no silence."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from domain.shared.errors import Unavailable
from interfaces.http.later import Later


class Face:
    """Says where it was entered and left."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[object] | None] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.tasks.append(asyncio.current_task())
        yield
        self.tasks.append(asyncio.current_task())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("made")(scope, receive, send)


def client_of(later: Later) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(later), base_url="http://later")


async def test_callers_wait_until_it_is_made_and_nobody_else() -> None:
    """The block is entered before anything is made; two calls that came too early are answered."""
    permitted, face = threading.Event(), Face()

    def make() -> Face:
        assert permitted.wait(10)
        return face

    later = Later(make)
    async with client_of(later) as client:
        async with later.running():
            early = [asyncio.create_task(client.get("/")) for _ in range(2)]
            await asyncio.sleep(0.05)
            assert not any(each.done() for each in early)
            permitted.set()
            assert [each.text for each in await asyncio.gather(*early)] == ["made", "made"]
        assert len(set(face.tasks)) == 1, "it was left by another task than the one that entered it"
        assert len(face.tasks) == 2
        with pytest.raises(Unavailable):
            await client.get("/")
        async with later.running():
            assert (await client.get("/")).text == "made"
            assert later.state == "ok"


async def test_what_cannot_be_made_is_unavailable_and_said() -> None:
    """A caller gets the error that means "later", and the log has the cause; what runs beside it goes on and ends."""

    def make() -> Face:
        raise ImportError("no such library")

    later = Later(make)
    with capture_logs() as lines:
        async with client_of(later) as client, later.running():
            with pytest.raises(Unavailable):
                await client.get("/")
            assert later.state == "degraded: unavailable"
    assert [(line["event"], line["log_level"]) for line in lines] == [("face_unavailable", "error")]


async def test_leaving_waits_for_what_is_being_made() -> None:
    """A server that is stopped at once leaves no thread and no entered block behind."""
    face = Face()
    async with Later(lambda: face).running():
        pass
    assert len(face.tasks) == 2
