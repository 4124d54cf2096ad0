"""What every answer of a running server tells a browser to be careful with: each route, each page, each refusal."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import chain
from typing import TypedDict

import pytest
from httpx2 import AsyncClient, Response

from infrastructure.health import Health
from infrastructure.lifecycle import opened
from infrastructure.serving import Server, listening, server_config
from infrastructure.settings import load_settings
from infrastructure.workers.supervisor import Supervisor
from interfaces.http.main import build_app
from interfaces.http.routes import ROUTES
from interfaces.web.account import PATHS
from interfaces.web.checkout import VAULT_PATH
from tests.support.databases import TestDatabases
from tests.support.stack import PEPPER, open_stack
from tests.support.world import World

MCP = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
STATIC = "/static-offline-docs/"
ELSEWHERE = "https://elsewhere.example"


class More(TypedDict, total=False):
    """What else is sent."""

    content: bytes
    headers: dict[str, str]


type Request = tuple[str, str, More]


@dataclass(frozen=True, slots=True)
class Live:
    """A server as it runs behind a proxy that speaks https, and a key to it."""

    client: AsyncClient
    key: str

    async def answers(self) -> AsyncIterator[tuple[str, Response]]:
        """Ask for everything there is, known and unknown, allowed and not; every request says where it comes from."""
        owner, origin = {"authorization": f"Bearer {self.key}"}, {"origin": ELSEWHERE}
        operations: list[Request] = [(row.method, "/v1" + re.sub(r"{[a-z_]+}", "x", row.path), {}) for row in ROUTES]
        pages: list[Request] = [
            ("GET", path, {}) for path in (*PATHS, "/pay/nothing", "/pay/nothing/x", "/pay/x/return?card=x")
        ]
        posted: list[Request] = [("POST", path, {"content": b"token=x"}) for path in (*PATHS, VAULT_PATH)]
        machines: list[Request] = [
            ("GET", path, {}) for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/v1", "/x")
        ]
        calls: list[Request] = [("POST", "/mcp/", {"content": b"{}", "headers": MCP}), ("GET", "/mcp/", {})]
        odd: list[Request] = [(method, "/v1/products", {}) for method in ("TRACE", "OPTIONS", "PUT", "HEAD")]
        odd += [("TRACE", "/docs", {}), ("POST", "/v1/products", {"content": b"x" * (1024 * 1024 + 1)})]
        odd += [("POST", "/v1/products", {"content": b"<x/>", "headers": {"content-type": "text/xml"}})]
        for method, path, more in chain(operations, pages, posted, machines, calls, odd):
            for who in ({}, owner) if path.startswith("/v1") else ({},):
                sent = {**origin, **who, **more.get("headers", {})}
                content = more.get("content")
                yield f"{method} {path}", await self.client.request(method, path, content=content, headers=sent)
        for path in re.findall(rf'"({STATIC}[^"]+)"', (await self.client.get("/docs")).text):
            yield path, await self.client.get(path, headers=origin)


@pytest.fixture(scope="module")
async def live(test_databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """Serve all faces as ``stoa serve`` does, with an https address in public, on a database with one of everything."""
    urls, folder = test_databases.postgres(), tmp_path_factory.mktemp("live")
    async with open_stack(urls) as stack:
        key = (await World.create(stack)).key
    settings = load_settings(
        {
            "STOA_DATABASE_URL": urls.app, "STOA_DATA_DIR": str(folder), "STOA_PUBLIC_URL": "https://stoa.example",
            "STOA_KEY_PEPPER": PEPPER.decode(),
            "STOA_RATE_LIMIT_KEY": "0", "STOA_RATE_LIMIT_ORGANIZATION": "0", "STOA_RATE_LIMIT_ADDRESS": "0",
        }
    )  # fmt: skip
    async with opened(settings, work=False) as container:
        server = Server(server_config(build_app(container, Health(container, Supervisor({})))))
        with listening("127.0.0.1", 0) as listener:
            served = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)
            base = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with AsyncClient(base_url=base, trust_env=False, timeout=30) as client:
                yield Live(client, key)
            server.should_exit = True
            await served


def careless(path: str, answer: Response) -> list[str]:
    """Return what an answer does not forbid, or tells of the server."""
    headers, policy = answer.headers, answer.headers.get("content-security-policy", "")
    told = [name for name in ("server", "x-powered-by", "set-cookie") if name in headers]
    told += [name for name in headers if name.startswith("access-control-")]
    wanted = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
    }
    told += [name for name, value in wanted.items() if headers.get_list(name) != [value]]
    told += [rule for rule in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'") if rule not in policy]
    if not path.startswith((STATIC, "GET /docs", "TRACE /docs")):
        told += [] if headers.get("cache-control") == "no-store" else ["cache-control"]
        told += ["unsafe"] if "unsafe" in policy else []
    kind = headers.get("content-type", "")
    told += ["content-type"] if answer.content and not kind else []
    told += ["charset"] if kind.startswith("text/html") and "charset=utf-8" not in kind else []
    told += ["opener"] if kind.startswith("text/html") and headers.get("cross-origin-opener-policy") is None else []
    return told


async def test_every_answer_of_every_face_is_careful(live: Live) -> None:
    """No page of another origin reads, frames or guesses anything; nothing is stored; nothing tells of the server."""
    seen = {"asked": 0, "succeeded": 0}
    found = {}
    async for path, answer in live.answers():
        seen["asked"] += 1
        seen["succeeded"] += answer.is_success
        if told := careless(path, answer):
            found[path, answer.status_code] = told
        assert answer.status_code < 500, (path, answer.text)
    assert found == {}
    assert seen["asked"] > 2 * len(ROUTES)
    assert seen["succeeded"] > 50, "hardly anything was more than a refusal"


async def test_a_browser_of_another_origin_is_told_nothing_before_it_asks(live: Live) -> None:
    """A preflight is refused, so that no script elsewhere can send JSON or a key here at all."""
    asking = {"origin": ELSEWHERE, "access-control-request-method": "POST"}
    asking["access-control-request-headers"] = "authorization,content-type"
    for path in ("/v1/products", "/v1/sessions", "/mcp/", "/docs", "/pay/x"):
        answer = await live.client.options(path, headers=asking)
        assert answer.status_code in (404, 405)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_nothing_is_redirected_to_https(live: Live) -> None:
    """Who calls the API unencrypted by mistake fails instead of going on unnoticed; nothing is redirected."""
    for path in ("/v1/products", "/v1/products/", "/mcp", "/docs", "/livez"):
        answer = await live.client.get(path, headers={"host": "stoa.example", "x-forwarded-proto": "http"})
        assert not answer.is_redirect


async def test_no_folder_is_listed_and_nothing_is_traced(live: Live) -> None:
    """Folders of files are nothing, and a request is never sent back."""
    for path in (
        "/static-offline-docs",
        STATIC,
        f"{STATIC}..%2f..%2fpyproject.toml",
        "/.git/config",
        "/.env",
    ):
        assert (await live.client.get(path)).status_code == 404
    for path in ("/v1/products", "/docs", "/pay/x", "/mcp/", "/livez"):
        answer = await live.client.request("TRACE", path, headers={"authorization": "Bearer canary"})
        assert answer.status_code in (404, 405)
        assert "canary" not in answer.text


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: +2\r\n\r\n{}",
    ],
)
async def test_a_request_that_ends_in_two_places_is_refused(framing: bytes, live: Live) -> None:
    """What a proxy could read as one request and we as two is one request that is refused, or the connection ends."""
    address = live.client.base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + framing)
    try:
        said = await asyncio.wait_for(reader.read(65536), 10)
    finally:
        writer.close()
    assert b'"alive"' not in said
    assert said.startswith(b"HTTP/1.1 4")
