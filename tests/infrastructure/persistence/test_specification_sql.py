"""One specification, two evaluations: Python and SQL select the same rows, on both databases."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.catalog.product import Product
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import PaymentOrderId
from domain.shared.money import Money
from domain.shared.specification import (
    Between,
    Contains,
    Equal,
    Everything,
    GreaterOrEqual,
    GreaterThan,
    ILike,
    In,
    IsNotNull,
    IsNull,
    JsonContains,
    LessOrEqual,
    LessThan,
    Like,
    NotEqual,
    Spec,
    StartsWith,
)
from domain.shared.specification_fields import JsonHas, LessThanField
from tests.infrastructure.persistence.samples import Shop, a_shop, unit
from tests.support.stack import Stack

IN_SQL = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},
)  # fmt: skip
INT64, INT32 = 2**63 - 1, 2**31 - 1

# A small alphabet makes matches likely; the rest is everything that PostgreSQL can hold.
LETTERS = st.sampled_from("aAbBzZ%_\\' \né\u00c9\u0130ıß😀\u0301")
CHARACTERS = LETTERS | st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXT = st.text(LETTERS, max_size=4) | st.text(CHARACTERS, max_size=6)
LONG = st.just("a" * 64) | st.just("a" * 64 + "b") | st.just("a" * 201)
WILD = st.sampled_from(["%", "_", "\\%", "\\_", "\\\\", "a", "B", "é", "😀", "\n"])
PATTERN = st.lists(WILD, max_size=5).map("".join)
INT = st.sampled_from([0, 1, 2, 3, -1, INT32, INT32 + 1, -INT32 - 1, -INT32 - 2, INT64, INT64 + 1, -INT64 - 2, 10**30])
FEW = [datetime(2026, 3, 14, 15, 9, 26, micros, tzinfo=UTC) for micros in (0, 1, 535_897)]
# The very first and the very last moment of Python are the infinities of PostgreSQL's driver.
ENDS = [datetime(1, 1, 1, microsecond=1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC)]
MOMENT = (
    st.sampled_from([*FEW, *ENDS, FEW[1].astimezone(timezone(timedelta(hours=-7)))])
    | st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
)  # fmt: skip
IDS = [UUID(int=n) for n in (1, 2, 2**127, 2**128 - 1)]
UUIDS = st.sampled_from(IDS)
PAIRS = st.dictionaries(st.sampled_from(["a", "é", "%"]), TEXT | INT | st.booleans(), max_size=3)
VALUE = TEXT | LONG | INT | st.booleans() | MOMENT | UUIDS

type Leaves = st.SearchStrategy[Spec[object]]

# Columns of one type, which two attributes of an entity can be compared by.
TWINS = {"name": ["sku", "name"], "sku": ["name"], "amount.minor": ["quantity"], "quantity": ["amount.minor"]}


def leaves(fields: Mapping[str, st.SearchStrategy[Any]], ordered: Mapping[str, st.SearchStrategy[Any]]) -> Leaves:
    """Make leaves: equality of any field with any value, order only between values of one type."""
    names = st.sampled_from(sorted(fields))
    own = names.flatmap(lambda name: st.tuples(st.just(name), fields[name]))
    comparable = st.sampled_from(sorted(ordered))
    orders = st.sampled_from([GreaterThan, GreaterOrEqual, LessThan, LessOrEqual])

    def compared(name: str) -> Leaves:
        between = st.builds(Between, st.just(name), ordered[name], ordered[name])
        return between | orders.flatmap(lambda order: st.builds(order, st.just(name), ordered[name]))

    return st.one_of(
        own.map(lambda pair: Equal(*pair)),
        own.map(lambda pair: NotEqual(*pair)),
        st.builds(Equal, names, VALUE | st.none()),
        st.builds(NotEqual, names, VALUE | st.none()),
        names.flatmap(lambda name: st.builds(In, st.just(name), st.lists(fields[name] | VALUE, max_size=4))),
        comparable.flatmap(compared),
        st.builds(Like, names, PATTERN),
        st.builds(ILike, names, PATTERN),
        st.builds(Contains, names, TEXT),
        st.builds(StartsWith, names, TEXT),
        st.builds(IsNull, names),
        st.builds(IsNotNull, names),
        st.builds(JsonContains, names, PAIRS),
        st.builds(JsonHas, names, TEXT | LONG),
        comparable.flatmap(
            lambda name: st.builds(LessThanField, st.just(name), st.sampled_from(TWINS.get(name, [name])))
        ),
    )


def specs(of: Leaves) -> st.SearchStrategy[Spec[Any]]:
    """Combine leaves with the whole algebra."""
    base: st.SearchStrategy[Spec[Any]] = st.one_of(of, of, of, st.just(Everything()))
    return st.recursive(
        base,
        lambda inner: st.one_of(
            inner.map(lambda spec: ~spec),
            st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        ),
        max_leaves=6,
    )


PRODUCT_ORDERED = {"id": UUIDS, "name": TEXT | LONG, "sku": TEXT | LONG, "created_at": MOMENT, "version": INT}
PRODUCT_SPECS = specs(
    leaves({**PRODUCT_ORDERED, "metadata": TEXT, "description": TEXT, "category": TEXT, "tags": TEXT}, PRODUCT_ORDERED)
)
ORDER_ORDERED = {
    "amount.minor": INT, "amount.currency": st.sampled_from(["EUR", "JPY", "eur"]), "quantity": INT, "status": TEXT,
    "payment_method_id": UUIDS, "completed_at": MOMENT, "failure_code": TEXT,
}  # fmt: skip
ORDER_SPECS = specs(leaves({**ORDER_ORDERED, "failure_permanent": st.booleans()}, ORDER_ORDERED))


# Rows as no factory would allow them.
PRODUCTS = st.lists(
    st.fixed_dictionaries({
        "id": UUIDS | st.uuids(version=4), "name": TEXT, "sku": st.none() | TEXT, "description": TEXT,
        "created_at": MOMENT, "metadata": PAIRS, "category": st.none() | TEXT, "tags": st.lists(TEXT | LONG).map(tuple),
    }),
    max_size=6,
)  # fmt: skip
AMOUNT = st.builds(Money, st.sampled_from([1, 2, 3, INT32, INT32 + 1, INT64]), st.sampled_from(["EUR", "JPY"]))
ORDERS = st.lists(
    st.fixed_dictionaries({
        "quantity": st.sampled_from([0, 1, 2, INT32, -INT32 - 1]), "status": st.sampled_from(PaymentOrderStatus),
        "failure_permanent": st.booleans(), "failure_code": st.none() | TEXT, "completed_at": st.none() | MOMENT,
        "amount": AMOUNT, "payment_method_id": st.booleans(),
    }),
    max_size=6,
)  # fmt: skip

type Fields = Mapping[str, Any]  # reason: drawn by name


def stocked(shop: Shop, drawn: Sequence[Fields]) -> list[Product]:
    """Make products of the shop, leaving out those whose id or SKU an earlier one has."""
    by_id = {fields["id"]: fields for fields in drawn}
    by_sku = {fields["id"] if fields["sku"] is None else fields["sku"]: fields for fields in by_id.values()}
    return [
        Product(organization_id=shop.actor.organization_id, updated_at=FEW[0], version=1, **fields)
        for fields in by_sku.values()
    ]


def ordered(shop: Shop, drawn: Sequence[Fields]) -> list[PaymentOrder]:
    """Make orders in the shop."""
    method_id = shop.method.id
    return [
        PaymentOrder(
            id=PaymentOrderId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, created_at=FEW[0],
            updated_at=FEW[0], number=uuid4().hex[:20], payment_link_id=shop.link.id, customer_id=shop.customer.id,
            product_id=shop.product.id, price_id=shop.price.id, version=1,
            **{**fields, "payment_method_id": method_id if fields["payment_method_id"] else None},
        )
        for fields in drawn
    ]  # fmt: skip


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of this file's own."""
    return await a_shop(stack)


