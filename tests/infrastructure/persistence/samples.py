"""Aggregates for the persistence tests, and the units of work that hold them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast
from uuid import uuid4

from sqlalchemy import Table, select

from application.kernel.actor import Actor
from domain.catalog.price import Price
from domain.catalog.price_terms import PriceTerms
from domain.catalog.product import Product
from domain.customers.customer import Customer
from domain.customers.method_details import PaymentMethodType
from domain.customers.payment_method import PaymentMethod
from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import (
    CustomerId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentMethodId,
    PaymentOrderId,
    PriceId,
    ProductId,
)
from domain.shared.money import Money
from infrastructure.persistence.models.technical import OutboxRow
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.transaction import Rows
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.support.stack import Stack

OUTBOX = cast("Table", OutboxRow.__table__)


@asynccontextmanager
async def unit(stack: Stack, actor: Actor, *, read_only: bool = False) -> AsyncIterator[SqlUnitOfWork]:
    """Open a unit of work; whoever wants its effects commits it."""
    async with stack.units(actor, use_case="test", request_id=str(uuid4()), read_only=read_only) as uow:
        assert isinstance(uow, SqlUnitOfWork)
        yield uow


def counted(uow: SqlUnitOfWork) -> list[str]:
    """Return the list that the text of every further statement of this unit of work goes to."""
    transaction = uow.session.transaction
    run, run_many, seen = transaction.rows, transaction.many, list[str]()

    async def rows(statement: Statement, params: Params) -> Rows:
        seen.append(statement.sql)
        return await run(statement, params)

    async def many(statement: Statement, params: Sequence[Params]) -> None:
        seen.append(statement.sql)
        await run_many(statement, params)

    vars(transaction).update(rows=rows, many=many)
    return seen


async def outbox(stack: Stack, actor: Actor) -> Sequence[tuple[str, int]]:
    """Return type and aggregate version of the organization's events, in their order."""
    query = select(OUTBOX.c.type, OUTBOX.c.aggregate_version).where(OUTBOX.c.organization_id == actor.organization_id)
    async with stack.relay_database.engine.connect() as connection:
        rows = (await connection.execute(query.order_by(OUTBOX.c.id))).all()
    return [(row[0], row[1]) for row in rows]


def a_product(stack: Stack, actor: Actor, name: str = "Espresso beans", sku: str | None = None) -> Product:
    """Make a product that nobody has stored yet."""
    return Product.create(
        id=ProductId(stack.ids.new()), organization_id=actor.organization_id, name=name, sku=sku,
        now=stack.clock.now(),
    )  # fmt: skip


def a_customer(stack: Stack, actor: Actor, email: str | None = None, external_id: str | None = None) -> Customer:
    """Make a customer that nobody has stored yet."""
    return Customer.create(
        id=CustomerId(stack.ids.new()), organization_id=actor.organization_id, name="Ana",
        email=email or f"{uuid4().hex}@example.com", external_id=external_id, now=stack.clock.now(),
    )  # fmt: skip


def a_price(stack: Stack, product: Product, minor: int = 1250) -> Price:
    """Make a price of a product."""
    return Price.create(
        id=PriceId(stack.ids.new()), organization_id=product.organization_id, product_id=product.id,
        terms=PriceTerms(unit_amount=Money.of(minor, "EUR")), now=stack.clock.now(),
    )  # fmt: skip


def a_method(stack: Stack, customer: Customer, siblings: Sequence[PaymentMethod] = ()) -> PaymentMethod:
    """Make a payment method of a customer."""
    return PaymentMethod.add(
        siblings, id=PaymentMethodId(stack.ids.new()), organization_id=customer.organization_id,
        customer_id=customer.id, type=PaymentMethodType.CARD, provider_token="tok_sandbox_success",
        now=stack.clock.now(),
    )  # fmt: skip


def a_link(stack: Stack, price: Price, *, slug: str | None = None, max_uses: int | None = None) -> PaymentLink:
    """Make a payment link that sells at a price."""
    return PaymentLink.create(
        id=PaymentLinkId(stack.ids.new()), organization_id=price.organization_id,
        slug=slug or f"link-{uuid4().hex[:20]}", product_id=price.product_id, price_id=price.id,
        max_uses=max_uses, now=stack.clock.now(),
    )  # fmt: skip


class Shop:
    """An organization that can sell. No dataclass, because hypothesis would print all of it on a failure."""

    def __init__(self, stack: Stack, actor: Actor) -> None:
        self.stack, self.actor = stack, actor
        self.product, self.customer = a_product(stack, actor), a_customer(stack, actor)
        self.price, self.method = a_price(stack, self.product), a_method(stack, self.customer)
        self.link = a_link(stack, self.price)

    def order(self, number: str | None = None) -> PaymentOrder:
        """Make an order that nobody has stored yet."""
        return PaymentOrder.open(
            self.link, id=PaymentOrderId(self.stack.ids.new()), number=number or uuid4().hex[:20],
            customer_id=self.customer.id, quantity=1, amount=Money.of(1250, "EUR"), now=self.stack.clock.now(),
        )  # fmt: skip

    def attempt(self, order: PaymentOrder) -> None:
        """Begin an attempt to pay the order."""
        order.pay(PaymentAttemptId(self.stack.ids.new()), self.method.id, self.stack.clock.now())

    def decline(self, order: PaymentOrder) -> None:
        """Let the latest attempt to pay the order fail."""
        declined = AttemptOutcome(status=AttemptStatus.DECLINED, reference="ch_1", decline_code="insufficient_funds")
        order.conclude(order.attempts[-1].id, declined, self.stack.clock.now())


async def a_shop(stack: Stack) -> Shop:
    """Set up an organization with everything an order needs, committed."""
    shop = Shop(stack, await stack.organization())
    async with unit(stack, shop.actor) as uow:
        uow.products.add(shop.product)
        uow.prices.add(shop.price)
        uow.customers.add(shop.customer)
        uow.payment_methods.add(shop.method)
        uow.payment_links.add(shop.link)
        await uow.commit()
    return shop


async def stock(shop: Shop, *names: str) -> list[Product]:
    """Commit products of these names."""
    products = [a_product(shop.stack, shop.actor, name) for name in names]
    async with unit(shop.stack, shop.actor) as uow:
        await uow.products.add_many(products)
        await uow.commit()
    return products
