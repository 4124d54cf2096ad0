"""x402, version 2: reading what a buyer presents, and writing what is asked of them and what became of it.

The names are the protocol's. A payment travels as base64 of its JSON, in the header ``PAYMENT-SIGNATURE`` or as the
field ``payment_signature``.
"""

import base64
import json
from collections.abc import Mapping
from typing import NoReturn

from application.kernel.wire import Wire
from domain.settlements.authorization import Authorization
from domain.settlements.demand import Offer, PaymentDemanded
from domain.settlements.presented import SCHEME, VERSION, PresentedPayment
from domain.shared.errors import MalformedInput, ValidationError
from domain.shared.evm import checksummed
from domain.shared.evm_types import caip_2, read_address, read_hash, read_units

MAX_PAYMENT = 8_000
"""The longest payment that is read, in characters; those of keys have less than two thousand."""
_MAX_SIGNATURE = 4_096
_MAX_WORD = 100


class PaymentMalformed(MalformedInput):
    """What was sent as a payment cannot be read as one. It is never repeated."""

    code = "payment_malformed"
    summary = "The payment is not base64 of an x402 payload with an EIP-3009 authorization."


def read_payment(text: str) -> PresentedPayment:
    """Read what a buyer presents.

    Raises:
        PaymentMalformed: it is something else.
    """
    try:
        payload = _document(json.loads(base64.b64decode(text, validate=True)))
        accepted, inner = _document(payload["accepted"]), _document(payload["payload"])
        return PresentedPayment(
            version=_whole(payload["x402Version"]),
            scheme=_word(accepted["scheme"]),
            network=_word(accepted["network"]),
            token=read_address(_word(accepted["asset"])),
            authorization=_authorization(_document(inner["authorization"])),
            signature=_bytes(inner["signature"]),
        )
    except (ValueError, KeyError, RecursionError, ValidationError):
        raise PaymentMalformed from None


def write_payment(payload: Mapping[str, object]) -> str:
    """Return a payload, as the tools of agents carry it, as the text that :func:`read_payment` reads.

    Raises:
        PaymentMalformed: it is longer than any payment.
    """
    text = base64.b64encode(json.dumps(payload).encode()).decode()
    if len(text) > MAX_PAYMENT:
        raise PaymentMalformed
    return text


def required(failure: PaymentDemanded, url: str) -> dict[str, Wire]:
    """Return what is asked of a buyer; ``url`` names what is to be had for it."""
    demand = failure.demand
    return {
        "x402Version": VERSION,
        "error": failure.code,
        "resource": {"url": url, "description": demand.description, "mimeType": "application/json"},
        "accepts": [_requirements(offer) for offer in demand.offers],
    }


def encoded(document: Mapping[str, Wire]) -> str:
    """Return a document as headers carry it."""
    return base64.b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()


def accepted(text: str) -> dict[str, Wire]:
    """Return what is told of a payment that was accepted, and that the chain has yet to decide about."""
    payment = read_payment(text)
    return {
        "success": False, "errorReason": "settlement_pending", "payer": checksummed(payment.authorization.payer),
        "transaction": "", "network": payment.network,
    }  # fmt: skip


def _requirements(offer: Offer) -> dict[str, Wire]:
    return {
        "scheme": SCHEME,
        "network": caip_2(offer.chain_id),
        "asset": checksummed(offer.token),
        "amount": str(offer.amount),
        "payTo": checksummed(offer.pay_to),
        "maxTimeoutSeconds": offer.seconds,
        "extra": {"name": offer.name, "version": offer.eip712_version, "symbol": offer.symbol},
    }


def _authorization(given: Mapping[str, object]) -> Authorization:
    return Authorization(
        payer=read_address(_word(given["from"])), recipient=read_address(_word(given["to"])),
        amount=read_units(_word(given["value"])), valid_after=read_units(_word(given["validAfter"])),
        valid_before=read_units(_word(given["validBefore"])), nonce=read_hash(_word(given["nonce"])),
    )  # fmt: skip


def _document(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else _malformed()


def _word(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _MAX_WORD else _malformed()


def _whole(value: object) -> int:
    return value if type(value) is int else _malformed()


def _bytes(value: object) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x") or len(value) > _MAX_SIGNATURE:
        _malformed()
    return bytes.fromhex(value[2:])


def _malformed() -> NoReturn:
    raise PaymentMalformed
