"""What is cached answers like what is not: after every write at once, and never of another organization."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import pytest

from application.kernel.actor import PUBLIC_ACTOR
from application.kernel.dispatcher import Call, Dispatcher
from application.kernel.ports import IClock, ILinkViews
from application.kernel.query_cache import cached
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import DeclarationError, use_case
from application.payments.public_payment_links import OpenPaymentLink
from domain.shared.errors import InsufficientPermissions
from domain.shared.ids import PaymentLinkId, PriceId, ProductId
from infrastructure.persistence.transaction import PostgresTransaction
from tests.support.crowd import statements
from tests.support.databases import TestDatabases
from tests.support.shop import Shop
from tests.support.stack import Body, Stack, open_stack
from tests.support.use_cases import REGISTRY, WRITES
from tests.support.world import World

CACHED = sorted(name for name, each in REGISTRY.items() if each.cached is not None)


@pytest.fixture(scope="module")
async def warm(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """A core of the module's own whose cache is in use; its clock is the real one."""
    async with open_stack(test_databases.postgres()) as stack:
        yield stack


@pytest.fixture(scope="module")
async def shop(warm: Stack) -> World:
    """Return an organization with one of everything, made before anything is kept."""
    world = await World.create(warm)
    warm.cache.open()
    return world


async def uncached(world: World, name: str, fields: Body) -> Body:
    """Run a read as it is without a cache."""
    stack = world.stack
    outside: dict[type, object] = {IClock: stack.clock, ILinkViews: stack.views}
    dispatch = Dispatcher(stack.units, {IClock: stack.clock}, {name: REGISTRY[name]}, outside)
    actor = PUBLIC_ACTOR if REGISTRY[name].public else world.actor
    call = Call(actor=actor, request_id=str(uuid4()))
    return cast("Body", (await dispatch(name, stack.command(name, **fields), call)).body)


def test_these_are_cached() -> None:
    """The price of a public offer and the figures of an organization; whoever adds one thinks of what ends it."""
    assert CACHED == [
        "checkouts.quote", "payment_links.open", "payment_orders.get_daily_volume", "payment_orders.get_statistics",
        "prices.get_summary_by_currency",
    ]  # fmt: skip


@pytest.mark.parametrize("name", CACHED)
async def test_a_hit_sends_nothing_to_the_database(name: str, shop: World) -> None:
    """Not even BEGIN; the answer is equal."""
    fields = await shop.fields(name)
    first = await shop.send(name, fields)
    with statements() as seen:
        again = await shop.send(name, fields)
    assert seen == []
    assert again == first


