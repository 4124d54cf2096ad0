"""Money goes back once, never more than came in, and the books know both."""

import asyncio

import pytest

from domain.payments.errors import PaymentProviderError
from domain.payments.payment_order_errors import RefundExceedsCaptured
from domain.shared.errors import InvalidTransition
from domain.shared.money import CurrencyMismatch
from tests.support.races import race
from tests.support.shop import Shop, amounts, order_id, refund_id
from tests.support.stack import Stack

FEE = 26  # 1.4 % of 100 is 1.4, and 25


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """A shop that sells for 1.00 EUR."""
    return await Shop.open(stack)


async def test_a_partial_and_the_remaining_refund(shop: Shop) -> None:
    """The order goes from completed over partially refunded to refunded; the amount is set aside at once."""
    order = await shop.sale()
    assert (order["status"], amounts(order)) == ("completed", (100, 0, 100))
    first = await shop.refund(order, 60)
    assert (first["status"], amounts(await shop.look(order))) == ("pending", (100, 0, 40))
    done = await shop.give_back(first)
    assert (done["status"], done["provider"]) == ("succeeded", "sandbox")
    assert str(done["reference"]).startswith("sandbox_refund_")
    part = await shop.look(order)
    assert (part["status"], amounts(part)) == ("partially_refunded", (100, 60, 40))
    await shop.give_back(await shop.refund(order))
    whole = await shop.look(order)
    assert (whole["status"], amounts(whole)) == ("refunded", (100, 100, 0))
    with pytest.raises(InvalidTransition):
        await shop.refund(order, 1)
    assert await shop.problems() == []


@pytest.mark.parametrize(("token", "error"), [("decline", InvalidTransition), ("unknown", InvalidTransition)])
async def test_money_that_never_came_does_not_go_back(shop: Shop, token: str, error: type[Exception]) -> None:
    """Neither declined nor unknown money is refunded."""
    order = await shop.sale(token)
    with pytest.raises(error):
        await shop.refund(order, 1)


async def test_other_money_is_refused(shop: Shop) -> None:
    """A refund is in the order's currency."""
    order = await shop.sale()
    with pytest.raises(CurrencyMismatch):
        await shop.run("refunds.create", payment_order_id=order["id"], amount={"amount": 1, "currency": "SEK"})


async def test_a_declined_refund_releases_what_it_had_set_aside(shop: Shop) -> None:
    """The order stays completed, and the same amount may be tried again."""
    order = await shop.sale("refund_decline")
    refund = await shop.give_back(await shop.refund(order, 60))
    assert (refund["status"], refund["failure_code"]) == ("failed", "refund_declined")
    present = await shop.look(order)
    assert (present["status"], amounts(present)) == ("completed", (100, 0, 100))
    await shop.refund(order, 60)
    assert await shop.problems() == []


async def test_a_lost_answer_is_looked_up_and_posted_once(shop: Shop) -> None:
    """The refund happened; unknown first, it is found and never made twice."""
    order = await shop.sale("refund_unknown")
    before = await shop.balances()
    refund = await shop.refund(order, 60)
    assert (await shop.give_back(refund))["status"] == "unknown"
    assert amounts(await shop.look(order)) == (100, 0, 40)
    for _ in range(3):
        assert (await shop.give_back(refund))["status"] == "succeeded"
    after = await shop.balances()
    assert after["refunds"] - before.get("refunds", 0) == 60
    key = str(refund_id(refund))
    assert [each.amount for each in shop.stack.provider.refunds if each.idempotency_key == key] == [60]


async def test_a_lost_request_is_made_again(shop: Shop) -> None:
    """The provider never saw it, and the customer is owed the money: asking again under the same key is safe."""
    order = await shop.sale("refund_lost_once")
    refund = await shop.refund(order)
    assert (await shop.give_back(refund))["status"] == "unknown"
    assert (await shop.give_back(refund))["status"] == "succeeded"
    assert (await shop.look(order))["status"] == "refunded"


async def test_an_outage_changes_nothing(shop: Shop) -> None:
    """The refund stays on its way, and the worker comes back to it."""
    order = await shop.sale("refund_outage_once")
    refund = await shop.refund(order)
    with pytest.raises(PaymentProviderError):
        await shop.give_back(refund)
    assert (await shop.run("refunds.get", id=refund["id"]))["status"] == "processing"
    assert (await shop.give_back(refund))["status"] == "succeeded"


async def test_a_refund_nobody_knows_of_asks_for_attention(shop: Shop) -> None:
    """The worker goes on asking, ever later; a person finds it in the list."""
    order = await shop.sale("refund_unknown_forever")
    refund = await shop.refund(order)
    for _ in range(8):
        refund = await shop.give_back(refund)
    assert (refund["status"], refund["attention_at"] is not None) == ("unknown", True)
    listed = await shop.run("refunds.list", needs_attention=True)
    assert refund["id"] in [each["id"] for each in listed["data"]]  # type: ignore[attr-defined]  # reason: a list
    asked = await shop.run("refunds.reconcile", id=refund["id"])
    assert asked["version"] == int(str(refund["version"])) + 1


@pytest.mark.parametrize("rounds", [12])
async def test_two_refunds_of_sixty_on_a_hundred_have_one_winner(shop: Shop, rounds: int) -> None:
    """Whoever comes second hears that not so much is left; the same for ten refunds of thirty, of which three fit."""
    for _ in range(rounds):
        order = await shop.sale()
        raced = await race(shop.refund(order, 60) for _ in range(2))
        assert (len(raced.won), raced.lost) == (1, {"refund_exceeds_captured": 1})
        other = await shop.sale()
        raced = await race(shop.refund(other, 30) for _ in range(10))
        assert (len(raced.won), raced.lost) == (3, {"refund_exceeds_captured": 7})
        await asyncio.gather(*(shop.give_back(each) for each in raced.won))
        assert amounts(await shop.look(other)) == (100, 90, 10)
    assert await shop.problems() == []


async def test_the_worker_finishing_twice_at_once_gives_back_once(shop: Shop) -> None:
    """A zombie and its heir make one refund and one entry."""
    order = await shop.sale()
    before = await shop.balances()
    refund = await shop.refund(order, 60)
    await asyncio.gather(*(shop.give_back(refund) for _ in range(6)), return_exceptions=True)
    await shop.give_back(refund)
    after = await shop.balances()
    assert after["refunds"] - before.get("refunds", 0) == 60
    assert amounts(await shop.look(order)) == (100, 60, 40)


async def test_a_contradiction_is_kept_and_shown(shop: Shop) -> None:
    """A provider that takes a success back changes nothing by itself, but somebody should look."""
    order = await shop.sale()
    refund = await shop.give_back(await shop.refund(order, 60))
    again = await shop.run("refunds.record_outcome", id=refund["id"], status="declined", decline_code="returned")
    assert (again["status"], again["attention_at"] is not None) == ("succeeded", True)
    assert amounts(await shop.look(order)) == (100, 60, 40)


async def test_the_last_wall_is_in_the_database(shop: Shop) -> None:
    """An order whose refunds exceed what was collected cannot be written, whoever forgot to check."""
    order = await shop.sale()
    async with shop.stack.units(shop.actor, use_case="sabotage", request_id="sabotage") as uow:
        loaded = await uow.payment_orders.get(order_id(order), lock=True)
        loaded.amend(shop.stack.clock.now(), refund_pending_minor=101)
        with pytest.raises(RefundExceedsCaptured):
            await uow.flush()
