"""What a payment link has left to sell: a decline takes nothing away from anybody, and nothing is sold twice."""

from collections.abc import Mapping
from typing import cast

import pytest

from application.kernel.actor import PUBLIC_ACTOR
from domain.payments.checkout import MAX_CHECKOUT_ATTEMPTS, CheckoutAttemptsExhausted
from domain.payments.payment_attempt import AttemptStatus
from domain.payments.payment_link import PaymentLinkDeactivated, PaymentLinkExpired, PaymentLinkUsedUp
from tests.support.crowd import statements
from tests.support.purchases import new_reference
from tests.support.races import race
from tests.support.shop import Shop, amounts
from tests.support.stack import Body, Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """A shop of the test's own, whose link sells once."""
    return await Shop.open(stack, max_uses=1)


async def uses(shop: Shop) -> object:
    return (await shop.run("payment_links.get", id=shop.link["id"]))["uses"]


async def buy(shop: Shop, token: str, reference: str | None = None) -> Body:
    """Buy as somebody whom nobody knows, and return the checkout with its reference."""
    reference = reference or new_reference()
    bought = await shop.stack.run(
        "checkouts.submit", PUBLIC_ACTOR, slug=shop.link["slug"], reference=reference, name="Mara Lind",
        email=f"{reference[:12]}@example.com", provider_token=f"tok_sandbox_{token}",
    )  # fmt: skip
    return {**bought, "reference": reference}


async def retry(shop: Shop, checkout: Body, after: int, token: str) -> Body:
    return await shop.stack.run(
        "checkouts.retry", PUBLIC_ACTOR, reference=checkout["reference"], after=after,
        provider_token=f"tok_sandbox_{token}",
    )  # fmt: skip


async def orders(shop: Shop, **asked: object) -> list[Body]:
    listed = await shop.run("payment_orders.list", limit=100, **asked)
    return cast("list[Body]", listed["data"])


async def work(shop: Shop) -> None:
    """Charge everything that waits for it."""
    for order in await orders(shop, status="processing"):
        await shop.charge(order)


async def arrival(shop: Shop, order: Body) -> Body:
    """Let the money of the order's first attempt arrive after all."""
    attempt = cast("list[Mapping[str, object]]", order["attempts"])[0]["id"]
    return await shop.run(
        "payment_orders.record_outcome", id=order["id"], attempt_id=attempt, status=AttemptStatus.SUCCEEDED.value
    )


async def surplus_of(shop: Shop, order: Body) -> list[Body]:
    return cast("list[Body]", (await shop.run("refunds.list", payment_order_id=order["id"]))["data"])


@pytest.mark.parametrize("token", ["decline", "decline_permanent"])
async def test_bad_cards_leave_the_offer_to_honest_buyers(shop: Shop, token: str) -> None:
    """A declined purchase gives its use back at once, and not again when its order is cancelled."""
    await buy(shop, token)
    assert await uses(shop) == 1
    await work(shop)
    assert await uses(shop) == 0
    honest = await buy(shop, "success")
    await work(shop)
    status = await shop.stack.run("checkouts.get", PUBLIC_ACTOR, reference=honest["reference"])
    assert (status["status"], await uses(shop)) == ("paid", 1)
    (declined,) = await orders(shop, status="failed")
    await shop.run("payment_orders.cancel", id=declined["id"])
    assert await uses(shop) == 1


async def test_paying_a_failed_order_again_takes_a_use_again(shop: Shop) -> None:
    """Counted once while it is being paid, and once when it is."""
    failed = await shop.sale("decline")
    paying = await shop.pay(failed, "success")
    assert await uses(shop) == 1
    assert ((await shop.charge(paying))["status"], await uses(shop)) == ("completed", 1)


async def test_a_failed_order_waits_in_line_like_everybody(shop: Shop) -> None:
    """When others bought what was left, or the link has ended, its seller and its buyer are told so."""
    declined = await buy(shop, "decline")
    await work(shop)
    (failed,) = await orders(shop, status="failed")
    other = await shop.order()
    with pytest.raises(PaymentLinkUsedUp):
        await shop.pay(failed, "success")
    with pytest.raises(PaymentLinkUsedUp):
        await shop.run("payment_orders.retry", id=failed["id"])
    with pytest.raises(PaymentLinkUsedUp):
        await retry(shop, declined, 1, "success")
    await shop.run("payment_orders.cancel", id=other["id"])
    await shop.run("payment_links.expire", id=shop.link["id"])
    with pytest.raises(PaymentLinkExpired):
        await retry(shop, declined, 1, "success")
    await shop.run("payment_links.deactivate", id=shop.link["id"])
    with pytest.raises(PaymentLinkDeactivated):
        await shop.run("payment_orders.retry", id=failed["id"])
    assert await uses(shop) == 0


