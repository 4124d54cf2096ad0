"""A payment is what was asked for, or is refused with its own code."""

from typing import Any

import pytest
from attrs import evolve
from eth_account import Account

from domain.settlements import demand as errors
from domain.settlements.presented import refuse_other_signer
from domain.shared.evm_types import Address, BaseUnits
from tests.domain.settlements.builders import (
    NOW,
    PAYER,
    SECONDS,
    a_demand,
    a_payment,
    an_authorization,
    an_offer,
    signed,
)

OTHER = Address("0x" + "ef" * 20)
OFFER = an_offer()
DEMAND = a_demand(OFFER, evolve(OFFER, chain_id=8453))


def test_a_payment_takes_the_offer_it_was_signed_for() -> None:
    """Chain and token say which offer it is; the digest is that of its token."""
    there = DEMAND.offers[1]
    payment = a_payment(there)
    assert payment.matching(DEMAND, NOW) is there
    assert Account._recover_hash(payment.digest(there), signature=payment.signature).lower() == PAYER


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"version": 1}, errors.PaymentVersionUnsupported),
        ({"scheme": "upto"}, errors.PaymentSchemeUnsupported),
        ({"network": "eip155:1"}, errors.PaymentNetworkMismatch),
        ({"token": OTHER}, errors.PaymentAssetMismatch),
        ({"signature": b"\x01" * 64}, errors.PaymentSignatureUnsupported),
    ],
)
def test_another_payment_is_refused(changes: dict[str, Any], refusal: type[errors.PaymentDemanded]) -> None:
    """What is claimed has to be what is offered; the refusal says again what that is."""
    with pytest.raises(refusal) as refused:
        a_payment(OFFER, **changes).matching(DEMAND, NOW)
    assert refused.value.demand is DEMAND


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"recipient": OTHER}, errors.PaymentRecipientMismatch),
        ({"amount": BaseUnits(OFFER.amount - 1)}, errors.PaymentAmountMismatch),
        ({"amount": BaseUnits(OFFER.amount + 1)}, errors.PaymentAmountMismatch),
        ({"valid_after": SECONDS}, errors.PaymentNotYetValid),
        ({"valid_before": SECONDS + 30}, errors.PaymentExpired),
        ({"valid_before": SECONDS - 1}, errors.PaymentExpired),
        ({"valid_before": SECONDS + OFFER.seconds + 61}, errors.PaymentValidTooLong),
        ({"valid_before": 2**256 - 1}, errors.PaymentValidTooLong),
    ],
)
def test_another_authorization_is_refused(changes: dict[str, Any], refusal: type[errors.PaymentDemanded]) -> None:
    """What was signed has to be what is offered, and neither over nor for too long."""
    authorization = an_authorization(OFFER, **changes)
    with pytest.raises(refusal):
        a_payment(OFFER, authorization).matching(DEMAND, NOW)


@pytest.mark.parametrize(
    "changes",
    [{"valid_after": SECONDS - 1}, {"valid_before": SECONDS + 31}, {"valid_before": SECONDS + OFFER.seconds + 60}],
)
def test_the_limits_of_time_are_as_wide_as_they_say(changes: dict[str, Any]) -> None:
    """The last moments that count."""
    assert a_payment(OFFER, an_authorization(OFFER, **changes)).matching(DEMAND, NOW) is OFFER


def test_only_the_payer_signs_for_the_payer() -> None:
    """Somebody else's signature is refused, and so is one that nobody can have made."""
    authorization = an_authorization(OFFER)
    payment = a_payment(OFFER, authorization, signature=signed(authorization, OFFER, b"\x07" * 32))
    signer = Address(Account._recover_hash(payment.digest(OFFER), signature=payment.signature).lower())
    for wrong in (signer, None):
        with pytest.raises(errors.PaymentSignatureInvalid):
            refuse_other_signer(payment, wrong, DEMAND)
    refuse_other_signer(payment, PAYER, DEMAND)


def test_every_refusal_has_a_code_of_its_own() -> None:
    """Programs tell them apart."""
    codes = [refusal.code for refusal in errors.PaymentDemanded.__subclasses__()]
    assert len({*codes, errors.PaymentDemanded.code}) == len(codes) + 1 == 12
