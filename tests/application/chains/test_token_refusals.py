"""What no token is taken for, and from whom: refused before anything is kept."""

from typing import cast

import pytest

from application.settlements.x402 import required, write_payment
from domain.payments.payment_order_errors import (
    PaymentMeansAmbiguous,
    PaymentMethodMissing,
)
from domain.settlements import demand as errors
from domain.wallets.errors import AddressBlocked
from tests.support.shop import Shop
from tests.support.stack import Body, Stack
from tests.support.token_shops import PER_CENT, TokenShop


async def settled(shop: TokenShop, order: Body) -> Body:
    """Have the worker, the chain and the worker again do their part."""
    await shop.work(order)
    shop.chain.execute(await shop.signed(order))
    shop.chain.mine(shop.chain.confirmations)
    return await shop.work(order)


async def test_nothing_is_demanded_of_an_order_that_cannot_be_paid_so(shop: TokenShop, stack: Stack) -> None:
    """No token for the currency, none any more, or both means at once."""
    order, method = await shop.shop.order(), await shop.shop.method("success")
    payment = shop.buyer.pay(await shop.demand(order))
    with pytest.raises(PaymentMeansAmbiguous):
        await shop.shop.run(
            "payment_orders.pay", id=order["id"], payment_method_id=method, payment_signature=payment
        )  # fmt: skip
    await shop.shop.run("accepted_tokens.archive", id=shop.accepted["id"])
    with pytest.raises(PaymentMethodMissing):
        await shop.present(order, payment)
    plain = await Shop.open(stack)
    with pytest.raises(PaymentMethodMissing):
        await plain.run("payment_orders.pay", id=(await plain.order())["id"])


async def test_a_demand_leaves_nothing_behind(shop: TokenShop) -> None:
    """Asking is not paying: neither a version nor an event."""
    order = await shop.shop.order()
    demanded = await shop.demand(order)
    assert [(offer.chain_id, offer.amount, offer.seconds) for offer in demanded.demand.offers] == [
        (31337, 1250 * PER_CENT, 600)
    ]
    assert await shop.shop.look(order) == order


async def test_who_is_blocked_pays_nothing(shop: TokenShop) -> None:
    """Neither is anything taken from an address on the block list."""
    await shop.shop.run("wallets.update_blocklist", address=shop.buyer.account.address, listed=True)
    with pytest.raises(AddressBlocked):
        await shop.buy()


async def test_another_buyers_signature_is_refused(shop: TokenShop) -> None:
    """What the payer has not signed is not the payer's."""
    order = await shop.shop.order()
    document = shop.buyer.document(_required(await shop.demand(order)))
    other = await TokenShop.open(shop.stack)
    foreign = other.buyer.document(_required(await shop.demand(order)))
    mixed = {**document, "payload": {**cast("Body", document["payload"]), "signature": _signature(foreign)}}
    with pytest.raises(errors.PaymentSignatureInvalid):
        await shop.present(order, _text(mixed))
    assert await shop.shop.look(order) == order


def _required(demanded: errors.PaymentDemanded) -> Body:
    return cast("Body", required(demanded, ""))


def _signature(document: object) -> object:
    return cast("Body", cast("Body", document)["payload"])["signature"]


def _text(document: object) -> str:
    return write_payment(cast("Body", document))
