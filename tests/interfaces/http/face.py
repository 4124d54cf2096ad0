"""The HTTP face over the toy registry, with a dispatcher that only remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.types import ASGIApp

from application.kernel.actor import Actor, ActorKind, Scope
from application.kernel.dispatcher import Call, Outcome
from application.kernel.wire import Wire
from domain.shared.errors import Forbidden, Unauthenticated
from domain.shared.ids import OrganizationId
from interfaces.http.app import create_app
from tests.interfaces.toy import REGISTRY, ROWS

LINK = "plink_01m7xqdwdxecebcwzk30ktqpss"
VIEW: dict[str, Wire] = {
    "id": LINK,
    "version": 3,
    "name": "A thing",
    "price": {"amount": 1250, "currency": "EUR"},
    "kind": "one_off",
    "metadata": {},
    "created_at": datetime(2030, 1, 1, tzinfo=UTC),
}
ACTOR = Actor(kind=ActorKind.API_KEY, id="key_x", organization_id=OrganizationId(UUID(int=1)), scopes=frozenset(Scope))


@dataclass
class Behind:
    """What the face talks to: it answers with ``outcome``, or raises it."""

    outcome: Outcome | Exception = field(default_factory=lambda: Outcome(VIEW))
    checks: Mapping[str, str] = field(default_factory=lambda: {"database": "ok", "broker": "degraded: down"})
    mcp_app: ASGIApp | None = None
    calls: list[tuple[str, Any, Call]] = field(default_factory=list)
    observed: list[tuple[str, str, str]] = field(default_factory=list)
    named: list[OrganizationId | None] = field(default_factory=list)

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        self.calls.append((name, command, call))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def authenticate(self, token: str, organization_id: OrganizationId | None) -> Actor:
        self.named.append(organization_id)
        if token == "reader":
            return Actor(kind=ACTOR.kind, id="key_y", organization_id=ACTOR.organization_id, scopes=frozenset())
        if token == "stopped":
            raise Forbidden
        if token != "secret":
            raise Unauthenticated
        return ACTOR

    async def readiness(self) -> Mapping[str, str]:
        return self.checks

    def observe(self, name: str, face: str, code: str, seconds: float) -> None:
        assert seconds >= 0
        self.observed.append((name, face, code))

    def app(self) -> FastAPI:
        return create_app(
            registry=REGISTRY, dispatcher=self.dispatch, authenticate=self.authenticate, readiness=self.readiness,
            metrics=lambda: b"up 1\n", metrics_content_type="text/plain; version=0.0.4", observe=self.observe,
            routes=ROWS, mcp_app=self.mcp_app,
        )  # fmt: skip


def client_of(behind: Behind) -> AsyncClient:
    """Return a client with good credentials."""
    headers = {"Authorization": "Bearer secret"}
    return AsyncClient(transport=ASGITransport(behind.app()), base_url="http://stoa", headers=headers)


def check_problem(response: Response, status: int, code: str) -> dict[str, Any]:
    """Check everything that problems have in common."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert body["type"] == f"urn:stoa:error:{code}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body
