"""A settlement ends once, as the chain decided."""

from uuid import uuid4

import pytest

from domain.settlements.token_settlement import SettlementFailure, SettlementStatus, TokenSettlement
from domain.shared.errors import InvalidTransition
from domain.shared.evm_types import TransactionHash
from domain.shared.ids import (
    OrganizationId,
    PaymentAttemptId,
    PaymentOrderId,
    TokenSettlementId,
    WalletTransactionId,
)
from tests.domain.settlements.builders import NOW, a_payment, an_authorization, an_offer

HASH = TransactionHash("0x" + "9a" * 32)


def a_settlement() -> TokenSettlement:
    offer = an_offer()
    payment = a_payment(offer, an_authorization(offer))
    return TokenSettlement.begin(
        offer, payment.authorization, payment.signature, id=TokenSettlementId(uuid4()),
        organization_id=OrganizationId(uuid4()), payment_order_id=PaymentOrderId(uuid4()),
        attempt_id=PaymentAttemptId(uuid4()), now=NOW,
    )  # fmt: skip


def test_it_executes_what_was_signed() -> None:
    """The authorization and its signature come out as they went in."""
    offer = an_offer()
    payment = a_payment(offer)
    settlement = TokenSettlement.begin(
        offer, payment.authorization, payment.signature, id=TokenSettlementId(uuid4()),
        organization_id=OrganizationId(uuid4()), payment_order_id=PaymentOrderId(uuid4()),
        attempt_id=PaymentAttemptId(uuid4()), now=NOW,
    )  # fmt: skip
    assert settlement.authorization == payment.authorization
    assert settlement.call_data == payment.authorization.transfer_call(payment.signature)
    assert settlement.signature not in repr(settlement)


def test_a_second_transaction_changes_nothing_about_where_to_look() -> None:
    """Whoever saw the signature saw it from the first block on."""
    settlement = a_settlement()
    assert not settlement.is_released
    settlement.submit(WalletTransactionId(uuid4()), 100, NOW)
    again = WalletTransactionId(uuid4())
    settlement.submit(again, 120, NOW)
    assert (settlement.transaction_id, settlement.first_block) == (again, 100)


def test_both_ends_are_final() -> None:
    """What was decided is not decided again, nor sent again."""
    for end in ("settled", "refused"):
        settlement = a_settlement()
        if end == "settled":
            settlement.settle(HASH, NOW)
        else:
            settlement.refuse(SettlementFailure.EXPIRED, NOW)
        assert settlement.status == SettlementStatus(end)
        with pytest.raises(InvalidTransition):
            settlement.settle(HASH, NOW)
        with pytest.raises(InvalidTransition):
            settlement.refuse(SettlementFailure.CANCELLED, NOW)
        with pytest.raises(InvalidTransition):
            settlement.submit(WalletTransactionId(uuid4()), 1, NOW)


def test_one_authorization_has_one_key() -> None:
    """Whoever presents it, for whatever order; every one of the four parts makes another."""
    first, other = a_settlement(), a_settlement()
    assert first.authorization_key != other.authorization_key
    other.nonce = first.nonce
    assert first.authorization_key == other.authorization_key
    for part, value in (("chain_id", 1), ("token", "0x" + "00" * 20), ("payer", "0x" + "01" * 20)):
        kept = getattr(other, part)
        setattr(other, part, value)
        assert first.authorization_key != other.authorization_key
        setattr(other, part, kept)
