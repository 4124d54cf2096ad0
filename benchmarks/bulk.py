"""Thousands of rows at a time."""

from collections.abc import Sequence
from functools import partial

import asyncpg

from benchmarks import facts
from benchmarks.arena import Arena
from benchmarks.measure import compare
from benchmarks.raw import PRODUCT
from benchmarks.report import Figure, Row, at_least, at_most
from benchmarks.stoa import Stoa
from domain.catalog.product import Product
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import OrganizationId
from domain.shared.specification import Everything
from infrastructure.persistence import bulk

MANY = 10_000
_LOADS, _ADDS = 16, 5


async def bulks(arena: Arena) -> list[Row]:
    """Measure loading and adding."""
    return [*await _loads(arena), *await _adds(arena)]


async def _loads(arena: Arena) -> list[Row]:
    series = await compare(
        f"load {MANY:,} orders with their attempts",
        {
            "raw": partial(arena.raw.list_orders, MANY),
            "peer": partial(arena.peer.list_orders, MANY),
            "Stoa": partial(_load, arena.stoa),
        },
        rounds=arena.scale.rounds(_LOADS),
        number=1,
    )
    return [
        Row(
            f"load {MANY:,} with their parts",
            Figure.of(series.ratio("Stoa", "raw"), at_most(1.1)),
            Figure.of(series.ratio("peer", "Stoa"), at_least(2.3)),
            series.micros(),
        )
    ]


async def _load(stoa: Stoa) -> list[PaymentOrder]:
    async with stoa.unit(read_only=True) as uow:
        return await uow.payment_orders.find(Everything(), sort="-created_at", limit=MANY)


async def _adds(arena: Arena) -> list[Row]:
    superuser, batch = await asyncpg.connect(arena.ground.superuser), _Batch(arena.ground.seeded.organization_id)
    contestants = {
        "raw": lambda: _copy(superuser, batch.products),
        "raw with facts": lambda: _copy(superuser, batch.products, with_facts=True),
        "peer": lambda: arena.peer.add_many(batch.products),
        "Stoa": lambda: _add_rows(arena.stoa, batch.products),
        "Stoa with facts": lambda: _add_many(arena.stoa, batch.products),
    }
    try:
        series = await compare(
            f"add {MANY:,} products",
            contestants,
            rounds=arena.scale.rounds(_ADDS),
            number=1,
            before=dict.fromkeys(contestants, batch.renew),
        )
    finally:
        await superuser.close()
    return [
        Row(
            f"add {MANY:,} rows under RLS vs COPY without RLS",
            Figure.of(series.ratio("Stoa", "raw"), at_most(1.4)),
            Figure.of(series.ratio("peer", "Stoa"), at_least(6)),
            series.micros(),
        ),
        Row(
            "… add_many: with an event and an audit entry each",
            Figure.of(series.ratio("Stoa with facts", "raw with facts")),
            Figure.of(series.ratio("peer", "Stoa with facts")),
        ),
    ]


class _Batch:
    """New products for everyone's turn; making them is not measured."""

    def __init__(self, organization_id: OrganizationId) -> None:
        self._organization_id = organization_id
        self.products: list[Product] = []

    async def renew(self) -> None:
        self.products = [facts.recorded(self._organization_id) for _ in range(MANY)]


async def _copy(
    superuser: "asyncpg.Connection[asyncpg.Record]", products: Sequence[Product], *, with_facts: bool = False
) -> None:
    """COPY as the superuser, for whom row security does not hold: the fastest way there is."""
    written: list[tuple[str, Sequence[str], list[tuple[object, ...]]]] = [
        ("products", PRODUCT.column_names, [PRODUCT.dehydrate(product) for product in products])
    ]
    if with_facts:
        events = [facts.event(product, "created", {"name": product.name}) for product in products]
        entries = [facts.entry(p, "products.create", "created", facts.created(p)) for p in products]
        written += [("outbox", facts.EVENT_COLUMNS, events), ("audit_entries", facts.ENTRY_COLUMNS, entries)]
    async with superuser.transaction():
        for table, names, rows in written:
            await superuser.copy_records_to_table(table, columns=names, records=rows)


async def _add_rows(stoa: Stoa, products: Sequence[Product]) -> None:
    """Insert as the repository does, without what the journal adds."""
    rows = [PRODUCT.dehydrate(product) for product in products]
    async with stoa.unit() as uow:
        await bulk.insert(uow.session, PRODUCT.table, PRODUCT.column_names, rows)
        await uow.commit()


async def _add_many(stoa: Stoa, products: Sequence[Product]) -> None:
    async with stoa.unit() as uow:
        await uow.products.add_many(products)
        await uow.commit()