async def test_late_money_is_taken_while_something_is_left(shop: Shop) -> None:
    """Also when the link has ended meanwhile: the buyer came in time."""
    failed = await shop.sale("decline")
    await shop.run("payment_links.deactivate", id=shop.link["id"])
    await arrival(shop, failed)
    completed = await arrival(shop, failed)
    assert (completed["status"], await uses(shop), await surplus_of(shop, failed)) == ("completed", 1, [])
    assert await shop.problems() == []


async def test_late_money_for_what_was_sold_to_others_goes_back(shop: Shop) -> None:
    """Nothing is sold twice, nobody is refused their news, and told again it takes no use."""
    failed = await shop.sale("decline")
    sold = await shop.sale()
    late = await arrival(shop, failed)
    assert (late["status"], amounts(late), await uses(shop)) == ("failed", (0, 0, 0), 1)
    (refund,) = await surplus_of(shop, failed)
    assert (refund["surplus"], refund["status"], (await shop.look(sold))["status"]) == (True, "pending", "completed")
    await shop.run("payment_links.update", id=shop.link["id"], expected_version=await version(shop), max_uses=2)
    for _ in range(2):
        assert (await arrival(shop, failed))["status"] == "failed"
    assert (await uses(shop), len(await surplus_of(shop, failed)), await shop.problems()) == (1, 1, [])


async def version(shop: Shop) -> object:
    return (await shop.run("payment_links.get", id=shop.link["id"]))["version"]


async def test_fifty_buyers_of_one_use_with_bad_cards_among_them(shop: Shop) -> None:
    """However they meet, one of them pays in the end, uses are what is held, and nothing is left locked."""
    for tokens in (["decline"], ["decline", "success", "decline_permanent"], ["success"]):
        raced = await race(buy(shop, tokens[n % len(tokens)]) for n in range(50))
        assert raced.lost.keys() <= {"payment_link_used_up", "lock_timeout"}
        await race(shop.charge(order) for order in await orders(shop, status="processing"))
        held = [each for each in await orders(shop) if each["status"] not in {"failed", "cancelled", "expired"}]
        assert await uses(shop) == len(held) <= 1
    assert [each["status"] for each in await orders(shop) if each["status"] != "failed"] == ["completed"]
    assert await shop.problems() == []


async def test_outcomes_payments_and_cancellations_at_once_count_right(stack: Stack) -> None:
    """Declines give back and payments take while others buy and give up: no deadlock, and the count is what is held."""
    shop = await Shop.open(stack, max_uses=6)
    method = await shop.method("success")
    failed = [await shop.sale("decline") for _ in range(6)]
    flying = [await shop.pay(await shop.order(), "decline") for _ in range(3)]
    raced = await race(
        [
            *(shop.run("payment_orders.pay", id=each["id"], payment_method_id=method) for each in failed),
            *(shop.charge(each) for each in flying),
            *(shop.run("payment_orders.cancel", id=each["id"]) for each in failed[:3]),
            *(arrival(shop, each) for each in failed[2:5]),
            *(buy(shop, "success") for _ in range(4)),
        ]
    )
    assert raced.lost.keys() <= {"payment_link_used_up", "payment_in_progress", "transition_invalid"}
    held = [each for each in await orders(shop) if each["status"] not in {"failed", "cancelled", "expired"}]
    assert await uses(shop) == len(held) <= 6
    assert await shop.problems() == []


async def test_late_money_keeps_to_the_budget(stack: Stack) -> None:
    """It writes most of all outcomes: the link, the order, the books, or a refund of the surplus."""
    shop, budget = await Shop.open(stack, max_uses=1), stack.registry["payment_orders.record_outcome"].statements
    late, other = await shop.sale("decline"), await shop.sale("decline")
    for order in (late, other):
        attempt = cast("list[Mapping[str, object]]", order["attempts"])[0]["id"]
        with statements() as sent:
            await shop.run(
                "payment_orders.record_outcome", id=order["id"], attempt_id=attempt,
                status=AttemptStatus.SUCCEEDED.value, fee={"amount": 3, "currency": "EUR"},
            )  # fmt: skip
        assert len(sent) <= budget + (0 if stack.urls.is_postgres else 2), "\n".join(each[:50] for each in sent)


async def test_a_purchase_is_not_tried_for_ever(stack: Stack) -> None:
    """Ten cards in all, over all its orders; a try that was made already is still answered."""
    shop = await Shop.open(stack)
    tried = checkout = await buy(shop, "decline")
    for after in range(1, MAX_CHECKOUT_ATTEMPTS):
        await work(shop)
        tried = await retry(shop, checkout, after, "decline" if after % 3 else "decline_permanent")
    await work(shop)
    assert (tried["attempts"], len(await orders(shop)) > 1) == (MAX_CHECKOUT_ATTEMPTS, True)
    with pytest.raises(CheckoutAttemptsExhausted):
        await retry(shop, checkout, MAX_CHECKOUT_ATTEMPTS, "success")
    again = await retry(shop, checkout, MAX_CHECKOUT_ATTEMPTS - 1, "success")
    assert (again["attempts"], again["status"]) == (MAX_CHECKOUT_ATTEMPTS, "declined")
