"""Paying a payment order: beginning to collect its amount, for the first time or again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.mandates.spending import authorise
from application.mandates.waiting import ask, resume
from application.payments.beginning import begin, ready
from application.payments.collection import CHARGE
from application.payments.payment_order_view import PaymentOrderView
from application.payments.token_paying import begin_token_attempt
from application.settlements.x402 import MAX_PAYMENT
from application.wallets.signing_ports import ISignatures
from domain.mandates.approval import Approval
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_errors import PaymentMeansAmbiguous
from domain.shared.ids import MandateId, PaymentMethodId, PaymentOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPaymentOrder:
    """Which order, with which of the customer's methods, and optionally the version the caller read.

    Without a method the order is paid in a token by x402: `payment_signature` is the payment, base64 of its JSON as the
    header `PAYMENT-SIGNATURE` has it. `mandate_id` is for agents, which pay under a mandate: without it the only one in
    the order's currency.
    """

    id: PaymentOrderId
    payment_method_id: PaymentMethodId | None = None
    payment_signature: Annotated[str, Len(1, MAX_PAYMENT)] | None = None
    mandate_id: MandateId | None = None
    expected_version: Version | None = None


@use_case("payment_orders.pay", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, money=True, statements=20)
async def pay_payment_order(
    cmd: PayPaymentOrder, uow: IUnitOfWork, *, clock: IClock, ids: IIds, signatures: ISignatures
) -> PaymentOrderView:
    """Begin to collect a payment order's amount; the outcome follows, as status and as event.

    A payment that fails gives the payment link's use back, and paying again takes one again. An agent's key pays under
    a mandate; above the mandate's threshold the answer has `approval_required`, and the payment begins once a person
    approves it.

    With neither method nor payment the answer is `payment_required`, and says in which tokens the order can be paid. An
    authorization for exactly one of them, sent along, makes the order `settlement_pending` until the chain has decided.

    Errors: `not_found` for order, method or mandate, `payment_method_missing`, `payment_means_ambiguous`,
    `payment_required`, `payment_malformed`, `payment_version_unsupported`, `payment_scheme_unsupported`,
    `payment_network_mismatch`, `payment_asset_mismatch`, `payment_recipient_mismatch`, `payment_amount_mismatch`,
    `payment_not_yet_valid`, `payment_expired`, `payment_valid_too_long`, `payment_signature_unsupported`,
    `payment_signature_invalid`, `payment_authorization_used`, `address_blocked`, `address_not_allowed`,
    `approval_outlasts_authorization`, `version_stale`, `payment_awaits_approval`, `payment_in_progress`,
    `transition_invalid`, `payment_permanently_declined`, `payment_attempts_exhausted`, `payment_order_expired`,
    `payment_link_expired`, `payment_link_used_up`, `payment_link_deactivated`, `payment_method_mismatch`,
    `payment_method_expired`, `payment_method_verification_failed`, `organization_suspended`, `organization_closed`,
    `mandate_missing`,
    `mandate_ambiguous`, `mandate_exceeded`, `mandate_revoked`, `mandate_expired`, `mandate_currency_mismatch`,
    `mandate_product_not_allowed`, `mandate_payment_link_not_allowed`, `mandate_not_needed`.
    """
    order = await uow.payment_orders.get(cmd.id, lock=True)
    order.expect_version(cmd.expected_version)
    if cmd.payment_method_id is None:
        await begin_token_attempt(
            uow, order, cmd.payment_signature, signatures=signatures, clock=clock, ids=ids, mandate_id=cmd.mandate_id
        )
    elif cmd.payment_signature is not None:
        raise PaymentMeansAmbiguous(path="payment_method_id")
    else:
        await begin_attempt(uow, order, cmd.payment_method_id, mandate_id=cmd.mandate_id, clock=clock, ids=ids)
    return PaymentOrderView.of(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPaymentOrder:
    """Which failed order; without a method the one that failed is used again, and `mandate_id` as for paying."""

    id: PaymentOrderId
    payment_method_id: PaymentMethodId | None = None
    mandate_id: MandateId | None = None
    expected_version: Version | None = None


@use_case("payment_orders.retry", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, money=True, statements=22)
async def retry_payment_order(
    cmd: RetryPaymentOrder, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PaymentOrderView:
    """Try again to collect a failed payment order, with the same or another payment method.

    `next_retry_at` suggests when; it is no condition. Null there: another attempt is not allowed or cannot help.

    Errors: as `payment_orders.pay`.
    """
    order = await uow.payment_orders.get(cmd.id, lock=True)
    order.expect_version(cmd.expected_version)
    method_id = order.method_to_retry(cmd.payment_method_id)
    await begin_attempt(uow, order, method_id, mandate_id=cmd.mandate_id, clock=clock, ids=ids)
    return PaymentOrderView.of(order)


async def begin_attempt(
    uow: IUnitOfWork, order: PaymentOrder, method_id: PaymentMethodId, *, clock: IClock, ids: IIds,
    mandate_id: MandateId | None = None,
) -> None:  # fmt: skip
    """Begin to collect a locked order's amount, and have the worker do it; what failed takes a use of its link again.

    Everything that begins to move a customer's money comes through here, so that this is where its organization is
    asked for: whoever closes it meanwhile waits, and then sees the attempt. And it is where an agent needs a mandate:
    above its threshold nothing begins before a person has approved. A worker that pays for an
    agent acts with the agent's ``agent_id``.
    """
    now = clock.now()
    link = await ready(uow, order, method_id, now)
    hold = await authorise(uow, order, mandate_id, now=now, ids=ids)
    if hold is not None and hold.waiting:
        await ask(uow, order, hold, method_id, now=now, ids=ids)
        return
    begin(order, link, method_id, mandated=hold is not None, now=now, ids=ids)
    await uow.jobs.schedule(CHARGE, order.id)


async def resume_attempt(
    uow: IUnitOfWork, order: PaymentOrder, approval: Approval, *, now: datetime, ids: IIds
) -> None:
    """Begin what a person has just approved; raises as beginning it at once would, and then nothing is approved."""
    order.end_approval(now)
    link = await ready(uow, order, approval.payment_method_id, now)
    await resume(uow, approval, now)
    begin(order, link, approval.payment_method_id, mandated=True, now=now, ids=ids)
    await uow.jobs.schedule(CHARGE, order.id)
