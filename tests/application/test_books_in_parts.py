"""Books of any length: verified part by part, and added up span by span."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from application.kernel.dispatcher import Dispatcher
from domain.books.balances import BooksSpanTooLong
from infrastructure.books import verify
from infrastructure.container import Container
from infrastructure.persistence.repositories import books
from tests.application.test_books import without_guard
from tests.support.shop import Shop
from tests.support.stack import Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """A shop of the test's own, so that its balances are known."""
    return await Shop.open(stack)


async def test_a_verification_goes_on_where_the_one_before_stopped(fresh_stack: Stack) -> None:
    """Order by order, nothing is read twice or left out, and what is wrong is found in its own part only."""
    shop = await Shop.open(fresh_stack)
    orders = [await shop.sale() for _ in range(3)]
    wrong = str(orders[1]["number"])
    await without_guard(shop, f"UPDATE payment_orders SET fee_minor = 0 WHERE {{mine}} AND number = '{wrong}'")
    reports = [await shop.run("books.verify", limit=1)]
    while (after := reports[-1]["next_after"]) is not None:
        reports.append(await shop.run("books.verify", limit=1, after=after))
    assert [(each["orders"], each["entries"], each["ok"]) for each in reports] == [
        (1, 2, True), (1, 2, False), (1, 2, True), (0, 0, True),
    ]  # fmt: skip
    assert [each["next_after"] for each in reports[:3]] == [order["id"] for order in orders]


async def test_everybodys_books_are_verified_part_by_part(fresh_stack: Stack) -> None:
    """The command line walks every organization to its end, and hears how far it is."""
    shops = [await Shop.open(fresh_stack) for _ in range(2)]
    for shop in shops:
        for _ in range(2):
            await shop.sale()
    heard: list[int] = []
    verified = cast("Container", Verified(fresh_stack))
    for shop in shops:
        report = await verify(verified, shop.organization_id, heard.append, at_once=1)
        assert (report.ok, report.organizations, report.orders, report.entries) == (True, 1, 2, 4)
    assert heard == [2, 4, 4] * 2


@dataclass(frozen=True)
class Verified:
    """As much of a container as a verification of one organization needs."""

    stack: Stack

    def dispatcher(self) -> Dispatcher:
        return self.stack.dispatcher


async def test_balances_of_a_span_are_what_moved_in_it(shop: Shop) -> None:
    """Spans that follow each other add up to the whole."""
    await shop.sale()
    now = shop.stack.clock.now() + timedelta(seconds=1)
    before, later = [
        await shop.run("books.get_balances", **{bound: now.isoformat()}) for bound in ("created_before", "created_from")
    ]
    assert (before, later["data"]) == (await shop.run("books.get_balances"), [])


async def test_balances_of_too_many_entries_are_refused_and_not_cut(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as fit are added up; one more is an error with a name."""
    await shop.sale()
    monkeypatch.setattr(books, "MAX_ENTRIES", 2)
    assert len(await shop.balances()) == 3
    monkeypatch.setattr(books, "MAX_ENTRIES", 1)
    with pytest.raises(BooksSpanTooLong):
        await shop.run("books.get_balances")