NEAR = ("payment_", "refunds.", "prices.", "products.", "checkouts.", "organizations.", "provider_notices.", "token_")
"""Writes that may touch what figures and offers are made of; all the others are tried by ``make faults``."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n.startswith(NEAR) else pytest.mark.faults) for n in WRITES]
)
async def test_after_any_write_cached_figures_are_what_they_are(name: str, shop: World) -> None:
    """Whatever is done, the next read by anybody in the process answers as one that asks the database."""
    reads = {each: await shop.fields(each) for each in CACHED}
    fields = await shop.fields(name)
    for each, asked in reads.items():
        await shop.send(each, asked)
    await shop.send(name, fields)
    for each, asked in reads.items():
        assert await shop.send(each, asked) == await uncached(shop, each, asked), each


OFFER_CHANGES: dict[str, Callable[[World, Body], Body]] = {
    "payment_links.update": lambda _, link: {"id": link["id"], "expected_version": 1, "title": "Another title"},
    "payment_links.expire": lambda _, link: {"id": link["id"]},
    "payment_links.deactivate": lambda _, link: {"id": link["id"]},
    "prices.archive": lambda _, link: {"id": link["price_id"]},
    "products.update": lambda _, link: {"id": link["product_id"], "expected_version": 2, "description": "Washed"},
    "payment_orders.create": lambda world, link: {
        "payment_link_id": link["id"], "customer_id": next(v for k, v in world.ids.items() if "Customer" in str(k))
    },
}  # fmt: skip


@pytest.mark.parametrize("name", OFFER_CHANGES)
async def test_an_offer_that_changes_is_shown_changed_at_once(name: str, shop: World) -> None:
    """Its link, price and product, and its last use; a buyer who looks after the answer sees it."""
    product = await shop.fresh(ProductId)
    price = await shop.fresh(PriceId, product_id=product["id"])
    link = await shop.fresh(PaymentLinkId, price_id=price["id"], max_uses=1)
    offers = {each: {"slug": link["slug"]} for each in ("payment_links.open", "checkouts.quote")}
    before = {each: await shop.send(each, asked) for each, asked in offers.items()}
    await shop.send(name, OFFER_CHANGES[name](shop, {**link, "product_id": product["id"]}))
    for each, asked in offers.items():
        shown = await shop.send(each, asked)
        assert shown == await uncached(shop, each, asked)
        assert shown != before[each]


async def test_looks_are_counted_whether_they_are_cached_or_not(shop: World) -> None:
    """A hundred looks at a page are a hundred views, and one read."""
    link = await shop.fresh(PaymentLinkId)
    with statements() as seen:
        for _ in range(100):
            await shop.send("payment_links.open", {"slug": link["slug"]})
    assert len(seen) == REGISTRY["payment_links.open"].statements
    await shop.stack.views.settle()
    assert (await shop.send("payment_links.get_statistics", {"id": link["id"]}))["views"] == 100


async def test_what_is_kept_is_given_to_nobody_who_may_not_read_it(warm: Stack, shop: World) -> None:
    """A caller without the scope is refused, and a neighbour is shown their own figures."""
    fields = await shop.fields("payment_orders.get_statistics")
    own = await shop.send("payment_orders.get_statistics", fields)
    assert own["orders"] != 0
    neighbour = await warm.organization()
    assert (await warm.run("payment_orders.get_statistics", neighbour, **fields))["orders"] == 0
    with pytest.raises(InsufficientPermissions):
        await warm.run("payment_orders.get_statistics", replace(shop.actor, scopes=frozenset()), **fields)


async def test_a_read_that_began_before_a_write_is_not_kept(warm: Stack) -> None:
    """It saw the old state, is answered with it, and the next one sees the new one."""
    shop, name = await Shop.open(warm), "payment_orders.get_statistics"
    warm.cache.open()
    has_read, may_return = asyncio.Event(), asyncio.Event()
    original = REGISTRY[name]

    async def slow(*args: object, **ports: object) -> object:
        view = await original.handler(*args, **ports)
        has_read.set()
        await may_return.wait()
        return view

    asked = {"since": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z"}
    command = warm.command(name, **asked)
    registry = {name: replace(original, handler=slow)}
    slowly = Dispatcher(warm.units, {IClock: warm.clock}, registry, None, warm.cache)
    call = Call(actor=shop.actor, request_id=str(uuid4()))
    reading = asyncio.ensure_future(slowly(name, command, call))
    await has_read.wait()
    await shop.order()
    may_return.set()
    assert cast("Body", (await reading).body)["orders"] == 0
    assert (await warm.run(name, shop.actor, **asked))["orders"] == 1


async def test_a_cancelled_commit_ends_what_it_may_have_changed(warm: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who is cut off while the commit is answered is not told of it; whoever reads next sees it."""
    shop, name = await Shop.open(warm), "payment_orders.get_statistics"
    warm.cache.open()
    asked = {"since": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z"}
    assert (await warm.run(name, shop.actor, **asked))["orders"] == 0
    commit = PostgresTransaction._commit

    async def cut_off(self: PostgresTransaction) -> None:
        await commit(self)
        ordering.cancel()

    with monkeypatch.context() as patched:
        patched.setattr(PostgresTransaction, "_commit", cut_off)
        ordering = asyncio.ensure_future(shop.order())
        await asyncio.wait([ordering])
    assert ordering.cancelled()
    assert (await warm.run(name, shop.actor, **asked))["orders"] == 1
    with statements() as seen:
        assert (await warm.run(name, shop.actor, **asked))["orders"] == 1
    assert seen == [], "its commit is taken to be under way for ever"


@pytest.mark.parametrize(
    "flags", [{"cached": cached(5, "price"), "keyless": True}, {"cached": cached(5), "read_only": True}]
)
def test_only_reads_that_something_ends_can_be_cached(flags: dict[str, Any]) -> None:
    """A write is never answered from memory, and a read for ever neither."""

    async def handler(cmd: OpenPaymentLink, uow: IUnitOfWork) -> OpenPaymentLink:
        """Do nothing."""
        return cmd

    with pytest.raises(DeclarationError, match="only a read is kept"):
        use_case("offers.try_to_keep", scope=None, public=True, example={}, **flags)(handler)
