"""The pages on a real core: a seller with links to sell through, a worker, and what happened to the money."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import cast
from uuid import UUID, uuid4

import uvicorn
from httpx2 import AsyncClient, Response

from application.kernel.actor import PUBLIC_ACTOR, Actor
from application.kernel.dispatcher import Call
from application.payments.collection import CHARGE, RECONCILE
from domain.shared.ids import PaymentOrderId, decode_id
from infrastructure.payments.sandbox_tokenizer import SandboxTokenizer
from infrastructure.payments.vault import SandboxVault
from infrastructure.workers.jobs import JobWorker
from interfaces.web.app import WebApp
from tests.faults.processes import free_port
from tests.interfaces.web.shop import BUYER, GOOD_CARD
from tests.support.stack import PEPPER, Body, Stack


class Store:
    """A seller in a real core, and the pages on it."""

    def __init__(self, stack: Stack, seller: Actor) -> None:
        """Use :func:`open_store`."""
        self.stack = stack
        self.seller = seller
        vault = SandboxVault(SandboxTokenizer(stack.clock), PEPPER, stack.clock)
        self.app = WebApp(
            dispatch=stack.dispatcher, registry=stack.registry, observe=lambda *_: None,
            authenticate=stack.authenticate, vault=vault,
        )  # fmt: skip
        self.price_id = ""

    async def link(self, **fields: object) -> str:
        """Put something up for sale and return the link's slug."""
        slug = f"espresso-{uuid4().hex[:12]}"
        await self.run("payment_links.create", price_id=self.price_id, slug=slug, **fields)
        return slug

    async def price(self, amount: int = 2490, **fields: object) -> str:
        """Offer the product at a price and return its id."""
        product = await self.run(
            "products.create", name="Espresso blend, 1 kg", description="Roasted to order in small batches."
        )
        unit = {"amount": amount, "currency": "EUR"}
        price = await self.run("prices.create", product_id=product["id"], unit_amount=unit, **fields)
        return str(price["id"])

    async def run(self, name: str, /, **fields: object) -> Body:
        """Run a use-case as the seller."""
        return await self._run(name, self.seller, fields)

    async def public(self, name: str, /, **fields: object) -> Body:
        """Run a use-case as anybody."""
        return await self._run(name, PUBLIC_ACTOR, fields)

    async def _run(self, name: str, actor: Actor, fields: Mapping[str, object]) -> Body:
        call = Call(actor=actor, request_id=str(uuid4()), idempotency_key=str(uuid4()))
        outcome = await self.stack.dispatcher(name, self.stack.command(name, **fields), call)
        return cast("Body", outcome.body)

    async def orders(self) -> list[Body]:
        """Return the seller's orders, oldest first."""
        listed = await self.run("payment_orders.list", limit=100, sort="created_at")
        return cast("list[Body]", listed["data"])

    async def methods(self, order: Body) -> list[Body]:
        """Return the payment methods of an order's customer."""
        listed = await self.run("payment_methods.list", customer_id=order["customer_id"])
        return cast("list[Body]", listed["data"])

    def charged(self, order: Body) -> list[int]:
        """Return what the provider collected for an order, in minor units."""
        attempts = cast("list[Body]", order["attempts"])
        from_ids = {str(_uuid(str(attempt["id"]))) for attempt in attempts}
        return [
            charge.amount
            for charge in self.stack.provider.charges
            if charge.idempotency_key in from_ids and charge.decline_code is None
        ]

    async def work(self) -> None:
        """Collect the money of every order that waits for it, as the worker would."""
        for order in await self.orders():
            order_id = PaymentOrderId(_uuid(str(order["id"])))
            if order["status"] == "processing":
                await self.stack.collection.charge(self.seller.organization_id, order_id)


def _uuid(text: str) -> UUID:
    return decode_id(text.partition("_")[0], text)


async def open_store(stack: Stack) -> Store:
    """Found a seller with one product at one price."""
    store = Store(stack, await stack.organization())
    store.price_id = await store.price(max_quantity=20)
    return store


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the form that goes to the vault."""
    (form,) = re.findall(r'<form method="post".*?</form>', page, re.DOTALL)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


async def again(client: AsyncClient, form: dict[str, str], **typed: str) -> Response:
    """Send a form (once more)."""
    back = await client.post("/sandbox/vault", data={**form, **BUYER, **GOOD_CARD, **typed})
    return await client.get(back.headers["location"])


def buyer() -> dict[str, str]:
    """Return an address that nobody has bought with."""
    return {"email": f"mara-{uuid4().hex[:12]}@example.org"}


@asynccontextmanager
async def serving(store: Store) -> AsyncIterator[str]:
    """Serve the pages on a free port, with a worker beside them, and return their address."""
    port = free_port()
    config = uvicorn.Config(store.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # reason: signals belong to the tests
    served = asyncio.create_task(server.serve())
    handlers = {CHARGE: store.stack.collection.charge, RECONCILE: store.stack.collection.reconcile}
    worker = JobWorker(store.stack.relay_database, handlers)  # type: ignore[arg-type]  # reason: order ids are UUIDs
    working = asyncio.create_task(_forever(worker))
    try:
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        working.cancel()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await working
        await served


async def _forever(worker: JobWorker) -> None:
    while True:
        await worker.run_due_once()
        await asyncio.sleep(0.2)
