"""What surrounds the operations: ids, headers, health, pages, and the document that describes it all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient
from openapi_spec_validator import validate
from starlette.types import Message, Receive, Scope, Send

from application.kernel.dispatcher import Call, Outcome
from tests.interfaces.http.face import LINK, Behind, check_problem, client_of
from tests.interfaces.toy import REGISTRY, ROWS


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
async def http(behind: Behind) -> AsyncIterator[AsyncClient]:
    async with client_of(behind) as client:
        yield client


@pytest.fixture
async def document(http: AsyncClient) -> Any:
    return (await http.get("/openapi.json")).json()


# ---------------------------------------------------------------- around every request


@pytest.mark.parametrize("path", ["/v1/things", "/v1/nowhere", "/nowhere", "/livez", "/docs", "/v1", "/v1/things/"])
async def test_every_answer_is_careful_and_has_an_id(http: AsyncClient, path: str) -> None:
    """Answers of every kind carry a request id and forbid guessing at content."""
    response = await http.get(path)
    assert len(response.headers["x-request-id"]) == 36
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    if path.startswith("/v1"):
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "given", [b"a\r\nX-Evil: 1", b"", b"\xff" * 36, b"x" * 10_000, b"0" * 32, "٠".encode() * 26, b"8" + b"0" * 25]
)
async def test_strange_request_ids_are_replaced(http: AsyncClient, given: bytes) -> None:
    """Only a UUID or a ULID of the caller's reaches logs and events."""
    response = await http.get("/livez", headers=[(b"X-Request-Id", given)])
    assert response.status_code == 200
    assert response.headers["x-request-id"].encode() != given


async def test_a_uuid_is_kept_even_when_nothing_is_found(http: AsyncClient) -> None:
    """The caller recognises its request in a refusal too."""
    given = "01890a5d-ac96-774b-bcce-b302099a8057"
    response = await http.get("/v1/nowhere", headers={"X-Request-Id": given})
    assert check_problem(response, 404, "path_unknown")["request_id"] == given


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/things", "GET, HEAD, POST"),
        ("OPTIONS", f"/v1/things/{LINK}", "DELETE, GET, HEAD, PATCH"),
        ("TRACE", "/v1/things", "GET, HEAD, POST"),
        ("BREW", "/v1/things", "GET, HEAD, POST"),
        ("POST", "/livez", "GET, HEAD"),
    ],
)
async def test_other_methods_are_refused_with_the_right_ones(
    http: AsyncClient, method: str, path: str, allow: str
) -> None:
    """405 names every method that the path has."""
    response = await http.request(method, path)
    check_problem(response, 405, "method_not_allowed")
    assert {name.strip() for name in response.headers["allow"].split(",")} == set(allow.split(", "))


async def test_head_is_get_without_a_body(http: AsyncClient) -> None:
    """The headers are those of the full answer."""
    full, head = await http.get(f"/v1/things/{LINK}"), await http.head(f"/v1/things/{LINK}")
    assert head.content == b""
    assert head.headers["content-length"] == str(len(full.content))
    assert head.headers["etag"] == '"3"'


async def test_headers_nobody_asked_for_change_nothing(http: AsyncClient, behind: Behind) -> None:
    """Addresses are never taken from a header, and an organization from one only, which says which of the caller's."""
    headers = [(b"X-Org-Id", b"\xff"), (b"X-Forwarded-For", b"<script>")]
    assert (await http.get("/v1/things", headers=headers)).status_code == 200
    assert behind.calls[0][2].actor.id == "key_x"


