"""Searching payment orders and adding them up, as an operator asks for it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from domain.payments.figures import FiguresTooLarge
from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus
from domain.payments.payment_order import PaymentOrder
from domain.payments.refund import Refund, RefundOutcome, RefundStatus
from domain.shared.errors import StoaError
from domain.shared.ids import PaymentAttemptId, PaymentOrderId, RefundId, encode_id
from domain.shared.money import MAX_MINOR, Money
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.workers.relay import Relay
from tests.infrastructure.persistence.samples import Shop, a_shop, unit
from tests.support.stack import Stack

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of the test's own."""
    return await a_shop(stack)


def sold(shop: Shop, at: datetime, minor: int = 1000, currency: str = "EUR", **fields: Any) -> PaymentOrder:
    """Open an order and have it paid two seconds after it was opened."""
    order = opened(shop, at, minor, currency, **fields)
    order.pay(PaymentAttemptId(shop.stack.ids.new()), shop.method.id, at)
    paid = AttemptOutcome(status=AttemptStatus.SUCCEEDED, reference="ch", fee=Money(min(30, minor), currency))
    order.conclude(order.attempts[-1].id, paid, at + timedelta(seconds=2))
    return order


def opened(shop: Shop, at: datetime, minor: int = 1000, currency: str = "EUR", **fields: Any) -> PaymentOrder:
    """Open an order."""
    return PaymentOrder.open(
        shop.link, id=PaymentOrderId(shop.stack.ids.new()), number=uuid4().hex[:20], customer_id=shop.customer.id,
        quantity=1, amount=Money(minor, currency), now=at, **fields,
    )  # fmt: skip


async def keep(shop: Shop, *orders: PaymentOrder) -> None:
    """Commit orders."""
    async with unit(shop.stack, shop.actor) as uow:
        await uow.payment_orders.add_many(orders)
        await uow.commit()


async def found(shop: Shop, **criteria: Any) -> set[str]:
    """Return the ids that a search finds."""
    page = await shop.stack.run("payment_orders.search", shop.actor, **criteria)
    return {str(row["id"]) for row in cast("list[Mapping[str, object]]", page["data"])}


def ids(*orders: PaymentOrder) -> set[str]:
    return {encode_id("ord", order.id) for order in orders}


async def test_every_criterion_of_the_search_narrows(shop: Shop) -> None:
    """Each one alone finds the order it is about; the complement of a switch finds the others."""
    known = {"metadata": {"shop": 7}, "kyc_status": "verified", "risk_score": 60}
    odd = sold(shop, NOON, 5000, "JPY", **known)
    plain = opened(shop, NOON - timedelta(days=1))
    odd.number, odd.attention_at = f"X-{odd.number[:10]}", NOON
    await keep(shop, odd, plain)
    late, early = "2026-03-29T00:00:00Z", "2026-03-29T00:00:00Z"
    about_odd: list[dict[str, Any]] = [
        {"statuses": ["completed", "refunded"]}, {"number": odd.number}, {"currency": "JPY"},
        {"currency": "JPY", "amount_min": 5000, "amount_max": 5000}, {"created_from": late},
        {"completed_from": late, "completed_before": "2026-03-30T00:00:00Z"}, {"kyc_statuses": ["verified", "x"]},
        {"risk_min": 60}, {"risk_max": 60}, {"needs_attention": True}, {"attempts_min": 1}, {"metadata": {"shop": 7}},
        {"text": "x-"}, {"payment_method_id": encode_id("pm", shop.method.id)}, {"sort": "-completed_at"},
    ]  # fmt: skip
    for criteria in about_odd:
        assert await found(shop, **criteria) == ids(odd), criteria
    for criteria in ({"statuses": ["pending"]}, {"created_before": early}, {"needs_attention": False}):
        assert await found(shop, **criteria) == ids(plain), criteria
    for criteria in ({}, {"refunded": False}, {"attempts_min": 0}, {"product_id": encode_id("prod", shop.product.id)}):
        assert await found(shop, **criteria) == ids(odd, plain), criteria
    assert await found(shop, refunded=True) == await found(shop, failure_code="declined") == set()


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ({"amount_min": 1}, "search_invalid"), ({"amount_max": 1}, "search_invalid"),
        ({"currency": "EUR", "amount_min": 2, "amount_max": 1}, "search_invalid"),
        ({"risk_min": 2, "risk_max": 1}, "search_invalid"),
        ({"created_from": "2026-01-01T00:00:00Z", "created_before": "2026-01-01T00:00:00Z"}, "search_invalid"),
        ({"currency": "XXQ"}, "currency_invalid"),
    ],
)  # fmt: skip
async def test_criteria_that_exclude_each_other_are_refused(shop: Shop, criteria: Mapping[str, Any], code: str) -> None:
    """With a code, and not with an empty answer."""
    with pytest.raises(StoaError) as caught:
        await found(shop, **criteria)
    assert caught.value.code == code


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "completed_at", "-completed_at", "amount", "-amount"])
async def test_pages_follow_each_other_in_every_order(shop: Shop, sort: str) -> None:
    """Page by page comes the whole, each order once, ties and all; unpaid orders have no place by completion."""
    orders = [sold(shop, NOON + timedelta(hours=n % 3), 1000 + n % 2) for n in range(7)]
    await keep(shop, *orders, opened(shop, NOON, 900))
    seen: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await shop.stack.run("payment_orders.search", shop.actor, sort=sort, limit=2, cursor=cursor)
        seen += cast("Sequence[Mapping[str, Any]]", page["data"])
        cursor = cast("str | None", page["next_cursor"])
        if cursor is None:
            break
    assert len({row["id"] for row in seen}) == len(seen) == (7 if "completed" in sort else 8)
    name = sort.removeprefix("-")
    keys = [(row[name]["amount"] if name == "amount" else row[name], row["id"]) for row in seen]
    assert keys == sorted(keys, reverse=sort.startswith("-"))


