"""Composes the HTTP face on the container."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from infrastructure.container import Container
from infrastructure.lifecycle import Health
from interfaces.http.app import create_app
from interfaces.mcp.main import http_app


def build_app(container: Container, health: Health) -> FastAPI:
    """Return the application: the registry's routes, health, metrics and MCP below ``/mcp/``."""
    mcp = http_app(container)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.running():
            yield

    def exposition() -> bytes:
        metrics = container.metrics()
        for name in ("database", "relay_database", "sealer_database"):
            metrics.set_pool(name, **getattr(container, name)().pool_state())
        rendered: bytes = metrics.render()
        return rendered

    return create_app(
        registry=container.registry(),
        dispatcher=container.dispatcher(),
        authenticate=container.authenticator(),
        readiness=health,
        metrics=exposition,
        metrics_content_type=container.metrics().content_type,
        observe=container.calls().observe,
        lifespan=lifespan,
        mcp_app=mcp,
    )
