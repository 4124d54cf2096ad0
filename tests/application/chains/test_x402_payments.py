"""What buyers present is read strictly, and what the official package writes is read."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from eth_account import Account
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.schemas import PaymentPayload, PaymentRequired

from application.checkout.token_checkouts import new_reference
from application.settlements.x402 import PaymentMalformed, read_payment, required, write_payment
from domain.payments.checkout import digest_of
from domain.settlements.demand import PaymentDemanded
from tests.domain.settlements.builders import KEY, PAYER, a_demand, an_offer

URL = "https://stoa.example/pay/espresso"


def official(change: dict[str, object] | None = None) -> PaymentPayload:
    """Have the official package pay what we ask for."""
    asked = PaymentRequired.model_validate(required(PaymentDemanded(a_demand()), URL))
    requirements = asked.accepts[0]
    made = ExactEvmScheme(Account.from_key(KEY)).create_payment_payload(requirements)
    return PaymentPayload(payload=made, accepted=requirements, resource=asked.resource)


def text_of(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_the_official_package_reads_what_we_ask_and_we_read_what_it_pays() -> None:
    """Scheme, chain, token, recipient, amount and signature all arrive as they were meant."""
    payload = official()
    payment = read_payment(text_of(payload.model_dump(by_alias=True, exclude_none=True)))
    offer = an_offer()
    assert (payment.version, payment.scheme, payment.network) == (2, "exact", "eip155:31337")
    assert (payment.token, payment.authorization.recipient) == (offer.token, offer.pay_to)
    assert payment.authorization.amount == offer.amount
    assert Account._recover_hash(payment.digest(offer), signature=payment.signature).lower() == PAYER


def test_a_payment_of_a_tool_is_read_as_well() -> None:
    """Tools carry the document itself."""
    document = official().model_dump(by_alias=True, exclude_none=True)
    assert read_payment(write_payment(document)) == read_payment(text_of(document))
    with pytest.raises(PaymentMalformed):
        write_payment({"x402Version": 2, "padding": "x" * 8000})


@pytest.mark.parametrize(
    "text", ["", "%%%", "bm8ganNvbg==", text_of([]), text_of({}), text_of(None), "W" * 7999 + "\u00e9",
             base64.b64encode(b"[" * 5000).decode(), base64.b64encode(b"\xff\xfe").decode()],
)  # fmt: skip
def test_what_is_no_payment_is_malformed(text: str) -> None:
    """Whatever comes in that place; nothing else is ever raised."""
    with pytest.raises(PaymentMalformed):
        read_payment(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("x402Version", "2"), ("x402Version", True), ("accepted", []), ("accepted.scheme", 1),
        ("accepted.asset", "0x1"), ("payload", None), ("payload.signature", "0xzz"), ("payload.signature", "11"),
        ("payload.signature", None), ("payload.signature", "0x" + "1" * 5000), ("payload.authorization", "x"),
        ("payload.authorization.value", 12_500_000), ("payload.authorization.value", "-1"),
        ("payload.authorization.value", "0x10"), ("payload.authorization.value", str(2**256)),
        ("payload.authorization.nonce", "0x11"), ("payload.authorization.from", "0x" + "aB" * 20),
        ("payload.authorization.validBefore", 1.5), ("payload.authorization.to", None),
    ],
)  # fmt: skip
def test_every_part_has_its_form(path: str, value: object) -> None:
    """One wrong part spoils the payment."""
    document: dict[str, Any] = official().model_dump(by_alias=True, exclude_none=True)
    *parents, name = path.split(".")
    place = document
    for parent in parents:
        place = place[parent]
    for wrong in ({name: value}, None):
        if wrong is None:
            del place[name]
        else:
            place.update(wrong)
        with pytest.raises(PaymentMalformed):
            read_payment(text_of(document))


class _Digits:
    """Ids whose text is a card number."""

    def new(self) -> UUID:
        return UUID("42424242-4242-4242-4242-424242424242")


def test_no_purchase_is_refused_because_its_reference_looks_like_a_card_number() -> None:
    """One in a hundred texts of two ids has a run of digits that passes for one."""
    assert digest_of(new_reference(_Digits()))
