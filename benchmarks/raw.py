"""The limit: asyncpg as somebody would write it who wants nothing but speed.

A pool without the reset query, BEGIN and tenant in one message, hand-written SQL, rows into entities by position.
The tables, the role and its row security are Stoa's own.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from benchmarks import facts
from domain.catalog.product import Product
from domain.payments.payment_attempt import PaymentAttempt
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import OrganizationId
from infrastructure.persistence.repositories.catalog import SqlProductRepository
from infrastructure.persistence.repositories.payments import SqlPaymentOrderRepository

type Connection = PoolConnectionProxy[asyncpg.Record]

PRODUCT, ORDER = SqlProductRepository.mapper, SqlPaymentOrderRepository.mapper
ATTEMPT = ORDER.children["attempts"].mapper
# The generated functions themselves: nothing by hand is faster. asyncpg's records are sequences by behaviour only.
_product = cast("Callable[[asyncpg.Record], Product]", PRODUCT.hydrate)
_order = cast("Callable[[asyncpg.Record], PaymentOrder]", ORDER.hydrate)
_attempt = cast("Callable[[Sequence[object]], PaymentAttempt]", ATTEMPT.hydrate)


def columns(names: Sequence[str]) -> str:
    """Return a list of columns."""
    return ", ".join(names)


def marks(count: int, first: int = 1) -> str:
    """Return a list of parameters."""
    return ", ".join(f"${n}" for n in range(first, first + count))


_P = columns(PRODUCT.column_names)
_EVENTS, _ENTRIES = columns(facts.EVENT_COLUMNS), columns(facts.ENTRY_COLUMNS)
GET_PRODUCT = f"SELECT {_P} FROM products WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL"
LIST_PRODUCTS = (
    f"SELECT {_P} FROM products WHERE organization_id = $1 AND deleted_at IS NULL"
    " ORDER BY created_at DESC, id DESC LIMIT $2"
)
INSERT_PRODUCT = f"INSERT INTO products ({_P}) VALUES ({marks(len(PRODUCT.column_names))})"
UPDATE_PRODUCT = (
    "UPDATE products SET version = $3, updated_at = $4, updated_by = $5, name = $6, sku = $7, description = $8,"
    " metadata = $9, deleted_at = $10, deleted_by = $11"
    " WHERE organization_id = $1 AND id = $2 AND version = $12 RETURNING id"
)
INSERT_EVENT = f"INSERT INTO outbox ({_EVENTS}) VALUES ({marks(10)})"
INSERT_BOTH = (
    f"WITH event AS (INSERT INTO outbox ({_EVENTS}) VALUES ({marks(10)}))"
    f" INSERT INTO audit_entries ({_ENTRIES}) VALUES ({marks(10, first=11)})"
)
INSERT_IN_ONE = (
    f"WITH event AS (INSERT INTO outbox ({_EVENTS}) VALUES ({marks(10)}))"
    f" INSERT INTO products ({_P}) VALUES ({marks(len(PRODUCT.column_names), first=11)})"
)
GET_ORDER = f"SELECT {columns(ORDER.column_names)} FROM payment_orders WHERE organization_id = $1 AND id = $2"
LIST_ORDERS = (
    f"SELECT {columns(ORDER.column_names)} FROM payment_orders WHERE organization_id = $1"
    " ORDER BY created_at DESC, id DESC LIMIT $2"
)
GET_ATTEMPTS = (
    f"SELECT payment_order_id, {columns(ATTEMPT.column_names)} FROM payment_attempts"
    " WHERE organization_id = $1 AND payment_order_id = ANY($2) ORDER BY payment_order_id, number"
)


async def _no_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Spare the round trip that asyncpg spends on every release; SQLAlchemy's pool sends none either."""


