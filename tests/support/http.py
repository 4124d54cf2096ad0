"""The HTTP face on a real core: requests are made from a use-case's name and its outside fields."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import ModuleType
from typing import cast
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from interfaces.http.app import create_app
from interfaces.http.operation import Operation, read_operations
from interfaces.http.router import IEndpoint
from interfaces.http.routes import ROUTES
from tests.support.stack import Stack

# The client looks for another library's loop at every request, which takes a fifth of it.
sys.modules.setdefault("sniffio", cast("ModuleType", None))


def app_of(stack: Stack, notices: Mapping[str, IEndpoint] | None = None) -> FastAPI:
    """Build the application on a stack, as the container does."""

    async def readiness() -> Mapping[str, str]:
        return {"database": "ok"}

    return create_app(
        registry=stack.registry,
        dispatcher=stack.dispatcher,
        authenticate=stack.authenticate,
        readiness=readiness,
        metrics=lambda: b"",
        metrics_content_type="text/plain; version=0.0.4",
        observe=stack.observe,
        notices=notices,
        around=stack.spans.request,
    )


class HttpFace:
    """A client that knows where every use-case lives."""

    def __init__(self, stack: Stack, client: AsyncClient) -> None:
        """Read the routes once."""
        self.client = client
        self.operations: dict[str, Operation] = {
            operation.use_case.name: operation for operation in read_operations(ROUTES, stack.registry)
        }

    async def send(
        self,
        name: str,
        fields: Mapping[str, object],
        *,
        key: str | None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Response:
        """Send one use-case's fields where its route wants them: path, query or body, and the version in If-Match.

        Args:
            name: the use-case.
            fields: its outside fields.
            key: the secret of an API key; None sends no credentials.
            headers: more headers, which win.
            idempotency_key: where money moves, a random one unless it is given.
        """
        operation = self.operations[name]
        rest = dict(fields)
        path = operation.path.format_map({field: rest.pop(field) for field in operation.path_fields})
        sent = {"authorization": f"Bearer {key}"} if key is not None else {}
        if operation.versioned and (version := rest.pop("expected_version", None)) is not None:
            sent["if-match"] = f'"{version}"'
        if idempotency_key is not None or operation.use_case.money:
            sent["idempotency-key"] = str(uuid4()) if idempotency_key is None else idempotency_key
        sent.update(headers or {})
        body = rest if operation.has_body else None
        query = None if operation.has_body else {name: _texts(value) for name, value in rest.items()}
        raw = {name.encode(): value.encode("latin-1") for name, value in sent.items()}
        return await self.client.request(operation.method, f"/v1{path}", json=body, params=query, headers=raw)


def _texts(value: object) -> str | list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


@asynccontextmanager
async def http_face(stack: Stack) -> AsyncIterator[HttpFace]:
    """Open a client on an application of its own."""
    async with AsyncClient(transport=ASGITransport(app_of(stack)), base_url="http://stoa.test") as client:
        yield HttpFace(stack, client)