async def test_statistics_of_a_period(shop: Shop) -> None:
    """States and success of what was opened in it, money and times of what was captured and refunded in it."""
    stack, outside = shop.stack, sold(shop, NOON - timedelta(days=2))
    declined = opened(shop, NOON)
    declined.pay(PaymentAttemptId(stack.ids.new()), shop.method.id, NOON)
    declined.conclude(declined.attempts[-1].id, AttemptOutcome(status=AttemptStatus.DECLINED), NOON)
    refunded = sold(shop, NOON, 1001)
    await keep(shop, outside, declined, refunded, sold(shop, NOON, 4000, "JPY"), opened(shop, NOON))
    async with unit(stack, shop.actor) as uow:
        order = await uow.payment_orders.get(refunded.id, lock=True)
        refund = Refund.request(order, id=RefundId(stack.ids.new()), amount=Money(101, "EUR"), now=NOON)
        refund.conclude(RefundOutcome(status=RefundStatus.SUCCEEDED), NOON + timedelta(hours=1))
        order.settle_refund(refund.id, refund.amount, NOON + timedelta(hours=1))
        uow.refunds.add(refund)
        await uow.commit()
    told = await stack.run(
        "payment_orders.get_statistics", shop.actor, since="2026-03-29T11:59:59Z", until="2026-03-29T13:00:00.000001Z"
    )
    states = cast("Mapping[str, int]", told["orders_by_status"])
    assert {name: count for name, count in states.items() if count} == {
        "partially_refunded": 1, "completed": 1, "failed": 1, "pending": 1,
    }  # fmt: skip
    assert (told["orders"], told["success_rate"]) == (4, "0.6667")
    time = cast("Mapping[str, int]", told["processing_time"])
    assert time["payments"] == 2
    assert abs(time["p50_ms"] - 2000) <= 100
    euros, yen = cast("Sequence[Mapping[str, Any]]", told["volume"])
    assert (euros["captured"]["amount"], euros["refunded"]["amount"], euros["fees"]["amount"]) == (1001, 101, 30)
    assert (euros["net"]["amount"], euros["refund_rate"], euros["average_order"]["amount"]) == (870, "0.1009", 1001)
    assert (yen["currency"], yen["captures"], yen["refunds"], yen["refund_rate"]) == ("JPY", 1, 0, "0.0000")


