"""What is asked for, and of the limit instead: where it has no such route, the nearest one that it has."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from application.catalog.prices import CreatePrice
from application.catalog.products import CreateProduct
from application.identity.api_keys import CreateAPIKey
from application.kernel.actor import TENANT_SCOPES
from application.payments.payment_links import CreatePaymentLink
from benchmarks.cluster import Ground
from benchmarks.stoa import Stoa, open_stoa
from domain.shared.ids import PriceId, ProductId, decode_id, encode_id
from domain.shared.money import Money

_PATHS = 200
_PRODUCT = {"name": "Espresso blend", "sku": "LOAD-*", "description": "Dark roast.", "metadata": {"origin": "Huila"}}
_PERIOD = "since=2026-01-01T00:00:00Z&until=2026-03-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose load it is: a key, products of the organization, and the slug of an offer."""

    secret: str
    products: list[str]
    slug: str


type Paths = Callable[[Shop], list[str]]


@dataclass(frozen=True, slots=True)
class LoadRoute:
    """A route of Stoa's, and what the limit is asked for beside it."""

    name: str
    method: str
    paths: Paths
    raw: Paths
    body: str | None = None


def _one(shop: Shop) -> list[str]:
    return [f"/v1/products/{each}" for each in shop.products]


def _page(_: Shop) -> list[str]:
    return ["/v1/products?limit=50"]


def _create(_: Shop) -> list[str]:
    return ["/v1/products"]


ROUTES = (
    LoadRoute("GET /v1/products/{id}", "GET", _one, _one),
    LoadRoute("GET /v1/products?limit=50", "GET", _page, _page),
    LoadRoute("POST /v1/products (event, audit entry)", "POST", _create, _create, json.dumps(_PRODUCT)),
    LoadRoute("GET /v1/pay/{slug} (cached; raw: one product)", "GET", lambda shop: [f"/v1/pay/{shop.slug}"], _one),
    LoadRoute(
        "GET /v1/payment-orders/statistics (cached; raw: one product)", "GET",
        lambda _: [f"/v1/payment-orders/statistics?{_PERIOD}"], _one,
    ),
)  # fmt: skip


async def open_shop(ground: Ground) -> Shop:
    """Make the key and the offer by Stoa itself."""
    seeded = ground.seeded
    async with open_stoa(ground.app, seeded.organization_id) as stoa:
        key = CreateAPIKey(name="Load", scopes=sorted(TENANT_SCOPES), expires_at=None)
        secret = await _field(stoa, "api_keys.create", key, "secret")
        product = CreateProduct(name="Espresso blend", sku=None)
        product_id = ProductId(decode_id("prod", await _field(stoa, "products.create", product, "id")))
        price = CreatePrice(product_id=product_id, unit_amount=Money(1250, "EUR"))
        price_id = PriceId(decode_id("price", await _field(stoa, "prices.create", price, "id")))
        slug = await _field(stoa, "payment_links.create", CreatePaymentLink(price_id=price_id), "slug")
    return Shop(secret, [encode_id("prod", id_) for id_ in seeded.products[:_PATHS]], slug)


async def _field(stoa: Stoa, name: str, command: object, field: str) -> str:
    body = (await stoa.dispatch(name, command, stoa.call)).body
    assert isinstance(body, dict)
    return str(body[field])
