"""What every repository promises, on both databases, through the unit of work."""

from uuid import uuid4

import pytest

from domain.shared.errors import EntityNotFoundError, InvalidTransition, StaleVersion
from domain.shared.page import PageRequest
from domain.shared.specification import Equal, Everything, In, StartsWith
from infrastructure.persistence.errors import StillReferenced
from tests.infrastructure.persistence.samples import Shop, a_link, a_product, a_shop, counted, outbox, stock, unit
from tests.support.stack import Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of the test's own."""
    return await a_shop(stack)


# ---------------------------------------------------------------- reading


async def test_what_was_added_is_read_back_equal(shop: Shop) -> None:
    """Every field of an aggregate survives the way to the database and back."""
    async with unit(shop.stack, shop.actor) as uow:
        for repository, given in (
            (uow.products, shop.product), (uow.prices, shop.price), (uow.customers, shop.customer),
            (uow.payment_methods, shop.method), (uow.payment_links, shop.link),
        ):  # fmt: skip
            found = await repository.get(given.id)
            assert found is not given
            assert repr(found) == repr(given)


async def test_get_knows_only_what_is_there(shop: Shop) -> None:
    """An id that nobody has is not found, alone or among others."""
    stranger = uuid4()
    async with unit(shop.stack, shop.actor) as uow:
        with pytest.raises(EntityNotFoundError):
            await uow.products.get(stranger)
        assert list(await uow.products.get_many([stranger, shop.product.id])) == [shop.product.id]
        assert await uow.products.get_many([]) == {}
        assert await uow.products.find_one(Equal("id", stranger)) is None


async def test_another_organization_sees_nothing(shop: Shop) -> None:
    """A foreign id is an absent id, for every way to read."""
    foreigner = await shop.stack.organization()
    async with unit(shop.stack, foreigner) as uow:
        with pytest.raises(EntityNotFoundError):
            await uow.products.get(shop.product.id, with_deleted=True)
        assert await uow.products.get_many([shop.product.id]) == {}
        assert await uow.products.find(Everything(), with_deleted=True) == []
        assert await uow.products.count(Everything()) == 0
        assert not await uow.products.exists(Equal("id", shop.product.id))
        assert [each async for each in uow.products.stream(Everything())] == []
        assert (await uow.products.page(Everything(), PageRequest())).items == []


async def test_finding_limits_and_skips(shop: Shop) -> None:
    """A limit and an offset cut a stretch out of the order, each of them alone as well."""
    names = [product.name for product in await stock(shop, "a1", "a2", "a3", "a4")]
    async with unit(shop.stack, shop.actor) as uow:

        async def found(**cut: int) -> list[str]:
            limit, offset = cut.get("limit"), cut.get("offset", 0)
            rows = await uow.products.find(StartsWith("name", "a"), sort="name", limit=limit, offset=offset)
            return [row.name for row in rows]

        assert await found() == names
        assert await found(limit=2) == names[:2]
        assert await found(offset=3) == names[3:]
        assert await found(limit=2, offset=1) == names[1:3]
        assert await uow.products.count(In("name", names)) == 4


async def test_one_id_is_one_object(shop: Shop) -> None:
    """However an aggregate is read in a unit of work, it is the same object, with its unwritten changes."""
    async with unit(shop.stack, shop.actor) as uow:
        product = await uow.products.get(shop.product.id)
        product.amend(shop.stack.clock.now(), name="Renamed")
        assert await uow.products.get(product.id) is product
        assert (await uow.products.get_many([product.id]))[product.id] is product
        assert await uow.products.find_one(Equal("id", product.id)) is product
        assert await uow.products.find(Everything()) == [product]
        assert [each async for each in uow.products.stream(Everything())] == [product]
        assert (await uow.products.page(Everything(), PageRequest())).items == [product]
        assert product.name == "Renamed"


async def test_a_lock_is_taken_at_the_first_reading_or_not_at_all(shop: Shop) -> None:
    """An unlocked copy may be out of date, so locking it later is refused; what was locked or written may be locked."""
    async with unit(shop.stack, shop.actor) as uow:
        locked = await uow.products.get(shop.product.id, lock=True)
        assert await uow.products.get(locked.id, lock=True) is locked
        link = await uow.payment_links.get(shop.link.id)
        with pytest.raises(RuntimeError, match="first read"):
            await uow.payment_links.get(link.id, lock=True)
        with pytest.raises(RuntimeError, match="first read"):
            await uow.payment_links.find_one(Equal("id", link.id), lock=True)
        link.redeem(shop.stack.clock.now())
        await uow.flush()
        assert await uow.payment_links.get(link.id, lock=True) is link


async def test_streaming_holds_one_batch(shop: Shop) -> None:
    """Of a stream, the identity map keeps what was changed or had been read before, and forgets the rest."""
    await stock(shop, *(f"bean {n:02}" for n in range(25)))
    async with unit(shop.stack, shop.actor) as uow:
        kept = await uow.products.find_one(Equal("name", "bean 03"))
        assert kept is not None
        largest, seen = 0, 0
        async for product in uow.products.stream(StartsWith("name", "bean"), batch=4):
            seen += 1
            largest = max(largest, len(uow.products._tracked))
            if product.name == "bean 11":
                product.amend(shop.stack.clock.now(), name="bean eleven")
        assert seen == 25
        assert largest <= 4 + 2
        kept.amend(shop.stack.clock.now(), name="bean three")
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.count(In("name", ["bean three", "bean eleven"])) == 2


# ---------------------------------------------------------------- writing