@IN_SQL
@given(drawn=PRODUCTS, asked=st.lists(PRODUCT_SPECS, min_size=1, max_size=5))
async def test_products_are_selected_alike(shop: Shop, drawn: list[Fields], asked: list[Spec[Product]]) -> None:
    """Text, JSON, moments, ids: whatever holds in Python is selected in SQL, and nothing else."""
    async with unit(shop.stack, shop.actor) as uow:
        await uow.products.add_many(stocked(shop, drawn))
        stored = await uow.products.find(Everything())
        for spec in asked:
            expected = {row.id for row in stored if spec.is_satisfied_by(row)}
            assert {row.id for row in await uow.products.find(spec)} == expected, spec
            assert await uow.products.count(spec) == len(expected)
            assert await uow.products.exists(spec) == bool(expected)


@IN_SQL
@given(drawn=ORDERS, asked=st.lists(ORDER_SPECS, min_size=1, max_size=5))
async def test_orders_are_selected_alike(shop: Shop, drawn: list[Fields], asked: list[Spec[PaymentOrder]]) -> None:
    """Money, counts of both widths, booleans, enum members and absent ids: the two evaluations agree."""
    async with unit(shop.stack, shop.actor) as uow:
        await uow.payment_orders.add_many(ordered(shop, drawn))
        stored = await uow.payment_orders.find(Everything())
        for spec in asked:
            expected = {row.id for row in stored if spec.is_satisfied_by(row)}
            assert {row.id for row in await uow.payment_orders.find(spec)} == expected, spec