async def test_a_series_has_every_day_and_the_hours_that_the_zone_gives_it(shop: Shop) -> None:
    """In Berlin the 29th of March ends at 22:00 UTC; in Kathmandu each day does at 18:15."""
    midnight, quarter = datetime(2026, 3, 29, 22, tzinfo=UTC), datetime(2026, 3, 29, 18, 15, tzinfo=UTC)
    second = timedelta(seconds=2)
    for at in (midnight, quarter):
        await keep(shop, sold(shop, at - second - timedelta(microseconds=1), 100), sold(shop, at - second, 7))

    async def days(zone: str) -> list[tuple[str, int]]:
        told = await shop.stack.run(
            "payment_orders.get_daily_volume", shop.actor, first_day="2026-03-28", last_day="2026-03-31",
            time_zone=zone, currency="EUR",
        )  # fmt: skip
        (series,) = cast("Sequence[Mapping[str, Any]]", told["series"])
        return [(day["date"], day["captured_minor"]) for day in series["days"]]

    assert await days("Europe/Berlin") == [
        ("2026-03-28", 0), ("2026-03-29", 207), ("2026-03-30", 7), ("2026-03-31", 0)
    ]  # fmt: skip
    assert await days("Asia/Kathmandu") == [
        ("2026-03-28", 0), ("2026-03-29", 100), ("2026-03-30", 114), ("2026-03-31", 0)
    ]  # fmt: skip


NEW_YEAR = {"first_day": "2026-01-01", "last_day": "2026-01-01"}


@pytest.mark.parametrize(
    ("use_case", "fields", "code"),
    [
        ("get_daily_volume", {"first_day": "2026-01-01", "last_day": "2027-01-02"}, "period_invalid"),
        ("get_daily_volume", {"first_day": "2026-01-02", "last_day": "2026-01-01"}, "period_invalid"),
        ("get_daily_volume", {"first_day": "0001-01-01", "last_day": "9999-12-31"}, "date_invalid"),
        ("get_daily_volume", {"first_day": "2026-W01-1", "last_day": "2026-01-31"}, "date_invalid"),
        ("get_daily_volume", {**NEW_YEAR, "time_zone": "Mars/Base"}, "time_zone_invalid"),
        ("get_statistics", {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "period_invalid"),
        ("get_statistics", {"since": "1990-01-02T00:00:00Z"}, "period_invalid"),
    ],
)  # fmt: skip
async def test_impossible_periods_are_refused(shop: Shop, use_case: str, fields: Mapping[str, Any], code: str) -> None:
    """With a code for each way to be impossible."""
    with pytest.raises(StoaError) as caught:
        await shop.stack.run(f"payment_orders.{use_case}", shop.actor, **fields)
    assert caught.value.code == code


async def test_sums_beyond_64_bits_are_kept_and_not_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is kept from being paid; the question for an amount that cannot be written is refused."""
    monkeypatch.setattr("domain.payments.payment_order.LARGEST_ORDER", MAX_MINOR)  # else it would take millions of them
    that_day: dict[str, Any] = {"first_day": "2026-03-29", "last_day": "2026-03-29"}
    await keep(shop, *(sold(shop, NOON, MAX_MINOR) for _ in range(3)))
    with pytest.raises(StoaError) as caught:
        await shop.stack.run(
            "payment_orders.get_daily_volume", shop.actor, first_day="2026-03-29", last_day="2026-03-29"
        )
    assert caught.value.code == "figures_too_large"
    checked = await shop.stack.run("payment_orders.verify_statistics", shop.actor, **that_day)
    assert checked["wrong"] == 0
    with pytest.raises(FiguresTooLarge):
        await shop.stack.run("payment_links.get_statistics", shop.actor, id=encode_id("plink", shop.link.id))


async def test_recent_orders_come_with_their_events(fresh_stack: Stack) -> None:
    """Newest orders first, each with its attempts and what was published about it, newest first as well."""
    shop = await a_shop(fresh_stack)
    orders = [sold(shop, NOON + timedelta(minutes=n)) for n in range(3)]
    await keep(shop, *orders)
    relay = Relay(fresh_stack.relay_database, InMemoryEventPublisher())
    while await relay.drain_once():
        pass
    told = await fresh_stack.run("payment_orders.list_recent_with_events", shop.actor, limit=2)
    rows = cast("Sequence[Mapping[str, Any]]", told["data"])
    assert [row["order"]["number"] for row in rows] == [orders[2].number, orders[1].number]
    for row in rows:
        assert [event["type"].partition(".")[2] for event in row["events"]] == ["completed", "processing", "created"]
        assert len(row["order"]["attempts"]) == 1
    assert told["next_cursor"] is not None
