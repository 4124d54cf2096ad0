"""Tokens, demands and payments to test with."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from attrs import evolve
from eth_account import Account

from domain.settlements.accepted_token import AcceptedToken
from domain.settlements.authorization import Authorization
from domain.settlements.demand import Demand, Offer
from domain.settlements.presented import PresentedPayment, domain_of
from domain.shared.evm_types import Address, BaseUnits, caip_2
from domain.shared.ids import AcceptedTokenId, OrganizationId, WalletId

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = b"\x4c" * 32
PAYER = Address(Account.from_key(KEY).address.lower())
SHOP = Address("0x" + "cd" * 20)
TOKEN = Address("0x" + "ab" * 20)


def a_token(**changes: Any) -> AcceptedToken:
    """Return a token of six decimals that stands for euros."""
    given: dict[str, Any] = {
        "id": AcceptedTokenId(uuid4()), "organization_id": OrganizationId(uuid4()), "chain_id": 31337, "token": TOKEN,
        "symbol": "HEUR", "decimals": 6, "currency": "EUR", "name": "Harbour Euro", "eip712_version": "1",
        "pay_to_wallet_id": WalletId(uuid4()), "pay_to": SHOP, "facilitator_wallet_id": WalletId(uuid4()), "now": NOW,
        **changes,
    }  # fmt: skip
    return AcceptedToken.accept(**given)


def an_offer(**changes: Any) -> Offer:
    """Return an offer of 12.50."""
    offer = Offer(
        accepted_token_id=AcceptedTokenId(uuid4()), chain_id=31337, token=TOKEN, symbol="HEUR",
        amount=BaseUnits(12_500_000), pay_to=SHOP, name="Harbour Euro", eip712_version="1", seconds=600,
    )  # fmt: skip
    return evolve(offer, **changes)


def a_demand(*offers: Offer) -> Demand:
    """Return a demand of some offers, or of one."""
    return Demand(description="Espresso blend", offers=offers or (an_offer(),))


def an_authorization(offer: Offer, **changes: Any) -> Authorization:
    """Return what a buyer authorizes who takes an offer."""
    authorization = Authorization(
        payer=PAYER, recipient=offer.pay_to, amount=offer.amount, valid_after=0, valid_before=SECONDS + offer.seconds,
        nonce="0x" + uuid4().hex * 2,
    )  # fmt: skip
    return evolve(authorization, **changes)


def signed(authorization: Authorization, offer: Offer, key: bytes = KEY) -> bytes:
    """Return a key's signature of an authorization for an offer's token."""
    return bytes(Account.unsafe_sign_hash(authorization.digest(domain_of(offer)), key).signature)


def a_payment(offer: Offer, authorization: Authorization | None = None, **changes: Any) -> PresentedPayment:
    """Return a payment that takes an offer, some of it replaced after it was signed."""
    given = authorization or an_authorization(offer)
    payment = PresentedPayment(
        version=2, scheme="exact", network=caip_2(offer.chain_id), token=offer.token, authorization=given,
        signature=signed(given, offer),
    )  # fmt: skip
    return evolve(payment, **changes)
