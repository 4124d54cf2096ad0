"""Mixed load with faults: buyers, readers and editors over HTTP, one operation in a hundred of which goes wrong."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2

type Json = dict[str, object]

FAULTS_IN = 100
"""One operation of so many is a fault."""
# Refused for a reason of business, or because the database was taken away from under it.
_EXPECTED = frozenset({400, 404, 409, 412, 422, 503})
_CARD = {
    "type": "card", "provider_token": "tok_sandbox_success", "brand": "visa", "last_four": "4242", "expiry_month": 12,
    "expiry_year": 2040,
}  # fmt: skip


@dataclass
class Visitors:
    """A shop on a running server, and those who come to it.

    Attributes:
        answers: status codes of everything that was answered.
        surprises: answers that nobody should ever get.
    """

    port: int
    secret: str
    answers: Counter[int] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    faults: int = 0
    stopping: bool = False
    link: Json = field(default_factory=dict)
    buyer: Json = field(default_factory=dict)
    card: Json = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client with the credentials."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        base_url = f"http://127.0.0.1:{self.port}/v1"
        return httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=30, trust_env=False)

    async def open_shop(self) -> None:
        """Make what is sold and who buys."""
        async with self.client() as client:
            product = await self._made(client, "/products", {"name": "Beans"})
            amount = {"amount": 1250, "currency": "EUR"}
            price = await self._made(client, "/prices", {"product_id": product["id"], "unit_amount": amount})
            self.link = await self._made(client, "/payment-links", {"price_id": price["id"]})
            self.buyer = await self._made(client, "/customers", {"name": "Ana", "email": "ana@shop.example"})
            self.card = await self._made(client, f"/customers/{self.buyer['id']}/payment-methods", _CARD)

    async def visit(self, *, pause: float) -> None:
        """Do one thing after the other until told to stop."""
        async with self.client() as client:
            while not self.stopping:
                if random.randrange(FAULTS_IN) == 0:
                    self.faults += 1
                    await random.choice([self._cut, self._hang_up, self._nonsense])(client)
                else:
                    await random.choice([self._buy, self._look, self._look, self._look, self._edit, self._refund])(
                        client
                    )
                await asyncio.sleep(random.uniform(0, 2 * pause))

    def stop(self) -> None:
        """Begin nothing new."""
        self.stopping = True

    async def _made(self, client: httpx2.AsyncClient, path: str, body: Json) -> Json:
        response = await client.post(path, json=body)
        assert response.is_success, response.text
        made: Json = response.json()
        return made

    async def _ask(self, client: httpx2.AsyncClient, method: str, path: str, **sent: object) -> Json:
        """Send a request and count its answer; returns the body of a success, and else nothing."""
        response = await client.request(method, path, **sent)  # type: ignore[arg-type]  # reason: keywords of the client
        self.answers[response.status_code] += 1
        if response.is_success:
            body: Json = response.json()
            return body
        if response.status_code not in _EXPECTED:
            self.surprises.append(f"{method} {path}: {response.status_code} {response.text}")
        return {}

    async def _buy(self, client: httpx2.AsyncClient) -> None:
        wanted = {"customer_id": self.buyer["id"], "quantity": 1}
        key = {"Idempotency-Key": str(uuid4())}
        order = await self._ask(client, "POST", f"/payment-links/{self.link['id']}/orders", json=wanted, headers=key)
        if order:
            paid = {"payment_method_id": self.card["id"]}
            key = {"Idempotency-Key": str(uuid4())}
            await self._ask(client, "POST", f"/payment-orders/{order['id']}/pay", json=paid, headers=key)
            self.orders = [*self.orders[-200:], str(order["id"])]

    async def _look(self, client: httpx2.AsyncClient) -> None:
        some = random.choice(self.orders) if self.orders else "ord_nowhere"
        paths = (
            f"/payment-orders/{some}", "/payment-orders?limit=20", "/products?limit=20", f"/pay/{self.link['slug']}",
            "/payment-orders/statistics", "/audit-entries?limit=10", f"/customers/{self.buyer['id']}",
        )  # fmt: skip
        await self._ask(client, "GET", random.choice(paths))

    async def _edit(self, client: httpx2.AsyncClient) -> None:
        path = f"/products/{self.link['product_id']}"
        product = await self._ask(client, "GET", path)
        if product:
            changed = {"description": f"Batch {uuid4().hex[:8]}"}
            await self._ask(client, "PATCH", path, json=changed, headers={"If-Match": f'"{product["version"]}"'})

    async def _refund(self, client: httpx2.AsyncClient) -> None:
        if self.orders:
            path = f"/payment-orders/{random.choice(self.orders)}/refunds"
            wanted = {"amount": {"amount": 50, "currency": "EUR"}}
            await self._ask(client, "POST", path, json=wanted, headers={"Idempotency-Key": str(uuid4())})

    async def _cut(self, _: httpx2.AsyncClient) -> None:
        """Break the connection in the middle of a request."""
        await self._raw(b"POST /v1/products HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{")

    async def _hang_up(self, _: httpx2.AsyncClient) -> None:
        """Send a whole request and be gone before it is answered."""
        head = f"GET /v1/payment-orders?limit=50 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {self.secret}"
        await self._raw(f"{head}\r\n\r\n".encode())

    async def _raw(self, sent: bytes) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        await writer.drain()
        writer.transport.abort()

    async def _nonsense(self, client: httpx2.AsyncClient) -> None:
        """Send what no use-case takes."""
        body = random.choice([b"{", b"\xff", b"[" * 10_000, b'{"name": "\\ud800"}', b'{"name": 1e999}'])
        await self._ask(
            client, "POST", "/products", content=body, headers={"Content-Type": "application/json"}
        )  # fmt: skip
