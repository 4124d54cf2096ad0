"""What machines ask about a process: whether it lives, whether it is ready, and its numbers."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from domain.shared.errors import Unavailable
from interfaces.http.envelope import Envelope
from interfaces.http.errors import translate

type Readiness = Callable[[], Awaitable[Mapping[str, str]]]


class NotReady(Unavailable):
    """Something that requests need is missing; the details say what."""

    code = "not_ready"
    summary = "The service is not ready."


def vital_routes(readiness: Readiness, metrics: Callable[[], bytes], metrics_content_type: str) -> list[Route]:
    """Return ``/livez``, which touches nothing, ``/readyz`` and ``/metrics``."""

    async def livez(_request: Request) -> Response:
        return Response(b'{"status":"alive"}', media_type="application/json")

    async def readyz(_request: Request) -> Response:
        checks = await readiness()
        missing = {name: state for name, state in checks.items() if not state.startswith(("ok", "degraded"))}
        if missing:
            raise NotReady("; ".join(f"{name}: {state}" for name, state in missing.items()))
        return Response(msgspec.json.encode({"status": "ready", "checks": checks}), media_type="application/json")

    async def exposition(_request: Request) -> Response:
        return Response(metrics(), headers={"content-type": metrics_content_type})

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", exposition)]


def create_vitals(readiness: Readiness, metrics: Callable[[], bytes], metrics_content_type: str) -> ASGIApp:
    """Return the application of a process that serves nothing else."""
    routes = vital_routes(readiness, metrics, metrics_content_type)
    return Starlette(
        routes=routes, middleware=[Middleware(Envelope)], exception_handlers={HTTPException: translate}
    )  # fmt: skip
