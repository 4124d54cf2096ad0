"""Composes the HTTP face on the container."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from infrastructure.bounded_http import EARLY
from infrastructure.collector import for_good
from infrastructure.container import Container
from infrastructure.health import Health
from interfaces.http.app import create_app
from interfaces.http.early import EarlyRefusals
from interfaces.http.later import IFace, Later
from interfaces.http.limits import Limited
from interfaces.http.notices import ProviderNotices
from interfaces.http.router import IEndpoint
from interfaces.http.strict_transport import STRICT_TRANSPORT, StrictTransport
from interfaces.http.vitals import create_vitals
from interfaces.schema.charges import Charge
from interfaces.web.app import Beside
from interfaces.web.main import build_web


def _notices(container: Container) -> dict[str, IEndpoint]:
    """Return where payment providers send their notices; the sandbox sends none."""
    reader = container.stripe_notices()
    if reader is None:
        return {}
    endpoint = ProviderNotices(reader.provider, reader.read, container.admitted_dispatcher(), container.calls().observe)
    return {"/webhooks/stripe": endpoint}


def _exposition(container: Container) -> bytes:
    """Return the metrics, with those that are only read when somebody asks."""
    metrics = container.metrics()
    for name in ("database", "relay_database", "sealer_database"):
        metrics.set_pool(name, **getattr(container, name)().pool_state())
    metrics.set_in_flight(container.admission().in_flight)
    rendered: bytes = metrics.render()
    return rendered


def _mcp(container: Container, charge: Charge) -> IFace:
    """Return what answers below ``/mcp/``; its library is a sixth of all that a server imports."""
    with for_good():
        from interfaces.mcp.main import http_app  # noqa: PLC0415 - see above

        return http_app(container, charge)


def build_vitals(container: Container, health: Health) -> ASGIApp:
    """Return what a worker shows of itself: health and metrics."""
    return create_vitals(health, lambda: _exposition(container), container.metrics().content_type)


def build_app(container: Container, health: Health) -> ASGIApp:
    """Return the application: the registry's routes, health, metrics, MCP below ``/mcp/``, and beside it the pages."""
    limits = Limited(container.rate_limits(), container.settings().trusted_proxies)
    encrypted = container.settings().public_url.startswith("https://")
    early = EarlyRefusals(
        container.admission(), limits, draining=lambda: health.draining, more=[STRICT_TRANSPORT] if encrypted else []
    )
    mcp = Later(lambda: _mcp(container, limits.charge))

    async def readiness() -> Mapping[str, str]:
        return {**await health(), "mcp": mcp.state}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with mcp.running():
            yield {EARLY: early}

    api = create_app(
        registry=container.registry(),
        dispatcher=container.admitted_dispatcher(),
        authenticate=container.authenticator(),
        readiness=readiness,
        metrics=lambda: _exposition(container),
        metrics_content_type=container.metrics().content_type,
        observe=container.calls().observe,
        lifespan=lifespan,
        mcp_app=mcp,
        notices=_notices(container),
        admit=container.admission(),
        charge=limits.charge,
        around=container.spans().request,
    )
    app = limits.around(Beside(api, build_web(container, limits.charge)))
    return StrictTransport(app) if encrypted else app
