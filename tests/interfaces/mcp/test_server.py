"""The registry as tools, seen by the official client in the same process."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # reason: it has no types of its own
from mcp import Client, MCPError
from mcp.types import CallToolResult, TextContent

from application.kernel.actor import PUBLIC_ACTOR, Actor, operator
from application.kernel.dispatcher import Outcome
from application.kernel.use_case import UseCase
from domain.shared.errors import Conflict, NotFound, Unauthenticated
from domain.shared.money import Money
from interfaces.cli.session import registered
from interfaces.mcp.server import StoaServer, build_server
from tests.interfaces.mcp.fakes import LINK, READER, THING, WRITER, FakeDispatcher
from tests.interfaces.toy import REGISTRY, CreateThing
from tests.interfaces.toy import THING as NEW

MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


def server_of(
    dispatcher: FakeDispatcher, caller: Actor | Exception = WRITER, registry: Mapping[str, UseCase] = REGISTRY
) -> StoaServer:
    async def actor_of() -> Actor:
        if isinstance(caller, Exception):
            raise caller
        return caller

    return build_server(registry=registry, dispatcher=dispatcher, actor_of=actor_of, observe=dispatcher.observe)


def text_of(result: CallToolResult) -> dict[str, object]:
    """Read the text that every client understands."""
    content = result.content[0]
    assert isinstance(content, TextContent)
    read: dict[str, object] = json.loads(content.text)
    return read


@MODES
async def test_a_call_runs_the_use_case(mode: str) -> None:
    """Arguments become the command, the answer comes as structure and as text, in both generations of the protocol."""
    dispatcher = FakeDispatcher(answer=Outcome({**THING, "created_at": datetime(2030, 1, 1, tzinfo=UTC)}))
    async with Client(server_of(dispatcher), mode=mode) as client:
        result = await client.call_tool("things_create", {**NEW, "idempotency_key": "k-1"})
    assert not result.is_error
    assert result.structured_content == THING
    assert text_of(result) == THING
    ran = dispatcher.ran[0]
    assert isinstance(ran.command, CreateThing)
    assert ran.command.price == Money(1250, "EUR")
    assert (ran.call.actor, ran.call.idempotency_key) == (WRITER, "k-1")
    assert dispatcher.observed == [("things.create", "mcp", "ok")]


@MODES
async def test_only_what_the_scopes_allow_is_listed(mode: str) -> None:
    """Public tools are for everybody, internal ones for nobody."""
    registry = {**REGISTRY, "things.seal": replace(REGISTRY["things.get"], name="things.seal", internal="a reason")}
    async with Client(server_of(FakeDispatcher(), READER, registry), mode=mode) as client:
        listed = await client.list_tools()
    assert {tool.name for tool in listed.tools} == {"things_list", "things_get", "things_open"}


async def test_a_tool_that_is_not_listed_is_refused() -> None:
    """Knowing a name gives no right, and nothing about the arguments is told."""
    dispatcher = FakeDispatcher()
    async with Client(server_of(dispatcher, READER)) as client:
        result = await client.call_tool("things_create", {"nonsense": 1})
    assert result.is_error
    assert text_of(result)["code"] == "scope_missing"
    assert text_of(result)["errors"] == []
    assert not dispatcher.ran


async def test_a_public_tool_is_run_as_the_public() -> None:
    """As over HTTP, a credential does not change the answer."""
    dispatcher = FakeDispatcher()
    async with Client(server_of(dispatcher)) as client:
        await client.call_tool("things_open", {"slug": "x"})
    assert dispatcher.ran[0].call.actor is PUBLIC_ACTOR


async def test_all_problems_come_at_once() -> None:
    """Those of the key are among them, and the input is not repeated."""
    dispatcher = FakeDispatcher()
    async with Client(server_of(dispatcher)) as client:
        result = await client.call_tool("things_create", {"quantity": 0, "name": "<secret>", "idempotency_key": 7})
    assert result.is_error
    problem = text_of(result)
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert {error["path"] for error in errors} == {"idempotency_key", "name", "price", "quantity"}
    assert "secret" not in json.dumps(problem)
    assert dispatcher.observed == [("things.create", "mcp", "validation_error")]


@pytest.mark.parametrize("error", [NotFound(), Conflict("Two at once.")])
async def test_a_failure_is_a_result_with_the_problem(error: NotFound | Conflict) -> None:
    """The model can read it and do better; its members are those of HTTP without the status."""
    dispatcher = FakeDispatcher(answer=error)
    async with Client(server_of(dispatcher)) as client:
        result = await client.call_tool("things_get", {"id": LINK})
    assert result.is_error
    problem = text_of(result)
    assert problem.keys() == {"type", "title", "detail", "code", "request_id", "errors"}
    assert (problem["code"], problem["detail"]) == (error.code, error.message)


@MODES
async def test_a_bug_tells_nothing(mode: str) -> None:
    """Neither a call nor a listing shows what went wrong inside."""
    broken = FakeDispatcher(answer=RuntimeError("password=hunter2"))
    async with Client(server_of(broken), mode=mode) as client:
        result = await client.call_tool("things_get", {"id": LINK})
    assert text_of(result)["code"] == "internal_error"
    assert "hunter2" not in result.model_dump_json()
    async with Client(server_of(FakeDispatcher(), RuntimeError("password=hunter2")), mode=mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.list_tools()
    assert "hunter2" not in str(caught.value)


async def test_a_caller_without_credentials_gets_nothing() -> None:
    """Over standard input and output, too, somebody has to be behind a call."""
    async with Client(server_of(FakeDispatcher(), Unauthenticated())) as client:
        with pytest.raises(MCPError):
            await client.list_tools()
        result = await client.call_tool("things_get", {"id": LINK})
    assert text_of(result)["code"] == "unauthenticated"


async def test_an_unknown_tool_is_an_error_of_the_protocol() -> None:
    """There is nothing a model could read that would make it exist."""
    async with Client(server_of(FakeDispatcher())) as client:
        with pytest.raises(MCPError):
            await client.call_tool("things_burn", {})


async def test_hints_say_what_a_tool_may_do() -> None:
    """A client asks its person before what destroys, and retries freely what only reads."""
    registry = {**REGISTRY, "things.delete": replace(REGISTRY["things.delete"], destructive=True)}
    async with Client(server_of(FakeDispatcher(), registry=registry)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations is not None}
    assert hints["things_list"].read_only_hint
    assert hints["things_delete"].destructive_hint
    assert hints["things_pay"].idempotent_hint
    assert hints["things_update"].idempotent_hint
    assert not hints["things_create"].idempotent_hint
    assert "idempotency_key" in tools["things_pay"].input_schema["required"]
    assert "idempotency_key" not in tools["things_create"].input_schema["required"]
    assert "idempotency_key" not in tools["things_list"].input_schema["properties"]


async def test_the_whole_registry_has_valid_schemas() -> None:
    """Every public use-case is a tool, with the docstring as its description."""
    registry = registered()
    async with Client(server_of(FakeDispatcher(), operator(), registry)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    expected = {name.replace(".", "_"): u for name, u in registry.items() if u.internal is None}
    assert tools.keys() == expected.keys()
    for name, tool in tools.items():
        assert tool.description == expected[name].doc
        assert tool.input_schema["type"] == "object"
        assert tool.output_schema is not None
        Draft202012Validator.check_schema(tool.input_schema)
        Draft202012Validator.check_schema(tool.output_schema)
