"""MCP over HTTP: a real server on a free port, the official client, and requests it would not make."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import INVALID_PARAMS

from application.kernel.limits import Admit, Importance, admit_all
from domain.shared.ids import encode_id, uuid7
from infrastructure.resilience.admission import Admission
from infrastructure.resilience.rate_limits import BURST_SECONDS, RateLimits
from interfaces.http.app import create_app
from interfaces.http.limits import Limited
from interfaces.http.route_row import RouteRow
from interfaces.mcp.server import build_server
from interfaces.mcp.streamable import McpApp, current_actor
from interfaces.schema.charges import Charge, charge_nothing
from tests.interfaces.mcp.fakes import LINK, READER, FakeDispatcher, authenticate
from tests.interfaces.toy import REGISTRY

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"accept": "application/json, text/event-stream", "authorization": "Bearer writer-key"}
REQUEST_ID = "0195f3a0-0000-7000-8000-000000000001"


@dataclass(frozen=True)
class Site:
    url: str
    dispatcher: FakeDispatcher


def application(dispatcher: FakeDispatcher, charge: Charge = charge_nothing, admit: Admit = admit_all) -> FastAPI:
    server = build_server(registry=REGISTRY, dispatcher=dispatcher, actor_of=current_actor, observe=dispatcher.observe)
    mcp = McpApp(server, authenticate, admit=admit, charge=charge)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.running():
            yield

    async def ready() -> dict[str, str]:
        return {}

    return create_app(
        registry=REGISTRY, dispatcher=dispatcher, authenticate=authenticate, readiness=ready, metrics=bytes,
        metrics_content_type="text/plain", observe=dispatcher.observe, lifespan=lifespan, mcp_app=mcp,
        routes=[RouteRow("POST", f"/{name}", name) for name in REGISTRY],
    )  # fmt: skip


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    dispatcher = FakeDispatcher()
    config = uvicorn.Config(application(dispatcher), lifespan="on", ws="none", log_level="warning")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp/", dispatcher)
        server.should_exit = True
        await serving


@asynccontextmanager
async def connected(site: Site, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {key}", "x-request-id": REQUEST_ID}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(site.url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_each_key_sees_its_own_tools(site: Site, mode: str) -> None:
    """Two callers at the same time are not mixed up."""

    async def seen(key: str) -> set[str]:
        async with connected(site, key, mode) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    reader, writer = await asyncio.gather(seen("reader-key"), seen("writer-key"))
    assert reader == {"things_list", "things_get", "things_open"}
    assert writer == {name.replace(".", "_") for name in REGISTRY}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_carries_caller_and_request_id(site: Site, mode: str) -> None:
    """What the envelope knows about the request reaches the events it causes."""
    async with connected(site, "reader-key", mode) as client:
        result = await client.call_tool("things_get", {"id": LINK})
    assert not result.is_error
    call = site.dispatcher.ran[-1].call
    assert (call.actor.id, call.request_id) == ("reader", REQUEST_ID)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Basic x"}, {"authorization": "Bearer unknown"}, {"authorization": "Bearer"}]
)
async def test_without_a_valid_key_nothing_answers(site: Site, headers: dict[str, str]) -> None:
    """Not even the list of tools is public."""
    async with httpx2.AsyncClient() as http:
        answer = await http.post(site.url, json=LISTING, headers={"accept": "application/json", **headers})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("header", "value", "status"), [("host", "evil.example", 421), ("origin", "https://evil.example", 403)]
)
async def test_a_page_that_rebinds_its_name_is_refused(site: Site, header: str, value: str, status: int) -> None:
    """A browser that resolves a stranger's name to this machine still says whose page it shows."""
    async with httpx2.AsyncClient() as http:
        answer = await http.post(site.url, json=LISTING, headers={**HEADERS, header: value})
        assert answer.status_code == status
        assert (await http.post(site.url, json=LISTING, headers=HEADERS)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_are_no_sessions_to_listen_to(site: Site, method: str) -> None:
    """A stream that never says anything would only keep the server from stopping."""
    async with httpx2.AsyncClient() as http:
        answer = await http.request(method, site.url, headers=HEADERS)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_nothing_is_served_below_the_root(site: Site) -> None:
    """One address, one endpoint."""
    async with httpx2.AsyncClient() as http:
        assert (await http.post(f"{site.url}other", json=LISTING, headers=HEADERS)).status_code == 404


async def test_it_is_unavailable_while_it_is_not_running() -> None:
    """A request that comes too early is told to come again."""
    transport = httpx2.ASGITransport(application(FakeDispatcher()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post("/mcp/", json=LISTING, headers=HEADERS)
    assert answer.status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        '["sekret-input"]',
        '"sekret-input"',
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "method": "sekret-input"}',
        '{"jsonrpc": "1.0", "id": 1, "method": "sekret-input"}',
        '{"jsonrpc": "2.0", "id": 1, "method": "sekret-input"',
        '{"jsonrpc": "2.0", "id": {"sekret": 1}, "method": "tools/list"}',
        '{"jsonrpc": "2.0", "id": true, "method": "sekret-input"}',
    ],
)
async def test_what_is_no_message_is_refused_without_an_echo(site: Site, body: str) -> None:
    """Our own reading of JSON comes before the protocol's, which takes duplicate keys and repeats what it was sent."""
    async with httpx2.AsyncClient() as client:
        answer = await client.post(site.url, content=body, headers={**HEADERS, "content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "sekret" not in answer.text


@pytest.mark.parametrize(
    "params", ["[]", '["sekret"]', '"sekret"', "1", "null", '{"name": ["sekret"]}', '{"sekret": 1}']
)
async def test_params_that_are_none_are_refused_without_an_echo(site: Site, params: str) -> None:
    """By an error of the protocol, for the call that it answers."""
    body = f'{{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {params}}}'
    async with httpx2.AsyncClient() as client:
        answer = await client.post(site.url, content=body, headers={**HEADERS, "content-type": "application/json"})
    told = answer.json()
    assert (told["id"], told["error"]["code"]) == (7, INVALID_PARAMS)
    assert "sekret" not in answer.text
    assert "pydantic" not in answer.text


@pytest.mark.parametrize(
    ("organization", "status", "code"),
    [
        (encode_id("org", READER.organization_id), 200, None),
        (encode_id("org", uuid7(2, 2)), 404, "organization_not_found"),
        ("demo", 400, "malformed"),
    ],
)
async def test_the_organization_is_named_beside_the_token(
    site: Site, organization: str, status: int, code: str | None
) -> None:
    """As over HTTP: one of the caller's own, by its id."""
    async with httpx2.AsyncClient(headers={**HEADERS, "stoa-organization": organization}) as http:
        answer = await http.post(site.url, json=LISTING)
    assert answer.status_code == status
    assert answer.json().get("code") == code


async def test_requests_count_against_their_callers_limits() -> None:
    """Beyond its limit a caller is refused before its message is read; who has no key counts by address."""
    limited = Limited(RateLimits(credential=1, organization=0, address=1, monotonic_ns=lambda: 0))
    app = application(FakeDispatcher(), limited.charge)
    transport = httpx2.ASGITransport(limited.around(app))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        answers = [await client.post("/mcp/", json=LISTING, headers=HEADERS) for _ in range(BURST_SECONDS + 1)]
        strangers = [await client.post("/mcp/", json=LISTING) for _ in range(BURST_SECONDS + 1)]
    assert [answer.status_code for answer in answers] == [200] * BURST_SECONDS + [429]
    assert [answer.status_code for answer in strangers] == [401] * BURST_SECONDS + [429]
    assert answers[0].headers["ratelimit"] == '"credential";r=4;t=1'
    assert (answers[-1].json()["code"], answers[-1].headers["retry-after"]) == ("rate_limited", "1")


async def test_without_room_nobody_is_asked_who_calls() -> None:
    """Until it is known which tool is called, the request is admitted as a write is."""
    admission = Admission(10)
    app = application(FakeDispatcher(), admit=admission)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        with ExitStack() as held:
            for _ in range(8):
                held.enter_context(admission(Importance.MONEY))
            refused = await client.post("/mcp/", json=LISTING, headers=HEADERS)
        served = await client.post("/mcp/", json=LISTING, headers=HEADERS)
    assert (refused.status_code, refused.json()["code"], served.status_code) == (503, "overloaded", 200)
    assert admission.in_flight == 0
