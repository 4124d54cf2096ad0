"""MCP over streamable HTTP, without sessions: every request carries its own credentials and gets one JSON answer."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import INVALID_PARAMS
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from application.kernel.actor import Actor
from application.kernel.limits import Admit, Importance, admit_all
from domain.shared.errors import MalformedInput, NotFound, Unauthenticated, Unavailable
from domain.shared.ids import InvalidId, OrganizationId, decode_id
from interfaces.mcp.server import REQUEST_ID, StoaServer
from interfaces.schema.charges import Charge, charge_nothing, charged
from interfaces.schema.json_text import decode_json

type Authenticate = Callable[[str, OrganizationId | None], Awaitable[Actor]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_BODY = 1024 * 1024

_ACTOR: ContextVar[Actor] = ContextVar("mcp_actor")
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]{1,512}) *")


class UnknownPath(NotFound):
    """Only the root of the mount is served."""

    code = "path_unknown"
    summary = "There is nothing at this path."


class _ParamsInvalid(Exception):
    """The parameters of a call are no object; ``id`` is the call's."""

    def __init__(self, id_: object) -> None:
        super().__init__()
        self.id = id_


async def current_actor() -> Actor:
    """Return who sent the request that is being served; the ``actor_of`` of servers behind :class:`McpApp`.

    Raises:
        Unauthenticated: no request is being served.
    """
    actor = _ACTOR.get(None)
    if actor is None:
        raise Unauthenticated
    return actor


class McpApp:
    """An ASGI application to mount at ``/mcp``. Refusals are raised: the envelope around all faces answers them.

    Args:
        server: made with ``actor_of=current_actor``.
        authenticate: turns a bearer token, and the organization named beside it, into a caller; raises
            ``Unauthenticated``, or ``NotFound`` for an organization that is not the caller's.
        hosts: names by which the server may be called, with any port or none. A page that a browser was tricked into
            resolving here sends another one. None allows all, for a server behind a proxy that checks them.
        admit: has room for finding out who calls; the server's dispatcher asks by itself.
        charge: counts a request against its caller's limits.
    """

    def __init__(
        self, server: StoaServer, authenticate: Authenticate, hosts: Sequence[str] | None = LOOPBACK, *,
        admit: Admit = admit_all, charge: Charge = charge_nothing,
    ) -> None:  # fmt: skip
        """Prepare; nothing is served before :meth:`running`."""
        self._server = server
        self._authenticate = authenticate
        self._admit = admit
        self._charge = charge
        self._security = _security(hosts)
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve while this is entered; the HTTP application's lifespan does it. It can be entered again later."""
        manager = StreamableHTTPSessionManager(
            self._server,
            json_response=True,
            stateless=True,
            security_settings=self._security,
            max_request_body_size=MAX_BODY,
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            MalformedInput: the body is no JSON-RPC message, or the named organization is none.
            Unauthenticated: there is no bearer token, or nobody has it.
            RateLimited: the caller has used up one of its limits.
            UnknownPath: the path goes on below the mount.
            Unavailable: the application is not running, or has no room for the request.
        """
        if scope["path"].removeprefix(scope.get("root_path", "")).strip("/"):
            raise UnknownPath
        if scope["method"] != "POST":
            # There are no sessions to listen to or to end.
            await Response(status_code=405, headers={"allow": "POST"})(scope, receive, send)
            return
        if self._manager is None:
            raise Unavailable
        actor = _ACTOR.set(await charged(self._charge, scope, self._caller(scope)))
        request_id = REQUEST_ID.set(scope.get("state", {}).get("request_id"))
        try:
            await self._manager.handle_request(scope, await _read(receive), send)
        except _ParamsInvalid as error:
            await _refusal(error.id)(scope, receive, send)
        finally:
            REQUEST_ID.reset(request_id)
            _ACTOR.reset(actor)

    async def _caller(self, scope: Scope) -> Actor:
        # Which tool is called is told by the body, which is read for those only who are known. Until then they are
        # admitted as writes are: reads would be refused too early, and the rest is for what moves money.
        with self._admit(Importance.WRITE):
            return await self._authenticate(_token(scope), _organization(scope))


def _refusal(id_: object) -> Response:
    """Refuse as the protocol does; its own parser would repeat what it was sent."""
    error = {"code": INVALID_PARAMS, "message": "The params of a message are an object."}
    return JSONResponse({"jsonrpc": "2.0", "id": id_, "error": error}, status_code=400)


def _token(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    if found is None:
        raise Unauthenticated
    return found[1].decode()


def _organization(scope: Scope) -> OrganizationId | None:
    given = [value for name, value in scope["headers"] if name == b"stoa-organization"]
    if not given:
        return None
    try:
        return OrganizationId(decode_id("org", b",".join(given).decode("latin-1").strip(" \t")))
    except InvalidId:
        raise MalformedInput("Stoa-Organization is the id of one organization.") from None


async def _read(receive: Receive) -> Receive:
    """Read the body by our own rules first: the protocol's own parser lets duplicate keys pass and echoes its input.

    Raises:
        MalformedInput: the body is no JSON text as we read it, or no message at all.
    """
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    decoded = decode_json(body)
    if not (isinstance(decoded, dict) and decoded.get("jsonrpc") == "2.0" and isinstance(decoded.get("method"), str)):
        raise MalformedInput("A JSON-RPC 2.0 message is an object with a method.")
    id_ = decoded.get("id", 0)
    if isinstance(id_, bool) or not isinstance(id_, int | str):
        # The protocol's own parser takes it for a notification, which nobody answers.
        raise MalformedInput("The id of a JSON-RPC 2.0 message is a string or an integer.")
    if not isinstance(decoded.get("params", {}), dict):
        raise _ParamsInvalid(decoded.get("id"))
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _security(hosts: Sequence[str] | None) -> TransportSecuritySettings:
    if hosts is None:
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    names = [name for host in hosts for name in (host, f"{host}:*")]
    origins = [f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    return TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)
