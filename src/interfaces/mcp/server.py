"""The MCP face: the registry as tools, for whoever is calling."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

from mcp import MCPError, types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from application.kernel.actor import PUBLIC_ACTOR, Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase
from application.kernel.wire import Wire
from domain.shared.errors import StoaError
from interfaces.mcp.payments import payment_in, with_payment
from interfaces.mcp.results import failure, success
from interfaces.mcp.tools import UseCaseTool, read_tools
from interfaces.schema.problems import InternalError

type Dispatch = Callable[[str, object, Call], Awaitable[Outcome]]
type ActorOf = Callable[[], Awaitable[Actor]]
type Observe = Callable[[str, str, str, float], None]
type Context = ServerRequestContext[dict[str, object]]
type StoaServer = Server[dict[str, object]]

REQUEST_ID: ContextVar[str | None] = ContextVar("mcp_request_id", default=None)
"""The id that the transport gave the request; without one, every call gets its own."""

_LOG = logging.getLogger(__name__)
_INSTRUCTIONS = (
    'Ids are typed text such as "prod_…". Money is {"amount": 1250, "currency": "EUR"} in minor units: 12.50 EUR. '
    "Lists come in pages: pass next_cursor as cursor for the next one. A change of something that exists names the "
    "version that was read as expected_version; on version_stale, read again. Repeat a call whose outcome is unknown "
    "with the same idempotency_key. A failed call says why as JSON with a stable code."
)


def build_server(
    *,
    registry: Mapping[str, UseCase],
    dispatcher: Dispatch,
    actor_of: ActorOf,
    observe: Observe,
    version: str = "",
) -> StoaServer:
    """Build the server, for any transport.

    Args:
        registry: all use-cases; internal ones are left out.
        dispatcher: runs a use-case by name.
        actor_of: returns who is calling, or raises ``Unauthenticated``; asked once per request.
        observe: is told the use-case, the face, ``ok`` or the error's code, and the seconds it took.
        version: of Stoa, as clients are told.

    Raises:
        TypeError: a command or a view has a field without a schema.
    """
    face = _Face(read_tools(registry), dispatcher, actor_of, observe)
    return Server(
        "stoa",
        version=version,
        title="Stoa",
        instructions=_INSTRUCTIONS,
        on_list_tools=face.list_tools,
        on_call_tool=face.call_tool,
    )


class _Face:
    def __init__(
        self, tools: Mapping[str, UseCaseTool], dispatcher: Dispatch, actor_of: ActorOf, observe: Observe
    ) -> None:
        self._tools = tools
        self._dispatch = dispatcher
        self._actor_of = actor_of
        self._observe = observe

    async def list_tools(self, _ctx: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Show what the caller's scopes allow."""
        request_id = _request_id()
        try:
            actor = await self._actor_of()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told nothing else
            raise MCPError(types.INTERNAL_ERROR, _named(error, request_id).message) from None
        visible = [tool.definition for tool in self._tools.values() if tool.visible_to(actor)]
        return types.ListToolsResult(tools=visible)

    async def call_tool(self, _ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run one use-case."""
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, "There is no such tool.")
        request_id, started = _request_id(), perf_counter()
        code = "ok"
        try:
            arguments = with_payment(tool, params)
            body = await self._run(tool, arguments, request_id)
            return success(body, payment_in(arguments) if tool.payable else None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told nothing else
            named = _named(error, request_id)
            code = named.code
            return failure(named, request_id, tool.name)
        finally:
            self._observe(tool.use_case.name, "mcp", code, perf_counter() - started)

    async def _run(self, tool: UseCaseTool, arguments: Mapping[str, object], request_id: str) -> Wire:
        """Refuse in the same order as HTTP: who, may they, then the command itself."""
        # Public use-cases find their tenant by what they look up, so that a credential must not change the answer.
        actor = PUBLIC_ACTOR if tool.use_case.public else await self._actor_of()
        actor.require(tool.use_case.scope)
        command, key = tool.read(arguments)
        call = Call(actor=actor, request_id=request_id, idempotency_key=key)
        return (await self._dispatch(tool.use_case.name, command, call)).body


def _named(error: Exception, request_id: str) -> StoaError:
    if isinstance(error, StoaError):
        return error
    _LOG.error("tool failed", exc_info=error, extra={"request_id": request_id})
    return InternalError()


def _request_id() -> str:
    return REQUEST_ID.get() or str(uuid4())
