"""Pending orders of before orders could expire wait a day, as everybody's did by default, and then give up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from infrastructure.persistence import migrations
from infrastructure.persistence.connecting import administrator_engine
from tests.support.databases import DatabaseUrls
from tests.support.shop import Shop, order_id
from tests.support.stack import open_stack

_JOBS = "SELECT organization_id, subject_id, run_at FROM jobs WHERE kind = 'payments.expire'"


async def _sql(url: str, statement: str) -> list[tuple[UUID | datetime, ...]]:
    """Run a statement past every wall; SQLite's text becomes the values that PostgreSQL gives."""
    engine = administrator_engine(url)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return [tuple(_value(each) for each in row) for row in result] if result.returns_rows else []
    finally:
        await engine.dispose()


def _value(value: object) -> UUID | datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value) if "T" in value else UUID(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else UUID(str(value))


async def test_pending_orders_of_every_tenant_get_an_expiry_and_its_job(fresh_urls: DatabaseUrls) -> None:
    """A day after they were opened, to the microsecond; what is paid for has neither."""
    async with open_stack(fresh_urls) as stack:
        shops = [await Shop.open(stack), await Shop.open(stack)]
        orders = [await shop.order() for shop in shops]
        paid = await shops[0].sale()
        # 0006 knew neither the column, which goes by itself, nor the jobs.
        await migrations.downgrade(fresh_urls.superuser, "0006")
        await _sql(fresh_urls.superuser, "DELETE FROM jobs")
        await migrations.upgrade(fresh_urls.superuser)
    async with open_stack(fresh_urls) as stack:
        for shop in shops:
            shop.stack = stack
        due = [datetime.fromisoformat(str(order["created_at"])) + timedelta(days=1) for order in orders]
        seen = [await shop.look(order) for shop, order in zip(shops, orders, strict=True)]
        assert [datetime.fromisoformat(str(order["expires_at"])) for order in seen] == due
        assert (await shops[0].look(paid))["expires_at"] is None
        jobs = await _sql(fresh_urls.superuser, _JOBS)
        assert set(jobs) == {
            (UUID(int=shop.organization_id.int), UUID(int=order_id(order).int), at)
            for shop, order, at in zip(shops, orders, due, strict=True)
        }
        stack.clock.shift = timedelta(days=1, minutes=1)
        for shop, order in zip(shops, orders, strict=True):
            await stack.expiry.expire(shop.organization_id, order_id(order))
            assert (await shop.look(order))["status"] == "expired"
