"""Orders are paid in tokens: what is asked, what is taken, and what the chain decides."""

from typing import cast

import pytest
from attrs import evolve

from domain.payments.payment_order_errors import (
    PaymentInProgress,
    RefundInTokenUnsupported,
)
from domain.settlements.token_settlement import PaymentAuthorizationUsed
from domain.shared.errors import InvalidTransition
from domain.shared.evm_types import Address
from domain.wallets.errors import BlockchainError
from tests.support.shop import amounts
from tests.support.stack import Body
from tests.support.token_shops import PER_CENT, TokenShop


async def settled(shop: TokenShop, order: Body) -> Body:
    """Have the worker, the chain and the worker again do their part."""
    await shop.work(order)
    shop.chain.execute(await shop.signed(order))
    shop.chain.mine(shop.chain.confirmations)
    return await shop.work(order)


async def test_an_order_is_paid_when_the_chain_has_decided(shop: TokenShop) -> None:
    """Asked, signed, executed, confirmed: then, and only then, it is completed, and the books know the units."""
    order = await shop.buy()
    assert (order["status"], amounts(order)) == ("settlement_pending", (0, 0, 0))
    await shop.work(order)
    assert (await shop.shop.look(order))["status"] == "settlement_pending"
    moved = shop.chain.execute(await shop.signed(order))
    for _ in range(shop.chain.confirmations - 1):
        assert (await shop.work(order))["status"] == "settlement_pending"
        assert await shop.entries(order) == []
        shop.chain.mine()
    done = await shop.work(order)
    (attempt,) = cast("list[Body]", done["attempts"])
    assert (done["status"], amounts(done)) == ("completed", (1250, 0, 1250))
    assert (attempt["provider"], attempt["reference"], attempt["payment_method_id"]) == ("x402", moved, None)
    (entry,) = await shop.entries(order)
    assert (entry["type"], entry["token_amount"]) == ("chain_charge", str(1250 * PER_CENT))
    assert await shop.shop.balances() == {"chain_clearing": 1250, "sales": -1250}
    assert await shop.shop.problems() == []
    with pytest.raises(RefundInTokenUnsupported):
        await shop.shop.refund(done)


async def test_the_facilitators_wallet_executes_what_was_signed(shop: TokenShop) -> None:
    """Its transaction calls the token with the buyer's own words; working twice asks for it once."""
    order = await shop.buy()
    for _ in range(2):
        await shop.work(order)
    settlement = await shop.settlement(order)
    sent = await shop.shop.run("wallet_transactions.get", id=settlement["transaction_id"])
    assert sent["wallet_id"] == shop.accepted["facilitator_wallet_id"]
    assert (sent["recipient"], sent["data"]) == (
        shop.accepted["token"],
        "0x" + (await shop.inside(order)).call_data.hex(),
    )
    listed = await shop.shop.run("wallet_transactions.list")
    assert len(cast("list[Body]", listed["data"])) == 1


async def test_one_authorization_pays_one_order_once(shop: TokenShop) -> None:
    """Presented for the same order again, for another one, and by another organization's buyer, it is refused."""
    first, second = await shop.shop.order(), await shop.shop.order()
    payment = shop.buyer.pay(await shop.demand(first))
    await shop.present(first, payment)
    with pytest.raises(PaymentInProgress):
        await shop.present(first, payment)
    with pytest.raises(PaymentAuthorizationUsed):
        await shop.present(second, payment)
    await settled(shop, first)
    with pytest.raises(InvalidTransition):
        await shop.present(first, payment)
    with pytest.raises(PaymentAuthorizationUsed):
        await shop.present(second, payment)
    assert (await shop.shop.look(second))["status"] == "pending"


async def test_the_same_request_under_the_same_key_gets_the_same_answer(shop: TokenShop) -> None:
    """A lost answer is asked for again, and nothing is paid twice."""
    order = await shop.shop.order()
    asked = {"id": order["id"], "payment_signature": shop.buyer.pay(await shop.demand(order))}
    answers = [
        await shop.stack.run_once("one-key", "payment_orders.pay", shop.shop.actor, **asked) for _ in range(2)
    ]  # fmt: skip
    assert answers[0]["attempts"][0]["id"] == answers[1]["attempts"][0]["id"]  # type: ignore[index]  # reason: answers have attempts


