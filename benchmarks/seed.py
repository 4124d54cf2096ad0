"""Enough rows that indexes, and not luck, decide: 200,000 orders and 20,000 products of 50 organizations."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.shared.ids import OrganizationId, PaymentOrderId, ProductId

ORGANIZATIONS = 50
PRODUCTS = 20_000
ORDERS = 200_000
# The first organization is the big one: lists and loads of thousands are of it.
BIG_ONE = 15_000
PAGE = 400

_AUTHORS = "1, {at}, 'operator', {at}, 'operator'"
_COMMON = "organization_id, id, version, created_at, created_by, updated_at, updated_by"
_WHEN = "timestamptz '2026-01-01 00:00Z' + n * interval '1 minute'"
_OWNER = f"(SELECT ids[CASE WHEN n <= {BIG_ONE} THEN 1 ELSE n % {ORGANIZATIONS} + 1 END] FROM owners)"

_STATEMENTS = (
    f"CREATE TEMP TABLE owners AS SELECT array_agg(uuidv7()) AS ids FROM generate_series(1, {ORGANIZATIONS})",
    f"""
    INSERT INTO organizations ({_COMMON}, name, slug, default_currency, status)
    SELECT owner, owner, {_AUTHORS.format(at="now()")}, 'Organization ' || n, 'org-' || n, 'EUR', 'active'
    FROM owners, unnest(ids) WITH ORDINALITY AS each(owner, n)
    """,
    f"""
    INSERT INTO products ({_COMMON}, name, sku, description, metadata)
    SELECT (SELECT ids[n % {ORGANIZATIONS} + 1] FROM owners), uuidv7(), {_AUTHORS.format(at=_WHEN)},
        'Espresso blend ' || n, 'ESP-' || n, 'Dark roast, whole beans.', '{{"origin": "Huila", "grams": 1000}}'
    FROM generate_series(1, {PRODUCTS}) AS n
    """,
    f"""
    INSERT INTO payment_orders ({_COMMON}, number, payment_link_id, customer_id, product_id, price_id, quantity,
        amount_minor, amount_currency, status, payment_method_id, failure_permanent, processing_at, completed_at)
    SELECT {_OWNER}, uuidv7(), {_AUTHORS.format(at=_WHEN)}, '20260101-' || n, uuidv7(), uuidv7(), uuidv7(), uuidv7(),
        n % 5 + 1, n % 100000 + 1, 'EUR', 'completed', uuidv7(), false, {_WHEN}, {_WHEN}
    FROM generate_series(1, {ORDERS}) AS n
    """,
    """
    INSERT INTO payment_attempts (organization_id, id, payment_order_id, number, payment_method_id, status, reference,
        permanent, started_at, concluded_at)
    SELECT organization_id, uuidv7(), id, 1, payment_method_id, 'succeeded', 'ch_' || number, false, created_at,
        completed_at
    FROM payment_orders
    """,
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the contestants ask for: the big organization, the tenant everyone writes to, and ids to look up."""

    organization_id: OrganizationId
    products: list[ProductId]
    orders: list[PaymentOrderId]


async def seed(superuser_url: str) -> Seeded:
    """Fill an empty migrated database by statements that run inside the server."""
    connection = await asyncpg.connect(superuser_url)
    try:
        # Orders point to customers, links and prices nobody looks at here: foreign keys are off while seeding.
        await connection.execute("SET session_replication_role = replica")
        for statement in _STATEMENTS:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
        owner: UUID = await connection.fetchval("SELECT ids[1] FROM owners")
        products = await _ids(connection, "products", owner)
        orders = await _ids(connection, "payment_orders", owner)
    finally:
        await connection.close()
    return Seeded(OrganizationId(owner), [ProductId(id_) for id_ in products], [PaymentOrderId(id_) for id_ in orders])


async def _ids(connection: "asyncpg.Connection[asyncpg.Record]", table: str, owner: UUID) -> list[UUID]:
    sql = f"SELECT id FROM {table} WHERE organization_id = $1 ORDER BY md5(id::text) LIMIT {PAGE}"
    return [row[0] for row in await connection.fetch(sql, owner)]
