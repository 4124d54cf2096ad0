"""A shop with one link of 1.00 EUR, whose sales and refunds are driven by hand: the worker works when it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from application.kernel.actor import Actor
from application.payments.collection import CHARGE, RECONCILE
from application.payments.payment_order_care import EXPIRE
from application.payments.refunds import REFUND
from domain.shared.ids import OrganizationId, PaymentOrderId, RefundId, decode_id
from infrastructure.workers.jobs import Handler, JobWorker
from tests.support.stack import Body, Stack

EURO = 100


@dataclass
class Shop:
    """An organization that sells one thing to one customer, who has a payment method per token."""

    stack: Stack
    actor: Actor
    link: Body
    customer: Body
    methods: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def open(cls, stack: Stack, minor: int = EURO, **terms: object) -> "Shop":
        """Found it."""
        actor = await stack.organization()
        product = await stack.run("products.create", actor, name="Espresso, single")
        price = await stack.run(
            "prices.create", actor, product_id=product["id"], unit_amount={"amount": minor, "currency": "EUR"}
        )
        link = await stack.run("payment_links.create", actor, price_id=price["id"], **terms)
        customer = await stack.run("customers.create", actor, email="ana@example.com", name="Ana Prado")
        return cls(stack, actor, link, customer)

    @property
    def organization_id(self) -> OrganizationId:
        return self.actor.organization_id

    async def run(self, name: str, /, **fields: object) -> Body:
        """Run a use-case as the shop's operator."""
        return await self.stack.run(name, self.actor, **fields)

    async def method(self, token: str) -> str:
        """Return the customer's payment method with a token, adding it at first use."""
        if token not in self.methods:
            added = await self.run(
                "payment_methods.add", customer_id=self.customer["id"], type="card",
                provider_token=f"tok_sandbox_{token}", brand="visa", last_four="4242", expiry_month=12,
                expiry_year=2040,
            )  # fmt: skip
            self.methods[token] = str(added["id"])
        return self.methods[token]

    async def order(self, **fields: object) -> Body:
        """Open an order."""
        named = {"payment_link_id": self.link["id"], "customer_id": self.customer["id"]}
        return await self.run("payment_orders.create", **named, **fields)

    async def pay(self, order: Body, token: str = "success") -> Body:
        """Begin an attempt, and leave it to whoever drives the worker."""
        return await self.run("payment_orders.pay", id=order["id"], payment_method_id=await self.method(token))

    async def charge(self, order: Body) -> Body:
        """Do the worker's part of a payment, and return the order."""
        await self.stack.collection.charge(self.organization_id, order_id(order))
        return await self.look(order)

    async def sale(self, token: str = "success") -> Body:
        """Open and pay an order, and return what became of it."""
        return await self.charge(await self.pay(await self.order(), token))

    async def refund(self, order: Body, minor: int | None = None) -> Body:
        """Begin a refund."""
        amount = None if minor is None else {"amount": minor, "currency": "EUR"}
        return await self.run("refunds.create", payment_order_id=order["id"], amount=amount)

    async def give_back(self, refund: Body) -> Body:
        """Do the worker's part of a refund, and return it."""
        await self.stack.repayments.refund(self.organization_id, refund_id(refund))
        return await self.run("refunds.get", id=refund["id"])

    async def look(self, order: Body) -> Body:
        """Return the order as it is now."""
        return await self.run("payment_orders.get", id=order["id"])

    async def balances(self) -> dict[str, int]:
        """Return every account's debits less credits."""
        found = cast("list[Mapping[str, object]]", (await self.run("books.get_balances"))["data"])
        return {str(each["account"]): cast("Mapping[str, int]", each["balance"])["amount"] for each in found}

    async def problems(self) -> list[str]:
        """Return what ``books.verify`` complains of."""
        report = await self.run("books.verify")
        problems = [str(each["reason"]) for each in cast("list[Body]", report["problems"])]
        assert (report["ok"], report["next_after"]) == (not problems, None)
        return problems

    def handlers(self) -> dict[str, Handler]:
        """Return the job handlers as the container binds them."""
        stack = self.stack
        return {
            CHARGE: cast("Handler", stack.collection.charge), RECONCILE: cast("Handler", stack.collection.reconcile),
            REFUND: cast("Handler", stack.repayments.refund), EXPIRE: cast("Handler", stack.expiry.expire),
        }  # fmt: skip

    def worker(self, **handlers: Handler) -> JobWorker:
        """Return a worker for the payments' jobs, or for others."""
        return JobWorker(self.stack.relay_database, handlers or self.handlers())


def order_id(order: Body) -> PaymentOrderId:
    """Return an order's id as the inside knows it."""
    return PaymentOrderId(decode_id("ord", str(order["id"])))


def refund_id(refund: Body) -> RefundId:
    """Return a refund's id as the inside knows it."""
    return RefundId(decode_id("ref", str(refund["id"])))


def attempt_key(order: Body) -> str:
    """Return the provider's idempotency key of an order's latest attempt."""
    latest = cast("list[Body]", order["attempts"])[-1]
    return str(UUID(int=decode_id("att", str(latest["id"])).int))


def amounts(order: Body) -> tuple[int, int, int]:
    """Return captured, refunded and refundable of an order, in minor units."""
    captured, refunded, refundable = (
        cast("Mapping[str, int]", order[name])["amount"] for name in ("captured", "refunded", "refundable")
    )
    return captured, refunded, refundable
