"""The peer: advanced-alchemy's repository on the same tables, with the tenant set as most people set it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from advanced_alchemy.filters import LimitOffset, OrderBy
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks import facts
from benchmarks.raw import ATTEMPT, ORDER, PRODUCT
from domain.catalog.product import Product
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import OrganizationId
from infrastructure.persistence.models.catalog import ProductRow
from infrastructure.persistence.models.payments import PaymentAttemptRow, PaymentOrderRow
from infrastructure.persistence.models.technical import OutboxRow

_OUTBOX = cast("Table", OutboxRow.__table__)
_SET_TENANT = text("SELECT set_config('app.organization_id', :tenant, true)")
_NEWEST_FIRST = (OrderBy("created_at", "desc"), OrderBy("id", "desc"))


class ProductRepository(SQLAlchemyAsyncRepository[ProductRow]):
    model_type = ProductRow


class OrderRepository(SQLAlchemyAsyncRepository[PaymentOrderRow]):
    model_type = PaymentOrderRow


class AttemptRepository(SQLAlchemyAsyncRepository[PaymentAttemptRow]):
    model_type = PaymentAttemptRow


class Peer:
    """Whole units of work, in the library's own way."""

    def __init__(self, sessions: "async_sessionmaker[AsyncSession]", organization_id: OrganizationId) -> None:
        self.sessions = sessions
        self.organization_id = organization_id

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction of the tenant."""
        async with self.sessions() as session, session.begin():
            await session.execute(_SET_TENANT, {"tenant": str(self.organization_id)})
            yield session

    async def get_product(self, id_: UUID) -> Product:
        async with self.unit() as session:
            return _product(await ProductRepository(session=session).get((self.organization_id, id_)))

    async def get_order(self, id_: UUID) -> PaymentOrder:
        async with self.unit() as session:
            row = await OrderRepository(session=session).get((self.organization_id, id_))
            attempts = await AttemptRepository(session=session).list(
                PaymentAttemptRow.payment_order_id == id_, order_by=[("number", True)]
            )
            return _order(row, attempts)

    async def list_products(self, limit: int, *, counted: bool = False) -> list[Product]:
        async with self.unit() as session:
            repository = ProductRepository(session=session)
            wanted = (ProductRow.deleted_at.is_(None), LimitOffset(limit, 0), *_NEWEST_FIRST)
            rows = (await repository.list_and_count(*wanted))[0] if counted else await repository.list(*wanted)
            return [_product(row) for row in rows]

    async def list_orders(self, limit: int) -> list[PaymentOrder]:
        async with self.unit() as session:
            rows = await OrderRepository(session=session).list(LimitOffset(limit, 0), *_NEWEST_FIRST)
            attempts = await AttemptRepository(session=session).list(
                PaymentAttemptRow.payment_order_id.in_([row.id for row in rows])
            )
            of_order: dict[UUID, list[PaymentAttemptRow]] = {row.id: [] for row in rows}
            for attempt in attempts:
                of_order[attempt.payment_order_id].append(attempt)
            return [_order(row, of_order[row.id]) for row in rows]

    async def create(self) -> Product:
        """Write a product and its event, which has no audit entry."""
        product = facts.new_product(self.organization_id)
        async with self.unit() as session:
            await ProductRepository(session=session).add(as_row(product))
            await _publish(session, facts.event(product, "created", {"name": product.name}))
        return product

    async def rename(self, id_: UUID, name: str, expected: int) -> Product:
        """Load, compare the version, change and save a product, and write its event."""
        async with self.unit() as session:
            repository = ProductRepository(session=session)
            row = await repository.get((self.organization_id, id_))
            assert row.version == expected
            row.name, row.version, row.updated_at = name, row.version + 1, datetime.now(UTC)
            product = _product(await repository.update(row))
            await _publish(session, facts.event(product, "updated", {"changed": ["name"]}))
        return product

    async def add_many(self, products: Sequence[Product]) -> None:
        """Write rows alone."""
        async with self.unit() as session:
            await ProductRepository(session=session).add_many([as_row(product) for product in products])


def as_row(product: Product) -> ProductRow:
    """Return the row of an entity."""
    values = dict(zip(PRODUCT.column_names, PRODUCT.dehydrate(product), strict=True))
    return ProductRow(metadata_=values.pop("metadata"), **values)


async def _publish(session: AsyncSession, event: tuple[object, ...]) -> None:
    # Core, because the role may not read what it writes to the outbox and the ORM would ask for the new id.
    await session.execute(insert(_OUTBOX).inline(), [dict(zip(facts.EVENT_COLUMNS, event, strict=True))])


_PRODUCT_ATTRIBUTES = ["metadata_" if name == "metadata" else name for name in PRODUCT.column_names]


def _product(row: ProductRow) -> Product:
    return PRODUCT.hydrate([getattr(row, name) for name in _PRODUCT_ATTRIBUTES])  # type: ignore[no-any-return]  # reason: the mapper's class variable is untyped


def _order(row: PaymentOrderRow, attempts: Sequence[PaymentAttemptRow]) -> PaymentOrder:
    order: PaymentOrder = ORDER.hydrate([getattr(row, name) for name in ORDER.column_names])
    order.attempts = [ATTEMPT.hydrate([getattr(each, name) for name in ATTEMPT.column_names]) for each in attempts]
    return order


@asynccontextmanager
async def open_peer(url: str, organization_id: OrganizationId, *, size: int = 2) -> AsyncIterator[Peer]:
    """Open the engine for the length of the block."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=size, max_overflow=0,
        json_deserializer=lambda document: document,
    )  # fmt: skip
    try:
        yield Peer(async_sessionmaker(engine, expire_on_commit=False), organization_id)
    finally:
        await engine.dispose()
