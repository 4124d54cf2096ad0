"""A list of 100 as HTTP bytes, in process and without a database: what the face itself costs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from fastapi import FastAPI, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict
from starlette.types import ASGIApp, Message, Scope

from application.catalog.products import ProductView
from application.kernel.actor import Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.page import ListView
from application.kernel.wire import encoder
from benchmarks import facts
from benchmarks.arena import Arena
from benchmarks.measure import compare
from benchmarks.report import Figure, Row, at_least, at_most
from benchmarks.stoa import Stoa
from domain.catalog.product import Product
from domain.shared.ids import OrganizationId, encode_id
from domain.shared.page import Page
from infrastructure.observability.metrics import CONTENT_TYPE, Metrics
from interfaces.http.app import create_app
from interfaces.http.endpoint import Authenticate

PATH = "/v1/products"


async def answers(arena: Arena) -> list[Row]:
    """Measure three applications that answer the same bytes."""
    products = [facts.new_product(arena.ground.seeded.organization_id) for _ in range(100)]
    apps = {
        "raw": _msgspec_app(products),
        "peer": _response_model_app(products),
        "Stoa": stoa_app(arena.stoa, _dispatcher(products), _authenticator(arena.stoa.call.actor)),
    }
    bodies = {name: msgspec.json.decode(await request(app)) for name, app in apps.items()}
    assert bodies["raw"] == bodies["peer"] == bodies["Stoa"]
    series = await compare(
        "answer a list of 100",
        {name: partial(request, app) for name, app in apps.items()},
        rounds=arena.scale.rounds(60),
        number=10,
    )
    return [
        Row(
            "list 100 to HTTP bytes, no database (msgspec route, response_model)",
            Figure.of(series.ratio("Stoa", "raw"), at_most(1.2)),
            Figure.of(series.ratio("peer", "Stoa"), at_least(3)),
            series.micros(),
        )
    ]


async def request(app: ASGIApp) -> bytes:
    """Ask an application for the list, as a server would, and return the body."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": PATH, "raw_path": PATH.encode(), "query_string": b"limit=100", "root_path": "",
        "headers": [(b"host", b"localhost"), (b"authorization", b"Bearer anything")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    body: bytes = sent[1]["body"]
    return body


class ProductStruct(msgspec.Struct, frozen=True, gc=False):
    """What the fastest route encodes."""

    id: str
    version: int
    name: str
    sku: str | None
    description: str
    metadata: dict[str, str | int | bool]
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ProductOut(BaseModel):
    """What a route with ``response_model`` validates and dumps."""

    model_config = ConfigDict(from_attributes=True)
    id: Annotated[str, BeforeValidator(lambda id_: encode_id("prod", id_))]
    version: int
    name: str
    sku: str | None
    description: str
    metadata: dict[str, str | int | bool]
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ProductsOut(BaseModel):
    """A page of them."""

    model_config = ConfigDict(from_attributes=True)
    data: list[ProductOut]
    next_cursor: str | None


def struct(p: Product) -> ProductStruct:
    """Show an entity, by position."""
    return ProductStruct(
        encode_id("prod", p.id), p.version, p.name, p.sku, p.description, p.metadata, p.deleted_at, p.created_at,
        p.updated_at,
    )  # fmt: skip


def _msgspec_app(products: Sequence[Product]) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get(PATH)
    async def _list(limit: int) -> Response:
        body = {"data": [struct(product) for product in products[:limit]], "next_cursor": None}
        return Response(msgspec.json.encode(body), media_type="application/json")

    return app


def _response_model_app(products: Sequence[Product]) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get(PATH, response_model=ProductsOut)
    async def _list(limit: int) -> object:
        return {"data": products[:limit], "next_cursor": None}

    return app


def _dispatcher(products: list[Product]) -> Callable[[str, object, Call], Awaitable[Outcome]]:
    """Do what the use-case and the dispatcher do once the entities are there."""
    encode = encoder(ListView[ProductView])
    assert encode is not None

    async def dispatch(_name: str, _command: object, _call: Call) -> Outcome:
        return Outcome(encode(ListView.of(Page(items=products), ProductView.of)))

    return dispatch


def _authenticator(actor: Actor) -> Authenticate:
    async def authenticate(_token: str, _organization_id: OrganizationId | None = None) -> Actor:
        return actor

    return authenticate


def stoa_app(
    stoa: Stoa,
    dispatch: Callable[[str, object, Call], Awaitable[Outcome]],
    authenticate: Authenticate,
) -> FastAPI:
    """Return Stoa's own application."""
    metrics = Metrics()

    async def readiness() -> dict[str, str]:
        return {}

    return create_app(
        registry=stoa.registry, dispatcher=dispatch, authenticate=authenticate, readiness=readiness,
        metrics=metrics.render, metrics_content_type=CONTENT_TYPE, observe=metrics.observe_use_case,
    )  # fmt: skip