class Raw:
    """Whole units of work on a pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", organization_id: OrganizationId) -> None:
        self.pool = pool
        self.organization_id = organization_id

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Connection]:
        """Open a transaction of the tenant, for the statements that are many or long; the short ones write it out."""
        async with self.pool.acquire() as connection:
            await self.begin(connection)
            yield connection
            await connection.execute("COMMIT")

    async def begin(self, connection: Connection) -> None:
        await connection.execute(f"BEGIN; SET LOCAL app.organization_id = '{self.organization_id}'")

    async def get_product(self, id_: UUID) -> Product:
        connection = await self.pool.acquire()
        try:
            await self.begin(connection)
            row = await connection.fetchrow(GET_PRODUCT, self.organization_id, id_)
            await connection.execute("COMMIT")
        finally:
            await self.pool.release(connection)
        assert row is not None
        return _product(row)

    async def get_order(self, id_: UUID) -> PaymentOrder:
        async with self.unit() as connection:
            row = await connection.fetchrow(GET_ORDER, self.organization_id, id_)
            assert row is not None
            attempts = await connection.fetch(GET_ATTEMPTS, self.organization_id, [id_])
        order = _order(row)
        order.attempts = [_attempt(each[1:]) for each in attempts]
        return order

    async def list_products(self, limit: int) -> list[Product]:
        async with self.unit() as connection:
            rows = await connection.fetch(LIST_PRODUCTS, self.organization_id, limit + 1)
        return [_product(row) for row in rows[:limit]]

    async def list_orders(self, limit: int) -> list[PaymentOrder]:
        async with self.unit() as connection:
            rows = await connection.fetch(LIST_ORDERS, self.organization_id, limit)
            orders = {row["id"]: _order(row) for row in rows}
            for row in await connection.fetch(GET_ATTEMPTS, self.organization_id, list(orders)):
                orders[row[0]].attempts.append(_attempt(row[1:]))
        return list(orders.values())

    async def create(self, *, with_event: bool = True, with_entry: bool = False, at_once: bool = False) -> Product:
        """Write a product; ``at_once`` puts it into one statement with its event."""
        product = facts.new_product(self.organization_id)
        row = PRODUCT.dehydrate(product)
        event = facts.event(product, "created", {"name": product.name}) if with_event else ()
        async with self.unit() as connection:
            if at_once:
                await connection.execute(INSERT_IN_ONE, *event, *row)
                return product
            await connection.execute(INSERT_PRODUCT, *row)
            if with_entry:
                entry = facts.entry(product, "products.create", "created", facts.created(product))
                await connection.execute(INSERT_BOTH, *event, *entry)
            elif with_event:
                await connection.execute(INSERT_EVENT, *event)
        return product

    async def rename(self, id_: UUID, name: str, expected: int, *, with_entry: bool = False) -> Product:
        """Load, change and save a product, and write its event."""
        async with self.unit() as connection:
            row = await connection.fetchrow(GET_PRODUCT, self.organization_id, id_)
            assert row is not None
            product = _product(row)
            assert product.version == expected
            product.name, product.version, product.updated_at = name, product.version + 1, datetime.now(UTC)
            found = await connection.fetch(UPDATE_PRODUCT, *self._update_arguments(product, expected))
            assert found
            event = facts.event(product, "updated", {"changed": ["name"]})
            if with_entry:
                entry = facts.entry(product, "products.update", "updated", {"name": name})
                await connection.execute(INSERT_BOTH, *event, *entry)
            else:
                await connection.execute(INSERT_EVENT, *event)
        return product

    @staticmethod
    def _update_arguments(product: Product, loaded: int) -> tuple[object, ...]:
        metadata = PRODUCT.dehydrate(product)[PRODUCT.column_names.index("metadata")]
        return (
            product.organization_id, product.id, product.version, product.updated_at, product.updated_by,
            product.name, product.sku, product.description, metadata, product.deleted_at, product.deleted_by, loaded,
        )  # fmt: skip


@asynccontextmanager
async def open_raw(url: str, organization_id: OrganizationId, *, size: int = 2) -> AsyncIterator[Raw]:
    """Open the pool for the length of the block."""
    async with asyncpg.create_pool(url, min_size=size, max_size=size, reset=_no_reset) as pool:
        yield Raw(pool, organization_id)