async def test_what_happens_to_a_payment_in_the_race_window(shop: TokenShop) -> None:
    """The buyer cancels after we sent it: the order fails, may be paid again, and nothing was collected."""
    order = await shop.buy()
    await shop.work(order)
    shop.chain.cancel(await shop.signed(order))
    assert (await shop.work(order))["status"] == "settlement_pending"
    shop.chain.mine(shop.chain.confirmations)
    failed = await shop.work(order)
    assert (failed["status"], failed["failure_code"]) == ("failed", "authorization_cancelled")
    assert await shop.entries(order) == []
    again = await shop.pay(order)
    assert (await settled(shop, again))["status"] == "completed"


async def test_somebody_else_may_execute_it_and_the_order_is_paid(shop: TokenShop) -> None:
    """Ours then comes to nothing: what counts is that the token moved."""
    order = await shop.buy()
    await shop.work(order)
    theirs = shop.chain.execute(await shop.signed(order))
    await shop.fail_transaction(order)
    shop.chain.mine(shop.chain.confirmations)
    assert (await shop.work(order))["status"] == "completed"
    assert (await shop.settlement(order))["transaction_hash"] == theirs


@pytest.mark.parametrize("how", ["to somebody else", "with another that moved as much"])
async def test_a_nonce_that_was_used_for_something_else_pays_nothing(shop: TokenShop, how: str) -> None:
    """Whoever uses the nonce with other words, alone or beside a payment of the same sum, has not paid this order."""
    order = await shop.buy()
    await shop.work(order)
    signed = await shop.signed(order)
    if how == "to somebody else":
        shop.chain.execute(evolve(signed, recipient=Address("0x" + "01" * 20)))
    else:
        other = evolve(signed, recipient=Address("0x" + "01" * 20))
        shop.chain.execute(other, evolve(signed, nonce="0x" + "77" * 32))
    shop.chain.mine(shop.chain.confirmations)
    failed = await shop.work(order)
    assert (failed["status"], failed["failure_code"]) == ("failed", "authorization_used_elsewhere")


async def test_a_block_that_is_undone_settles_nothing(shop: TokenShop) -> None:
    """Until enough blocks are above it, it may go; then it is executed again."""
    order = await shop.buy()
    await shop.work(order)
    signed = await shop.signed(order)
    shop.chain.execute(signed)
    shop.chain.mine(shop.chain.confirmations - 2)
    assert (await shop.work(order))["status"] == "settlement_pending"
    shop.chain.undo(shop.chain.confirmations - 1)
    shop.chain.mine(shop.chain.confirmations + 2)
    assert (await shop.work(order))["status"] == "settlement_pending"
    again = shop.chain.execute(signed)
    shop.chain.mine(shop.chain.confirmations)
    assert (await shop.work(order))["status"] == "completed"
    assert (await shop.settlement(order))["transaction_hash"] == again


async def test_nothing_is_given_up_while_the_chain_may_still_settle_it(shop: TokenShop) -> None:
    """Our transaction failed, yet anybody may execute the authorization until a block that stays is past its end."""
    order = await shop.buy()
    await shop.work(order)
    await shop.fail_transaction(order)
    valid_before = (await shop.signed(order)).valid_before
    shop.chain.held[shop.buyer.address] = 0
    while shop.chain.time.timestamp() < valid_before - 60:
        shop.chain.mine(seconds=60)
        assert (await shop.work(order))["status"] == "settlement_pending"
    shop.chain.mine(seconds=120)
    assert (await shop.work(order))["status"] == "settlement_pending"
    shop.chain.mine(shop.chain.confirmations)
    failed = await shop.work(order)
    assert (failed["status"], failed["failure_code"]) == ("failed", "authorization_expired")


