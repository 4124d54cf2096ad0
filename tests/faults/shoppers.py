"""Clients of the HTTP face that never give up: every request is repeated under its key until it has an answer."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2

type Json = dict[str, object]

_AGAIN = frozenset({409, 502, 503, 504})


@dataclass
class Answered:
    """One acknowledged effect.

    Attributes:
        tries: how often the request was sent.
        replayed: the answer came from the store, as the first one had been lost.
    """

    path: str
    key: str
    sent: Json
    got: Json
    tries: int
    replayed: bool


class UnexpectedAnswer(Exception):
    """The server said something that is neither success nor a reason to ask again."""


@dataclass
class Shoppers:
    """A shop with one payment link, and clients that fill it with products, customers and orders."""

    base_url: str
    secret: str
    answered: list[Answered] = field(default_factory=list)
    stopping: bool = False
    link: Json = field(default_factory=dict)
    customer: Json = field(default_factory=dict)

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client with the credentials."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        return httpx2.AsyncClient(base_url=self.base_url, headers=headers, timeout=10, trust_env=False)

    async def open_shop(self) -> None:
        """Make what orders are made of."""
        async with self.client() as client:
            product = await self.post(client, "/v1/products", {"name": "Beans", "sku": None, "description": ""})
            amount = {"amount": 1250, "currency": "EUR"}
            price = await self.post(client, "/v1/prices", {"product_id": product.got["id"], "unit_amount": amount})
            self.link = (await self.post(client, "/v1/payment-links", {"price_id": price.got["id"]})).got
            self.customer = (await self.post(client, "/v1/customers", _customer())).got

    async def shop(self) -> None:
        """Send one request after the other until told to stop, and the last one until it is answered."""
        async with self.client() as client:
            for path, body in self._wishes():
                if self.stopping:
                    return
                self.answered.append(await self.post(client, path, body))

    def stop(self) -> None:
        """Wish for nothing new."""
        self.stopping = True

    async def post(self, client: httpx2.AsyncClient, path: str, body: Json, key: str | None = None) -> Answered:
        """Send a request under one key until there is a definite answer."""
        key = key or str(uuid4())
        for tries in itertools.count(1):
            try:
                response = await client.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
                continue
            if response.is_success:
                replayed = response.headers.get("Idempotency-Replayed") == "true"
                return Answered(path, key, body, response.json(), tries, replayed)
            if response.status_code not in _AGAIN:
                raise UnexpectedAnswer(f"{path}: {response.status_code} {response.text}")
            await asyncio.sleep(0.1)
        raise AssertionError("counting never ends")

    def _wishes(self) -> Iterator[tuple[str, Json]]:
        order: Json = {"customer_id": self.customer["id"], "quantity": 1}
        while True:
            yield "/v1/products", {"name": "Beans", "sku": f"SKU-{uuid4().hex[:12]}", "description": ""}
            yield "/v1/customers", _customer()
            yield f"/v1/payment-links/{self.link['id']}/orders", order


def _customer() -> Json:
    return {"name": "Ana", "email": f"{uuid4().hex}@shop.example"}