async def test_changes_are_written_once_with_author_and_version(shop: Shop) -> None:
    """Two changes in one unit of work make one version, written by whoever acted, and reading alone writes nothing."""
    async with unit(shop.stack, shop.actor) as uow:
        product = await uow.products.get(shop.product.id)
        product.amend(shop.stack.clock.now(), name="Once")
        product.amend(shop.stack.clock.now(), name="Twice", description="Dark")
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        product = await uow.products.get(shop.product.id)
        assert (product.version, product.name, product.updated_by) == (2, "Twice", shop.actor.id)
        statements = counted(uow)
        await uow.commit()
        assert statements == []


async def test_flushing_twice_makes_two_versions(shop: Shop) -> None:
    """What changes after a flush is a change of its own."""
    async with unit(shop.stack, shop.actor) as uow:
        product = a_product(shop.stack, shop.actor)
        uow.products.add(product)
        await uow.flush()
        product.amend(shop.stack.clock.now(), name="Second thoughts")
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert (await uow.products.get(product.id)).version == 2
        entries = await uow.audit_entries.find(Equal("subject_type", "product"), sort="id")
        assert [(entry.operation, entry.subject_version) for entry in entries][1:] == [("created", 1), ("updated", 2)]


async def test_the_second_writer_of_a_version_loses(shop: Shop) -> None:
    """Whoever read an aggregate before somebody else wrote it writes nothing."""
    stack = shop.stack
    if stack.database.is_postgres:
        async with unit(stack, shop.actor) as first, unit(stack, shop.actor) as second:
            (await first.products.get(shop.product.id)).amend(stack.clock.now(), name="First")
            (await second.products.get(shop.product.id)).amend(stack.clock.now(), name="Second")
            await first.commit()
            with pytest.raises(StaleVersion):
                await second.commit()
    else:
        # SQLite has one writer at a time, so another one can only be imagined.
        async with unit(stack, shop.actor) as uow:
            (await uow.products.get(shop.product.id)).amend(stack.clock.now(), name="First")
            tracked = uow.products._tracked[shop.product.id]
            tracked.version = 7
            tracked.entity.version = 8
            with pytest.raises(StaleVersion):
                await uow.commit()
            return
    async with unit(stack, shop.actor) as uow:
        assert (await uow.products.get(shop.product.id)).name == "First"
        assert await uow.audit_entries.count(Equal("operation", "updated")) == 1


async def test_a_stale_deletion_loses(shop: Shop) -> None:
    """An aggregate that somebody else wrote meanwhile is not deleted for good."""
    async with unit(shop.stack, shop.actor) as uow:
        link = await uow.payment_links.get(shop.link.id)
        uow.payment_links._tracked[link.id].version = 7
        uow.payment_links.purge(link)
        with pytest.raises(StaleVersion):
            await uow.commit()


async def test_a_change_without_an_event_is_a_bug(shop: Shop) -> None:
    """State that changes silently would escape versions, audit and consumers alike."""
    async with unit(shop.stack, shop.actor) as uow:
        (await uow.products.get(shop.product.id)).name = "Silent"
        with pytest.raises(RuntimeError, match="without recording"):
            await uow.commit()


async def test_hidden_aggregates_are_read_on_request_only(shop: Shop) -> None:
    """A removed product is not found unless asked for, from the moment it is removed, and can be restored."""
    async with unit(shop.stack, shop.actor) as uow:
        product = await uow.products.get(shop.product.id)
        uow.products.remove(product)
        with pytest.raises(EntityNotFoundError):
            await uow.products.get(product.id)
        assert await uow.products.get(product.id, with_deleted=True) is product
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.find(Everything()) == []
        assert await uow.products.get_many([product.id]) == {}
        assert await uow.products.find_one(Everything()) is None
        assert await uow.products.count(Everything()) == 0
        assert not await uow.products.exists(Everything())
        assert (await uow.products.page(Everything(), PageRequest(include_total=True))).total == 0
        (hidden,) = await uow.products.find(Everything(), with_deleted=True)
        assert hidden.deleted_by == shop.actor.id
        uow.products.restore(hidden)
        with pytest.raises(InvalidTransition):
            uow.products.restore(hidden)
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert (await uow.products.get(product.id)).version == 3
        with pytest.raises(TypeError):
            uow.payment_links.restore(shop.link)


async def test_purging_removes_the_row_and_leaves_the_traces(shop: Shop) -> None:
    """Row, parts and public value go; the audit entry and the event stay."""
    order = shop.order()
    shop.attempt(order)
    async with unit(shop.stack, shop.actor) as uow:
        uow.payment_orders.add(order)
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        uow.payment_orders.purge(await uow.payment_orders.get(order.id))
        uow.payment_links.remove(await uow.payment_links.get(shop.link.id))
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert not await uow.payment_orders.exists(Everything())
        assert not await uow.payment_links.exists(Everything())
        entries = await uow.audit_entries.find(Equal("operation", "deleted"))
        assert {entry.subject_type for entry in entries} == {"payment_order", "payment_link"}
        uow.payment_links.add(a_link(shop.stack, shop.price, slug=shop.link.slug))
        await uow.flush()
    events = await outbox(shop.stack, shop.actor)
    assert ("payment_order.deleted", 2) in events
    assert ("payment_link.deleted", 2) in events


async def test_what_others_need_is_not_purged(shop: Shop) -> None:
    """A product with prices cannot be deleted for good."""
    async with unit(shop.stack, shop.actor) as uow:
        uow.products.purge(await uow.products.get(shop.product.id))
        with pytest.raises(StillReferenced):
            await uow.commit()
