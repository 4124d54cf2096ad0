"""What use-cases about accepted tokens and settlements need to be there before them."""

from collections.abc import Mapping
from typing import cast

from domain.settlements.demand import PaymentDemanded
from domain.shared.evm import checksummed
from domain.shared.ids import AcceptedTokenId, PaymentLinkId, PaymentOrderId, TokenSettlementId
from tests.support.ground import Ground, Prepare, first
from tests.support.stack import Body
from tests.support.token_buyer import TokenBuyer
from tests.support.world_sending import signing_wallet
from tests.support.world_wallets import an_address

CHAIN = 31337


async def _accepted(world: Ground) -> dict[str, object]:
    shop = await world.run("wallets.create", chain_id=CHAIN, user_id=None)
    return {
        "chain_id": CHAIN, "token": an_address(), "currency": "EUR", "pay_to_wallet_id": shop["id"],
        "facilitator_wallet_id": await signing_wallet(world),
    }  # fmt: skip


async def _changed(world: Ground) -> dict[str, object]:
    token = await world.fresh(AcceptedTokenId)
    wallets = {name: token[name] for name in ("pay_to_wallet_id", "facilitator_wallet_id")}
    return {"id": token["id"], "expected_version": token["version"], **wallets}


async def _payment(world: Ground, name: str, asked: Mapping[str, object]) -> str:
    """Have a buyer, with whom this world does business, sign what a use-case asks for."""
    await world.id_of(AcceptedTokenId)
    buyer = TokenBuyer()
    await world.run("wallets.update_allowlist", address=checksummed(buyer.address))
    try:
        await world.send(name, asked)
    except PaymentDemanded as demanded:
        return buyer.pay(demanded)
    raise AssertionError("nothing was demanded")


async def _paying(world: Ground) -> Body:
    order = await world.fresh(PaymentOrderId)
    payment = await _payment(world, "payment_orders.pay", {"id": order["id"]})
    return await world.send("payment_orders.pay", {"id": order["id"], "payment_signature": payment})


async def settlement(world: Ground) -> Body:
    """Have an order paid in a token, and return its settlement."""
    order = await _paying(world)
    return first(await world.send("token_settlements.list", {"payment_order_id": order["id"]}))


async def _pending(world: Ground) -> dict[str, object]:
    return {"id": (await settlement(world))["id"]}


async def _as_seen(world: Ground) -> dict[str, object]:
    pending = await settlement(world)
    return {"id": pending["id"], "seen": pending["version"]}


async def _submitted(world: Ground) -> dict[str, object]:
    submitted = await world.run("token_settlements.submit")
    return {"id": submitted["id"], "transaction_id": submitted["transaction_id"]}


async def _bought(world: Ground) -> dict[str, object]:
    await world.id_of(PaymentLinkId)
    slug = cast("str", world.made[PaymentLinkId]["slug"])
    payment = await _payment(world, "checkouts.pay_in_token", {"slug": slug, "quantity": 1})
    return {"slug": slug, "quantity": 1, "payment_signature": payment}


async def specimens(world: Ground) -> dict[object, str]:
    """Have two orders paid in a token."""
    await settlement(world)
    return {TokenSettlementId: str((await settlement(world))["id"])}


PREPARATIONS: dict[str, Prepare] = {
    "accepted_tokens.create": _accepted,
    "accepted_tokens.update": _changed,
    "checkouts.pay_in_token": _bought,
    "token_settlements.conclude": _as_seen,
    "token_settlements.hear": _submitted,
    "token_settlements.submit": _as_seen,
    "token_settlements.wait": _pending,
}
