"""What Stripe says, read strictly and put into Stoa's words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import msgspec
import stripe

from application.kernel.ports import ChargeResult, ChargeStatus, RepaymentResult
from domain.shared.errors import StoaError
from domain.shared.money import Money

AUTHENTICATION_REQUIRED = "authentication_required"

# With the same card none of these gets better by trying again.
PERMANENT = frozenset(
    {
        AUTHENTICATION_REQUIRED, "card_not_supported", "currency_not_supported", "expired_card", "fraudulent",
        "incorrect_number", "invalid_account", "invalid_number", "live_mode_test_card", "lost_card",
        "merchant_blacklist", "new_account_information_available", "payment_method_unactivated", "pickup_card",
        "resource_missing", "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization",
        "security_violation", "service_not_allowed", "stolen_card", "stop_payment_order", "testmode_decline",
        "transaction_not_allowed",
    }
)  # fmt: skip
# Where Stripe counts other decimals than ISO 4217 does.
_DECIMALS = {"ISK": 2, "MGA": 0, "UGX": 2}


class Failure(msgspec.Struct, frozen=True):
    """Why a payment did not succeed."""

    code: str | None = None
    decline_code: str | None = None


class Transaction(msgspec.Struct, frozen=True):
    """What a charge did to the balance; ``fee`` is in minor units of ``currency``."""

    fee: int
    currency: str


class StripeCharge(msgspec.Struct, frozen=True):
    """The movement of money behind an intent."""

    id: str
    balance_transaction: Transaction | str | None = None


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent."""

    id: str
    status: str
    currency: str
    created: int
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    last_payment_error: Failure | None = None
    latest_charge: StripeCharge | str | None = None


class StripeRefund(msgspec.Struct, frozen=True):
    """A refund."""

    id: str
    status: str | None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    failure_reason: str | None = None


def read[T](answer: stripe.StripeObject, kind: type[T]) -> T:
    """Return the parts of an answer that Stoa looks at.

    Raises:
        msgspec.ValidationError: it is not what Stripe documents.
    """
    return msgspec.convert(answer.to_dict(), kind)


def minor_units(amount: Money) -> int | None:
    """Return the amount as Stripe counts it, or None when it cannot be said there."""
    decimals = _DECIMALS.get(amount.currency, amount.exponent)
    counted = amount.decimal.scaleb(decimals)
    return int(counted) if counted == counted.to_integral_value() else None


def money(minor: int, currency: str) -> Money | None:
    """Return what Stripe counts as an amount of ours, or None for one that we cannot say."""
    code = currency.upper()
    try:
        exponent = Money.zero(code).exponent
        counted = Decimal(minor).scaleb(exponent - _DECIMALS.get(code, exponent))
        return Money.of(int(counted), code) if counted == counted.to_integral_value() else None
    except StoaError:
        return None


def of_intent(intent: Intent) -> ChargeResult:
    """Say what became of a charge; what may still change is unknown."""
    if intent.status == "succeeded":
        return ChargeResult(status=ChargeStatus.SUCCEEDED, reference=intent.id, fee=_fee(intent))
    if intent.status == "canceled":
        # Only this adapter cancels intents, and only those that a buyer would have had to confirm.
        return declined(AUTHENTICATION_REQUIRED, intent.id)
    if intent.status == "requires_payment_method" and intent.last_payment_error is not None:
        # Without an error nobody has tried a card yet: the attempt that made the intent is still under way.
        failure = intent.last_payment_error
        return declined(failure.decline_code or failure.code or "card_declined", intent.id)
    return ChargeResult(status=ChargeStatus.UNKNOWN, reference=intent.id)


def of_refund(refund: StripeRefund) -> RepaymentResult:
    """Say what became of a refund; a pending one may still fail."""
    if refund.status == "succeeded":
        return RepaymentResult(status=ChargeStatus.SUCCEEDED, reference=refund.id)
    if refund.status in ("failed", "canceled"):
        code = refund.failure_reason or refund.status
        return RepaymentResult(status=ChargeStatus.DECLINED, reference=refund.id, decline_code=code)
    return RepaymentResult(status=ChargeStatus.UNKNOWN, reference=refund.id)


def declined(code: str, reference: str | None = None) -> ChargeResult:
    """Return a refusal by its code."""
    return ChargeResult(
        status=ChargeStatus.DECLINED, reference=reference, decline_code=code[:80], permanent=code in PERMANENT
    )


def of_error(error: stripe.StripeError) -> ChargeResult:
    """Put a refusal of a charge that Stripe explains into our words."""
    body = cast("Mapping[str, object]", error.json_body or {})
    told = body.get("error")
    told = cast("Mapping[str, object]", told) if isinstance(told, dict) else {}
    intent = told.get("payment_intent")
    reference = intent.get("id") if isinstance(intent, dict) else None
    code = told.get("decline_code") or error.code or "card_declined"
    return declined(str(code), reference if isinstance(reference, str) else None)


def _fee(intent: Intent) -> Money | None:
    charge = intent.latest_charge
    transaction = charge.balance_transaction if isinstance(charge, StripeCharge) else None
    if not isinstance(transaction, Transaction) or transaction.currency != intent.currency:
        return None  # Settled in another currency, or not told yet.
    return money(transaction.fee, transaction.currency)