async def test_a_client_that_leaves_does_not_stop_its_command(behind: Behind) -> None:
    """Once dispatched, a command runs to its end; before that, it never starts."""
    done = asyncio.Event()

    async def slow(name: str, command: object, call: Call) -> Outcome:
        await asyncio.sleep(0.01)
        done.set()
        return Outcome({"id": "x"})

    behind.dispatch = slow  # type: ignore[method-assign]  # reason: this one waits
    app = behind.app()
    messages: list[Message] = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]
    scope = {
        "type": "http", "method": "POST", "path": f"/v1/things/{LINK}/pay", "query_string": b"", "root_path": "",
        "headers": [(b"authorization", b"Bearer secret"), (b"idempotency-key", b"k")],
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app({**scope}, receive, send)
    assert done.is_set()
    done.clear()
    await app({**scope}, receive, send)
    assert not done.is_set()
    assert len(sent) == 2
    assert [code for _, _, code in behind.observed] == ["ok", "client_gone"]


# ---------------------------------------------------------------- health, pages, tools


async def test_health_is_told_to_machines(http: AsyncClient, behind: Behind) -> None:
    """Alive is alive; ready depends, and degraded is ready; metrics keep their content type."""
    assert (await http.get("/livez")).status_code == 200
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["broker"]) == (200, "degraded: down")
    behind.checks = {"database": "unreachable"}
    response = await http.get("/readyz")
    assert check_problem(response, 503, "not_ready")["detail"] == "database: unreachable"
    assert response.headers["retry-after"] == "1"
    metrics = await http.get("/metrics")
    assert (metrics.content, metrics.headers["content-type"]) == (b"up 1\n", "text/plain; version=0.0.4")
    assert not behind.calls


async def test_the_page_needs_no_network(http: AsyncClient) -> None:
    """Everything that the documentation loads is served here."""
    page = (await http.get("/docs")).text
    sources = [part.split('"')[0] for attribute in ('src="', 'href="') for part in page.split(attribute)[1:]]
    assert sources
    for source in sources:
        assert source.startswith("/")
        assert (await http.get(source)).status_code == 200


async def test_tools_are_mounted_inside_the_envelope(behind: Behind) -> None:
    """The other face shares ids, limits and last resorts."""

    async def tools(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    behind.mcp_app = tools
    async with client_of(behind) as http:
        response = await http.post("/mcp/", content=b"{}")
        assert response.text == "/mcp/"
        assert "x-request-id" in response.headers
        check_problem(await http.post("/mcp/", content=b" " * (1024 * 1024 + 1)), 413, "body_too_large")


# ---------------------------------------------------------------- the document


async def test_the_document_is_openapi(document: Any) -> None:
    """An independent validator accepts it, and every operation is in it."""
    validate(document)
    assert document["openapi"].startswith("3.1")
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert {operation["x-use-case"] for operation in operations} == set(REGISTRY)
    assert len(operations) == len(ROWS)


async def test_an_operation_tells_everything(document: Any) -> None:
    """Names, scopes, headers, body, example and refusals come from the declaration."""
    create = document["paths"]["/v1/things"]["post"]
    assert (create["operationId"], create["x-required-scopes"]) == ("things_create", ["customers:write"])
    assert create["description"] == REGISTRY["things.create"].doc
    assert create["requestBody"]["content"]["application/json"]["example"]["name"] == "A thing"
    statuses = {int(status) for status in create["responses"]}
    assert statuses == {201, 400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503}
    pay = document["paths"]["/v1/things/{id}/pay"]["post"]
    required = {p["name"]: p["required"] for p in pay["parameters"] if "required" in p}
    assert required == {"id": True, "Idempotency-Key": True, "If-Match": False}
    assert "requestBody" not in pay
    update = document["paths"]["/v1/things/{id}"]["patch"]
    body = document["components"]["schemas"]["UpdateThing"]
    assert set(body["properties"]) == {"name", "note"}
    assert {"412", "428"} <= set(update["responses"])
    listing = document["paths"]["/v1/things"]["get"]
    assert {p["name"] for p in listing["parameters"] if "name" in p} == {
        "limit", "cursor", "include_total", "name", "gift", "kinds", "price.amount", "price.currency", "sort"
    }  # fmt: skip
    assert document["paths"]["/v1/open/{slug}"]["get"]["security"] == []
