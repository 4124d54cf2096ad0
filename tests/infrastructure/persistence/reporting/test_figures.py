"""The kept figures equal what orders and refunds add up to, whatever happened to them."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.payments.figures import Span
from domain.shared.specification import Everything
from infrastructure.persistence.reporting.tally import Tally
from tests.infrastructure.persistence.reporting.histories import (
    MOMENTS,
    START,
    STEPS,
    ByHand,
    Step,
    live,
    money_only,
    readable,
)
from tests.infrastructure.persistence.samples import Shop, a_shop, counted, unit
from tests.support.races import race
from tests.support.stack import Stack

EVERYTHING = Span(
    (START - timedelta(days=2)).replace(hour=0, minute=0), (START + timedelta(days=5)).replace(hour=0, minute=0)
)
RANDOM = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=set(Phase) - {Phase.explain, Phase.shrink},
)  # fmt: skip


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of this file's own; histories add to each other."""
    return await a_shop(stack)


@RANDOM
@given(steps=STEPS, ends=st.lists(MOMENTS, min_size=2, max_size=4))
async def test_a_random_history_adds_up(shop: Shop, steps: list[Step], ends: list[datetime]) -> None:
    """After any history nothing differs from a recount, and any span equals what is counted by hand."""
    await live(shop, steps)
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        assert await uow.payment_figures.verify(EVERYTHING) == 0
        moments = sorted({EVERYTHING.since, *ends, EVERYTHING.until})
        spans = [Span(since, until) for since, until in pairwise(moments)]
        by_hand = [await ByHand.count(uow, span) for span in spans]
        series = await uow.payment_figures.series(spans)
        assert [readable(list(each)) for each in series] == [money_only(each.figures) for each in by_hand]
        for span, wanted in zip(spans, by_hand, strict=True):
            assert readable(list(await uow.payment_figures.over(span))) == wanted.figures
            assert await uow.payment_figures.durations(span) == wanted.durations
        of_yen = await uow.payment_figures.series(spans, currency="JPY")
        assert [readable(list(each)) for each in of_yen] == [
            {c: sums for c, sums in money_only(each.figures).items() if c == "JPY"} for each in by_hand
        ]


async def test_without_keeping_the_figures_a_recount_finds_the_difference(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recount sees a payment that was not counted, and correcting it makes all sums right again."""
    shop = await a_shop(stack)
    order = shop.order()
    with monkeypatch.context() as patched:
        patched.setattr(Tally, "note", lambda *_: None)
        async with unit(stack, shop.actor) as uow:
            uow.payment_orders.add(order)
            await uow.commit()
    today = order.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    days = Span(today, today + timedelta(days=1))
    async with unit(stack, shop.actor) as uow:
        assert await uow.payment_figures.verify(days) == 1
        assert await uow.payment_figures.recount(days) == 1
        assert await uow.payment_figures.verify(days) == 0
        assert [each.count("orders_pending") for each in await uow.payment_figures.over(days)] == [1]
        assert await uow.payment_figures.recount(days) == 0


async def test_concurrent_payments_are_all_counted(stack: Stack) -> None:
    """Twenty transactions that change the same sums at once lose none of them and wait for each other in no circle."""
    shop = await a_shop(stack)
    orders = [shop.order() for _ in range(20)]

    async def add(n: int) -> None:
        async with unit(stack, shop.actor) as uow:
            uow.payment_orders.add(orders[n])
            if n % 2:
                orders[n].created_at -= timedelta(hours=n % 4)
            await uow.commit()

    await race(add(n) for n in range(20))
    async with unit(stack, shop.actor, read_only=True) as uow:
        now = stack.clock.now()
        over = await uow.payment_figures.over(Span(now - timedelta(days=1), now + timedelta(hours=1)))
        assert [each.count("orders_pending") for each in over] == [20]


async def test_one_commit_sends_one_statement_for_all_its_sums(stack: Stack) -> None:
    """A thousand orders of two hours are two rows of figures, added in one statement."""
    shop = await a_shop(stack)
    orders = [shop.order() for _ in range(1000)]
    for order in orders[::2]:
        order.created_at -= timedelta(hours=1)
    async with unit(stack, shop.actor) as uow:
        await uow.payment_orders.add_many(orders)
        statements = counted(uow)
        await uow.commit()
    assert len([sql for sql in statements if "payment_figures" in sql]) == 1


async def test_organizations_see_their_own_figures(stack: Stack) -> None:
    """A neighbour's payments are in nobody else's sums."""
    mine, theirs = await a_shop(stack), await a_shop(stack)
    async with unit(stack, theirs.actor) as uow:
        await uow.payment_orders.add_many([theirs.order() for _ in range(3)])
        await uow.commit()
    async with unit(stack, mine.actor, read_only=True) as uow:
        now = stack.clock.now()
        assert await uow.payment_figures.over(Span(now - timedelta(days=1), now + timedelta(hours=1))) == []
        assert await uow.payment_orders.count(Everything()) == 0
