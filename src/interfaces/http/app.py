"""The HTTP face: operations under ``/v1``, their description, and what machines ask about health."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp

from application.kernel.limits import Admit, admit_all
from application.kernel.use_case import UseCase
from interfaces.http.endpoint import Authenticate, Dispatch, Endpoint, Observe, Services
from interfaces.http.envelope import Around, Envelope
from interfaces.http.errors import translate
from interfaces.http.openapi import build_document
from interfaces.http.operation import Operation, read_operations
from interfaces.http.route_row import RouteRow
from interfaces.http.router import IEndpoint, Router
from interfaces.http.routes import ROUTES
from interfaces.http.vitals import Readiness, vital_routes
from interfaces.schema.charges import Charge, charge_nothing

type Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, object] | None]]

_PREFIX = "/v1"
_DOCS, _STATIC = "/docs", "/static-offline-docs"


def create_app(
    *, registry: Mapping[str, UseCase], dispatcher: Dispatch, authenticate: Authenticate, readiness: Readiness,
    metrics: Callable[[], bytes], metrics_content_type: str, observe: Observe, lifespan: Lifespan | None = None,
    mcp_app: ASGIApp | None = None, routes: Iterable[RouteRow] = ROUTES,
    notices: Mapping[str, IEndpoint] | None = None, admit: Admit = admit_all, charge: Charge = charge_nothing,
    around: Around | None = None,
) -> FastAPI:  # fmt: skip
    """Build the application.

    Args:
        registry: all use-cases; exactly those that are not internal have a row in ``routes``.
        dispatcher: runs a use-case by name.
        authenticate: turns a bearer token into a caller or raises ``Unauthenticated``.
        readiness: names each check with ``ok``, ``degraded…`` or what is wrong; it may raise ``Unavailable``.
        metrics: returns the exposition for ``/metrics``.
        metrics_content_type: its format.
        observe: is told the use-case, the face, ``ok`` or the error's code, and the seconds it took.
        lifespan: what runs around the server's life.
        mcp_app: what answers below ``/mcp/``.
        routes: the table.
        notices: by path below ``/v1``, what payment providers post their notices to; no operation of the API.
        admit: has room for finding out who calls; ``dispatcher`` asks by itself.
        charge: counts a request against its caller's limits.
        around: surrounds every request, such as with a span.

    Raises:
        DeclarationError: the table and the registry differ.
        TypeError: a command or a view has a field without a schema.
    """
    services = Services(dispatcher, authenticate, observe, admit, charge)
    app = _framework(read_operations(routes, registry), services, lifespan, notices or {}, around)
    app.router.routes += vital_routes(readiness, metrics, metrics_content_type)
    app.router.routes += [] if mcp_app is None else [Mount("/mcp", app=mcp_app)]
    return app


def _framework(
    operations: list[Operation],
    services: Services,
    lifespan: Lifespan | None,
    notices: Mapping[str, IEndpoint],
    around: Around | None,
) -> FastAPI:
    """Put the operations into the framework, which adds the page of the documentation and runs the lifespan."""
    router = Router()
    for operation in operations:
        router.add(operation.method, operation.path, Endpoint(operation, services))
    for path, endpoint in notices.items():
        router.add("POST", path, endpoint)
    document = build_document(operations, _PREFIX)
    app = FastAPIOffline(
        docs_url=_DOCS, redoc_url=None, static_url=_STATIC, title="Stoa", lifespan=lifespan, redirect_slashes=False
    )
    app.openapi = lambda: document  # type: ignore[method-assign]  # reason: the framework's documented way to do it
    # First, because the framework tries its routes in order.
    app.router.routes.insert(0, Mount(_PREFIX, app=router))
    app.add_exception_handler(HTTPException, translate)
    app.add_middleware(Envelope, pages=(_DOCS, _STATIC), direct=(_PREFIX, router), around=around)
    return app
