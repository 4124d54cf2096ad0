"""Composes the MCP face on the container."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from application.kernel.actor import Actor
from infrastructure.container import Container
from interfaces.mcp.server import Dispatch, StoaServer, build_server
from interfaces.mcp.stdio import serve_stdio
from interfaces.mcp.streamable import LOOPBACK, McpApp, current_actor
from interfaces.schema.charges import Charge


def http_app(container: Container, charge: Charge) -> McpApp:
    """Return what is mounted at ``/mcp/``; ``charge`` counts its requests.

    On loopback only loopback's own names are answered to, because any page in the same machine's browser reaches it. A
    server that listens elsewhere is called by names that only the proxy before it knows.
    """
    hosts = LOOPBACK if container.settings().host in {"127.0.0.1", "::1", "localhost"} else None
    server = server_of(container, current_actor, container.admitted_dispatcher())
    return McpApp(server, container.authenticator(), hosts, admit=container.admission(), charge=charge)


async def stdio(container: Container, actor_of: Callable[[], Awaitable[Actor]]) -> None:
    """Serve one client over standard input and output."""
    await serve_stdio(server_of(container, actor_of))


def server_of(
    container: Container, actor_of: Callable[[], Awaitable[Actor]], dispatcher: Dispatch | None = None
) -> StoaServer:
    """Return the server of one caller, for any transport; for one that serves many at once, with its ``dispatcher``."""
    return build_server(
        registry=container.registry(),
        dispatcher=dispatcher or container.dispatcher(),
        actor_of=actor_of,
        observe=container.calls().observe,
        version=version("stoa"),
    )