@IN_SQL
@given(drawn=PRODUCTS, sort=st.sampled_from(sorted(PRODUCT_ORDERED)), down=st.booleans())
async def test_products_are_sorted_alike(shop: Shop, drawn: list[Fields], sort: str, down: bool) -> None:
    """Text by code point, numbers and moments by size, absent values first, ties by id; descending is the reverse."""

    def place(row: Product) -> tuple[Any, ...]:
        value = getattr(row, sort)
        return (False, row.id) if value is None else (True, value, row.id)

    async with unit(shop.stack, shop.actor) as uow:
        await uow.products.add_many(stocked(shop, drawn))
        stored = await uow.products.find(Everything())
        found = await uow.products.find(Everything(), sort=f"-{sort}" if down else sort)
        assert [row.id for row in found] == [row.id for row in sorted(stored, key=place, reverse=down)]


@pytest.mark.parametrize("field", ["amount.minor", "quantity"])
@pytest.mark.parametrize("number", [INT32 + 1, -INT32 - 2, INT64 + 1, -INT64 - 2, 10**30, -(10**30)])
async def test_a_number_too_large_for_the_column_is_only_a_number(shop: Shop, field: str, number: int) -> None:
    """Beyond what a column holds nothing is equal, everything is above or below, and no driver complains."""
    order = shop.order()
    asked: list[Spec[Any]] = [Equal(field, number), NotEqual(field, number)]
    asked += [GreaterThan(field, number), GreaterOrEqual(field, number), LessThan(field, number)]
    asked += [
        LessOrEqual(field, number),
        In(field, [number, 1250, 1]),
        Between(field, -number, number),
        Between(field, number, -number),
    ]
    async with unit(shop.stack, shop.actor) as uow:
        await uow.payment_orders.add_many([order])
        for spec in asked:
            assert await uow.payment_orders.exists(spec) == spec.is_satisfied_by(order), spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", True), ("quantity", "1"), ("failure_permanent", 0), ("number", 1), ("customer_id", "x"),
        ("created_at", "2026-03-14T15:09:26.000000Z"), ("status", 1), ("completed_at", 0),
    ],
)  # fmt: skip
async def test_a_value_of_another_type_equals_nothing(shop: Shop, field: str, value: str | int) -> None:
    """True is not 1, 1 is not "1" and the text of a moment is no moment, however a database stores them."""
    order = shop.order()
    asked: list[Spec[Any]] = [Equal(field, value), In(field, [value]), NotEqual(field, value)]
    async with unit(shop.stack, shop.actor) as uow:
        await uow.payment_orders.add_many([order])
        for spec in asked:
            assert await uow.payment_orders.exists(spec) == spec.is_satisfied_by(order), spec


async def test_a_list_of_texts_is_compared_whole(shop: Shop) -> None:
    """A value longer than its column is not cut off to fit, and so equals nothing."""
    async with unit(shop.stack, shop.actor) as uow:
        await uow.products.update_where(Everything(), {"sku": "A" * 64})
        assert await uow.products.exists(In("sku", ["A" * 64]))
        assert not await uow.products.exists(In("sku", ["A" * 64 + "B"]))


@pytest.mark.parametrize(
    "spec", [GreaterThan("name", 1), LessThan("version", "x"), Between("metadata", "a", "b"), GreaterThan("id", "x")]
)
async def test_an_order_between_types_is_a_mistake(shop: Shop, spec: Spec[Any]) -> None:
    """Comparing text with numbers is refused by both evaluations, whatever rows there are."""
    with pytest.raises(TypeError):
        spec.is_satisfied_by(shop.product)
    async with unit(shop.stack, shop.actor) as uow:
        with pytest.raises(TypeError):
            await uow.products.find(spec)


@pytest.mark.parametrize("field", ["nothing", "metadata_", "amount_minor", "_events"])
async def test_a_field_that_is_not_stored_is_a_mistake(shop: Shop, field: str) -> None:
    """Only an aggregate's own attributes can be asked for."""
    async with unit(shop.stack, shop.actor) as uow:
        with pytest.raises(AttributeError):
            await uow.products.find(Equal(field, 1))
        with pytest.raises(AttributeError):
            await uow.payment_orders.find(Everything(), sort=field)


async def test_the_shape_of_a_statement_never_depends_on_values(shop: Shop) -> None:
    """A thousand different values share one prepared statement."""
    kept = shop.stack.database._statements
    async with unit(shop.stack, shop.actor) as uow:
        await uow.products.find(Equal("name", "first") | In("sku", ["a"]))
        before = len(kept)
        for n in itertools.islice(itertools.count(), 50):
            await uow.products.find(Equal("name", f"name {n}") | In("sku", [str(n)] * n))
        assert len(kept) == before
