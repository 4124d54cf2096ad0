"""The command line and MCP on a real core, as :mod:`tests.support.http` is the HTTP face."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from click.testing import CliRunner
from mcp import Client
from mcp.types import TextContent

from application.kernel.actor import Actor
from application.kernel.dispatcher import Call, Outcome
from domain.shared.ids import OrganizationId
from interfaces.cli.app import stoa
from interfaces.cli.errors import flag_of
from interfaces.cli.session import Session
from interfaces.mcp.server import build_server
from tests.support.http import HttpFace
from tests.support.stack import Stack

EXIT_CODES = {400: 2, 422: 2, 404: 3, 409: 4, 412: 4, 401: 5, 403: 5, 429: 6, 503: 6, 500: 70}
"""What programs were promised, by the status that HTTP gives the same failure."""

type Json = dict[str, Any]  # reason: whatever a face says


@dataclass(frozen=True, slots=True)
class Answer:
    """What a face said: the answer, or what a problem document has to say (``code``, ``detail``, ``errors``)."""

    body: Json
    failed: bool = False


async def over_http(http: HttpFace, name: str, fields: Mapping[str, object], key: str) -> Answer:
    """Run a use-case over HTTP."""
    response = await http.send(name, fields, key=key)
    return Answer(response.json(), failed=not response.is_success)


async def over_mcp(stack: Stack, name: str, fields: Mapping[str, object], key: str) -> Answer:
    """Run a use-case with the official client, in memory.

    The server offers this one tool: the client asks for all there are before it believes an answer, which takes ten
    times as long as the call.
    """

    async def actor_of() -> Actor:
        return await stack.authenticate(key)

    offered = {name: stack.registry[name]}
    server = build_server(registry=offered, dispatcher=stack.dispatcher, actor_of=actor_of, observe=lambda *_: None)
    money = {"idempotency_key": str(uuid4())} if stack.registry[name].money else {}
    async with Client(server) as client:
        result = await client.call_tool(name.replace(".", "_"), {**fields, **money})
    content = result.content[0]
    assert isinstance(content, TextContent)
    body: Json = json.loads(content.text)
    assert result.is_error or body == result.structured_content
    return Answer(body, failed=bool(result.is_error))


@dataclass(frozen=True, slots=True)
class CliRun:
    """What a program reads of a command: the exit code, standard output and standard error."""

    exit_code: int
    out: str
    err: str

    @property
    def body(self) -> Json:
        """Return the answer."""
        body: Json = json.loads(self.out)
        return body

    def says(self, problem: Json) -> bool:
        """Say whether a failure was told as this problem document tells it: exit code, and the code or each field."""
        lines = self.err.splitlines()
        if problem["errors"]:
            told = all(any(_tells(line, error) for line in lines) for error in problem["errors"])
        else:
            told = any(problem["detail"] in line and f"({problem['code']}" in line for line in lines)
        return told and not self.out and self.exit_code == EXIT_CODES[problem["status"]]


def _tells(line: str, error: Json) -> bool:
    # The command line counts the rows of an import from one, as people do.
    rows, _, rest = error["path"].removeprefix("rows.").partition(".")
    of_row = error["path"].startswith("rows.") and rows.isdecimal() and f"row {int(rows) + 1}, {rest}" in line
    return error["message"] in line and (of_row or flag_of(error["path"]) in line or error["path"] in line)


class _Elsewhere:
    """The core as a command sees it, which runs a loop of its own while the pools belong to the tests' loop."""

    def __init__(self, stack: Stack, loop: asyncio.AbstractEventLoop) -> None:
        self._stack = stack
        self._loop = loop

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator["_Elsewhere"]:
        yield self

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        return await self._there(self._stack.dispatcher(name, command, call))

    async def authenticate(self, secret: str, organization_id: OrganizationId | None = None) -> Actor:
        return await self._there(self._stack.authenticate(secret, organization_id))

    async def organization(self, given: str | None) -> OrganizationId:
        raise AssertionError(f"a key says which organization it is, {given} was asked for")

    def _there[T](self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


async def over_cli(stack: Stack, name: str, fields: Mapping[str, object], key: str) -> CliRun:
    """Run a use-case on the command line: text as flags, everything else as JSON."""
    elsewhere = _Elsewhere(stack, asyncio.get_running_loop())
    flags = {field: value for field, value in fields.items() if isinstance(value, str) and field != "surprise"}
    rest = {field: value for field, value in fields.items() if field not in flags}
    arguments = ["run", name, "-o", "json", "--json", json.dumps(rest)]
    arguments += [word for field, value in flags.items() for word in (f"--{field.replace('_', '-')}", value)]
    if stack.registry[name].money:
        arguments += ["--idempotency-key", str(uuid4())]
    session = Session(lambda: elsewhere, lambda: stack.registry)
    result = await asyncio.to_thread(
        CliRunner().invoke, stoa, arguments, obj=session, env={"STOA_API_KEY": key}
    )  # fmt: skip
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CliRun(result.exit_code, result.stdout, result.stderr)
