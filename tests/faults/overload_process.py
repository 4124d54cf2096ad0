"""The HTTP face as it is served, before use-cases that end when they are told to: ``… PORT PLACES``.

``POST /test/hold`` makes every use-case wait from then on, ``POST /test/release`` lets all of them end.
"""

import asyncio
import sys
from collections.abc import Mapping
from uuid import UUID

import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

import application
from application.kernel.actor import TENANT_SCOPES, Actor, ActorKind
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import load_registry
from domain.shared.ids import OrganizationId
from infrastructure.observability.metrics import Metrics
from infrastructure.resilience.admission import Admission, AdmittedDispatcher
from infrastructure.serving import server_config
from interfaces.http.app import create_app
from interfaces.http.responses import Answer

KEY = "a-key-that-is-known"
_ACTOR = Actor(kind=ActorKind.API_KEY, id="key_x", organization_id=OrganizationId(UUID(int=1)), scopes=TENANT_SCOPES)


class Gate:
    """What use-cases wait for."""

    def __init__(self) -> None:
        """Begin open."""
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        """Wait, and have nothing to say."""
        await self.open.wait()
        return Outcome({})

    def beside(self, app: ASGIApp) -> ASGIApp:
        """Serve what opens and closes the gate."""

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith("/test/"):
                await app(scope, receive, send)
                return
            (self.open.clear if scope["path"] == "/test/hold" else self.open.set)()
            await Answer(200, b"{}").send(send)

        return both


async def _authenticate(_token: str, _organization: OrganizationId | None) -> Actor:
    return _ACTOR


async def _ready() -> Mapping[str, str]:
    return {"database": "ok"}


async def _serve(port: int, places: int) -> None:

    gate, metrics, registry = Gate(), Metrics(), load_registry(application)
    admission = Admission(places, shed=metrics.observe_shed)

    def exposition() -> bytes:
        metrics.set_in_flight(admission.in_flight)
        return metrics.render()

    app = create_app(
        registry=registry, dispatcher=AdmittedDispatcher(gate, admission, registry),
        authenticate=_authenticate, readiness=_ready, metrics=exposition, metrics_content_type=metrics.content_type,
        observe=lambda *_: None, admit=admission,
    )  # fmt: skip
    config = server_config(gate.beside(app))
    config.port = port
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
