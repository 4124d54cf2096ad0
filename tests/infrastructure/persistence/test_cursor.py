"""Pages by key: every row once, in every order; and cursors that open nothing else."""

import string
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog.product import Product
from domain.shared.page import PageRequest
from domain.shared.specification import Equal, Everything, IsNotNull, Spec
from infrastructure.persistence.cursor import CursorSecret, InvalidCursor
from infrastructure.persistence.reader import SqlReader
from tests.infrastructure.persistence.samples import Shop, a_product, a_shop, unit
from tests.support.stack import Stack

DAY = datetime(2026, 3, 14, tzinfo=UTC)
SORTS = ("id", "name", "sku", "description", "created_at", "updated_at", "version", "deleted_at", "created_by")
ORDER_SORTS = ("number", "amount.minor", "status", "failure_permanent", "completed_at", "payment_method_id", "quantity")
NOTHING: Spec[Any] = Everything()


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """Fill a shop with rows that share sort values, some of them absent."""
    shop = await a_shop(stack)
    products = [a_product(stack, shop.actor, f"n{n % 3}", f"SKU-{n}" if n % 4 else None) for n in range(23)]
    for n, product in enumerate(products):
        product.created_at = DAY + timedelta(microseconds=n % 5)
        product.updated_at = DAY + timedelta(microseconds=n % 2)
    orders = [shop.order() for _ in range(15)]
    for n, order in enumerate(orders):
        order.quantity = n % 2
        if n % 3:
            shop.attempt(order)
        if n % 3 == 1:
            shop.decline(order)
    async with unit(stack, shop.actor) as uow:
        await uow.products.add_many(products)
        await uow.payment_orders.add_many(orders)
        await uow.commit()
    return shop


async def walk(repository: SqlReader[Any], spec: Spec[Any], sort: str, limit: int) -> list[UUID]:
    """Read all pages, and return the ids of their rows."""
    rows: list[UUID] = []
    cursor: str | None = None
    while True:
        page = await repository.page(spec, PageRequest(limit=limit, cursor=cursor, sort=sort))
        assert len(page.items) <= limit
        rows += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return rows
        assert page.items, "a page before the last is never empty"


@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in SORTS for sign in ("", "-")])
async def test_pages_walk_every_product_once(shop: Shop, sort: str, limit: int) -> None:
    """All rows, none twice, in the order of an undivided list, whichever values the rows share or lack."""
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        whole = [row.id for row in await uow.products.find(Everything(), sort=sort)]
        assert len(whole) == 24
        assert await walk(uow.products, NOTHING, sort, limit) == whole


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in ORDER_SORTS for sign in ("", "-")])
async def test_pages_walk_every_order_once(shop: Shop, sort: str) -> None:
    """The same for money, booleans, ids and enum members, with a filter."""
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        spec: Spec[Any] = IsNotNull("payment_method_id") | Equal("quantity", 0)
        whole = [row.id for row in await uow.payment_orders.find(spec, sort=sort)]
        assert await walk(uow.payment_orders, spec, sort, 2) == whole


async def test_the_last_page_has_no_cursor_even_when_it_is_full(shop: Shop) -> None:
    """One row more is read than shown, so nobody is sent to an empty page."""
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        page = await uow.products.page(NOTHING, PageRequest(limit=24, include_total=True))
        assert (len(page.items), page.total, page.next_cursor) == (24, 24, None)


async def test_rows_added_behind_the_position_are_seen(shop: Shop) -> None:
    """A page starts where the last one ended, not after so many rows."""
    async with unit(shop.stack, shop.actor) as uow:
        first = await uow.products.page(NOTHING, PageRequest(limit=5, sort="name"))
        uow.products.remove(first.items[0])
        uow.products.add(a_product(shop.stack, shop.actor, "zzz"))
        await uow.flush()
        rest: list[Product] = []
        cursor = first.next_cursor
        while cursor is not None:
            page = await uow.products.page(NOTHING, PageRequest(limit=5, sort="name", cursor=cursor))
            rest, cursor = rest + page.items, page.next_cursor
        assert len(rest) == 24 - 5 + 1
        assert rest[-1].name == "zzz"


async def a_cursor(shop: Shop, sort: str = "-created_at") -> str:
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        cursor = (await uow.products.page(NOTHING, PageRequest(limit=3, sort=sort))).next_cursor
    assert cursor is not None
    return cursor


async def test_an_edited_cursor_is_refused(shop: Shop) -> None:
    """One changed, missing or added character anywhere, and it is no cursor any more."""
    cursor = await a_cursor(shop)
    letters = string.ascii_letters + string.digits + "-_"
    edited = [cursor[:n] + letters[(letters.index(cursor[n]) + 1) % 64] + cursor[n + 1 :] for n in range(len(cursor))]
    truncated = [cursor[:n] for n in range(1, len(cursor))]
    padded = [cursor + tail for tail in ("=", "==", "A", "\n", " ", "\u00e9", "%3D")]
    padded += [" " + cursor, "\ud800", "\x00", "not a cursor", cursor.upper(), "-" * 40]
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        await uow.products.page(NOTHING, PageRequest(cursor=cursor))
        for wrong in (*edited, *truncated, *padded):
            with pytest.raises(InvalidCursor):
                await uow.products.page(NOTHING, PageRequest(cursor=wrong))


async def test_a_cursor_opens_only_its_own_list(shop: Shop) -> None:
    """Another organization, query, order, aggregate or server: refused, and not read from the wrong place."""
    cursor = await a_cursor(shop)
    foreigner = await shop.stack.organization()
    async with unit(shop.stack, foreigner, read_only=True) as uow:
        with pytest.raises(InvalidCursor):
            await uow.products.page(NOTHING, PageRequest(cursor=cursor))
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        for spec, sort in ((Equal("name", "n1"), "-created_at"), (NOTHING, "created_at"), (NOTHING, "-updated_at")):
            with pytest.raises(InvalidCursor):
                await uow.products.page(spec, PageRequest(cursor=cursor, sort=sort))
        with pytest.raises(InvalidCursor):
            await uow.payment_links.page(NOTHING, PageRequest(cursor=cursor))
        filtered = (await uow.products.page(Equal("name", "n1"), PageRequest(limit=2))).next_cursor
        with pytest.raises(InvalidCursor):
            await uow.products.page(Equal("name", "n2"), PageRequest(cursor=filtered))
        uow.session.cursor_secret = CursorSecret(b"another server's")
        with pytest.raises(InvalidCursor):
            await uow.products.page(NOTHING, PageRequest(cursor=cursor))