async def test_a_transaction_that_came_to_nothing_is_followed_by_another(shop: TokenShop) -> None:
    """As long as the authorization can be executed; where to look from stays the same."""
    order = await shop.buy()
    await shop.work(order)
    before = await shop.settlement(order)
    await shop.fail_transaction(order)
    shop.chain.mine(shop.chain.confirmations)
    await shop.work(order)
    after = await shop.settlement(order)
    assert after["transaction_id"] != before["transaction_id"]
    first = (await shop.inside(order)).first_block
    assert first is not None
    shop.chain.execute(await shop.signed(order))
    shop.chain.mine(shop.chain.confirmations)
    assert (await shop.work(order))["status"] == "completed"


@pytest.mark.parametrize("why", ["balance", "used", "expired"])
async def test_what_cannot_be_executed_is_refused_before_anybody_sees_it(shop: TokenShop, why: str) -> None:
    """Each with its own code, and without a transaction."""
    order = await shop.buy()
    signed = await shop.signed(order)
    if why == "balance":
        shop.chain.held[shop.buyer.address] = signed.amount - 1
    elif why == "used":
        shop.chain.execute(signed)
    else:
        shop.chain.mine(seconds=2000)
    failed = await shop.work(order)
    codes = {
        "balance": "token_balance_insufficient", "used": "authorization_used_elsewhere",
        "expired": "authorization_expired",
    }  # fmt: skip
    assert (failed["status"], failed["failure_code"]) == ("failed", codes[why])
    assert (await shop.settlement(order))["transaction_id"] is None


async def test_a_chain_that_does_not_answer_changes_nothing(shop: TokenShop) -> None:
    """The job comes back; nothing is given up and nothing is sent twice."""
    order = await shop.buy()
    shop.chain.is_down = True
    with pytest.raises(BlockchainError):
        await shop.work(order)
    assert (await shop.shop.look(order))["status"] == "settlement_pending"
    shop.chain.is_down = False
    assert (await settled(shop, order))["status"] == "completed"


async def test_a_worker_that_comes_late_with_old_news_is_not_heard(shop: TokenShop) -> None:
    """What it saw was before the transaction was made, and refuses nothing any more."""
    order = await shop.buy()
    seen = await shop.settlement(order)
    await shop.work(order)
    stale = {"id": seen["id"], "seen": seen["version"]}
    answer = await shop.shop.run("token_settlements.conclude", **stale, failure="token_balance_insufficient")
    assert answer["status"] == "pending"
    made = (await shop.settlement(order))["transaction_id"]
    again = await shop.shop.run("token_settlements.submit", **stale, block=1)
    assert again["transaction_id"] == made


async def test_money_that_arrives_by_card_meanwhile_leaves_the_token_alone(shop: TokenShop) -> None:
    """The order was declined by card, paid in a token, and then the card's money came: the token is not moved."""
    order = await shop.shop.sale("decline")
    attempt = cast("list[Body]", order["attempts"])[0]["id"]
    paying = await shop.pay(order)
    await shop.shop.run("payment_orders.record_outcome", id=order["id"], attempt_id=attempt, status="succeeded")
    done = await shop.work(paying)
    assert (done["status"], (await shop.settlement(order))["failure_code"]) == ("completed", "payment_not_needed")
    assert await shop.shop.problems() == []


async def test_both_arrive_and_the_books_know_it(shop: TokenShop) -> None:
    """Too late to be held back, the token is surplus: in the books, with its units."""
    order = await shop.shop.sale("decline")
    attempt = cast("list[Body]", order["attempts"])[0]["id"]
    paying = await shop.pay(order)
    await shop.work(paying)
    await shop.shop.run("payment_orders.record_outcome", id=order["id"], attempt_id=attempt, status="succeeded")
    shop.chain.execute(await shop.signed(order))
    shop.chain.mine(shop.chain.confirmations)
    assert (await shop.work(paying))["status"] == "completed"
    types = {entry["type"]: entry["token_amount"] for entry in await shop.entries(order)}
    assert types == {"charge": None, "chain_surplus": str(1250 * PER_CENT)}
    assert await shop.shop.problems() == []
