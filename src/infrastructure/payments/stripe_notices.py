"""Stripe's webhooks: signed, dated, and read for what our own metadata in them names."""

from collections.abc import Callable, Mapping
from uuid import UUID

import msgspec
import stripe

from application.checkout.provider_notices import ReceiveProviderNotice
from application.kernel.ports import ChargeResult, ChargeStatus, RepaymentResult
from domain.shared.errors import MalformedInput
from domain.shared.ids import OrganizationId, PaymentAttemptId, PaymentOrderId, RefundId
from infrastructure.payments.stripe_answers import Intent, StripeRefund, of_intent, of_refund
from infrastructure.payments.stripe_provider import ATTEMPT, ORDER, ORGANIZATION, REFUND

_INTENTS = frozenset(f"payment_intent.{end}" for end in ("succeeded", "payment_failed", "canceled"))
_REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
_TOLERANCE = 300  # seconds that a signature is good for, against replaying old ones


class NoticeRefused(MalformedInput):
    """The notice is not Stripe's, too old, or not to be read. What was sent is not repeated."""

    code = "webhook_signature_invalid"
    summary = "The notice is not signed by the provider, or was signed too long ago."


class _Data(msgspec.Struct, frozen=True):
    object: dict[str, object]


class _Event(msgspec.Struct, frozen=True):
    id: str
    type: str
    data: _Data


class StripeNotices:
    """Reads notices that were signed with one endpoint's secret."""

    provider = "stripe"

    def __init__(self, secret: str) -> None:
        """Keep the secret."""
        self._secret = secret

    def read(self, body: bytes, signature: str | None) -> ReceiveProviderNotice:
        """Check the signature over the very bytes that came, and read them.

        Raises:
            NoticeRefused: the signature, its age or the body is not right.
        """
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._secret, _TOLERANCE)
            return _notice(msgspec.json.decode(body, type=_Event))
        except (stripe.SignatureVerificationError, msgspec.MsgspecError, UnicodeDecodeError):
            raise NoticeRefused from None


def _notice(event: _Event) -> ReceiveProviderNotice:
    told, metadata = _told(event)
    if told is None or told.status is ChargeStatus.UNKNOWN:
        return ReceiveProviderNotice(provider=StripeNotices.provider, event=event.id[:80], type=event.type[:80])
    charge = told if isinstance(told, ChargeResult) else ChargeResult(status=told.status)
    return ReceiveProviderNotice(
        provider=StripeNotices.provider, event=event.id[:80], type=event.type[:80], status=told.status,
        organization_id=_id(OrganizationId, metadata.get(ORGANIZATION)),
        order_id=_id(PaymentOrderId, metadata.get(ORDER)), attempt_id=_id(PaymentAttemptId, metadata.get(ATTEMPT)),
        refund_id=_id(RefundId, metadata.get(REFUND)), reference=told.reference, decline_code=told.decline_code,
        permanent=charge.permanent, fee=charge.fee,
    )  # fmt: skip


def _told(event: _Event) -> tuple[ChargeResult | RepaymentResult | None, Mapping[str, str]]:
    """Return what a notice says of a charge or a refund, and our own metadata in it; of anything else, nothing."""
    about = event.data.object
    try:
        if event.type in _INTENTS:
            intent = msgspec.convert(about, Intent)
            return of_intent(intent), intent.metadata
        if event.type in _REFUNDS:
            refund = msgspec.convert(about, StripeRefund)
            return of_refund(refund), refund.metadata
    except msgspec.ValidationError:
        # Signed, and nothing that we ever made: it is ignored like every other notice that is not for us.
        return None, {}
    return None, {}


def _id[T](kind: Callable[[UUID], T], text: str | None) -> T | None:
    try:
        return None if text is None else kind(UUID(text))
    except ValueError:
        return None
