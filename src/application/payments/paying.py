"""Paying a payment order: beginning to collect its amount, for the first time or again."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.mandates.spending import authorise
from application.mandates.waiting import ask, resume
from application.payments.collection import CHARGE
from application.payments.payment_order_view import PaymentOrderView
from domain.mandates.approval import Approval
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import MandateId, PaymentAttemptId, PaymentMethodId, PaymentOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPaymentOrder:
    """Which order, with which of the customer's methods, and optionally the version the caller read.

    `mandate_id` is for agents, which pay under a mandate: without it the only one in the order's currency.
    """

    id: PaymentOrderId
    payment_method_id: PaymentMethodId
    mandate_id: MandateId | None = None
    expected_version: Version | None = None


@use_case("payment_orders.pay", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, money=True, statements=20)
async def pay_payment_order(cmd: PayPaymentOrder, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PaymentOrderView:
    """Begin to collect a payment order's amount; the outcome follows, as status and as event.

    A payment that fails gives the payment link's use back, and paying again takes one again. An agent's key pays under
    a mandate; above the mandate's threshold the answer has `approval_required`, and the payment begins once a person
    approves it.

    Errors: `not_found` for order, method or mandate, `version_stale`, `payment_awaits_approval`, `payment_in_progress`,
    `transition_invalid`, `payment_permanently_declined`, `payment_attempts_exhausted`, `payment_order_expired`,
    `payment_link_expired`, `payment_link_used_up`, `payment_link_deactivated`, `payment_method_mismatch`,
    `payment_method_expired`, `payment_method_verification_failed`, `organization_suspended`, `organization_closed`,
    `mandate_missing`,
    `mandate_ambiguous`, `mandate_exceeded`, `mandate_revoked`, `mandate_expired`, `mandate_currency_mismatch`,
    `mandate_product_not_allowed`, `mandate_payment_link_not_allowed`, `mandate_not_needed`.
    """
    order = await uow.payment_orders.get(cmd.id, lock=True)
    order.expect_version(cmd.expected_version)
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
    link = await _ready(uow, order, method_id, now)
    hold = await authorise(uow, order, mandate_id, now=now, ids=ids)
    if hold is not None and hold.waiting:
        await ask(uow, order, hold, method_id, now=now, ids=ids)
        return
    await _begin(uow, order, link, method_id, mandated=hold is not None, now=now, ids=ids)


async def resume_attempt(
    uow: IUnitOfWork, order: PaymentOrder, approval: Approval, *, now: datetime, ids: IIds
) -> None:
    """Begin what a person has just approved; raises as beginning it at once would, and then nothing is approved."""
    order.end_approval(now)
    link = await _ready(uow, order, approval.payment_method_id, now)
    await resume(uow, approval, now)
    await _begin(uow, order, link, approval.payment_method_id, mandated=True, now=now, ids=ids)


async def _ready(
    uow: IUnitOfWork, order: PaymentOrder, method_id: PaymentMethodId, now: datetime
) -> PaymentLink | None:
    """Hold everything that paying needs, in the one order of locks; the link only when a use of it has to be taken."""
    order.ensure_payable(now)
    await uow.organizations.keep_active(order.organization_id)
    link = None if order.holds_use else await uow.payment_links.get(order.payment_link_id, lock=True)
    if link is not None:
        link.ensure_open(now)
    # Locked, so that neither the customer nor a method of theirs is removed meanwhile.
    customer = await uow.customers.get(order.customer_id, lock=True)
    method = await uow.payment_methods.get(method_id)
    method.ensure_usable_by(customer.id, now)
    return link


async def _begin(
    uow: IUnitOfWork, order: PaymentOrder, link: PaymentLink | None, method_id: PaymentMethodId, *, mandated: bool,
    now: datetime, ids: IIds,
) -> None:  # fmt: skip
    if link is not None:
        link.redeem(now)
    order.pay(PaymentAttemptId(ids.new()), method_id, now, mandated=mandated)
    await uow.jobs.schedule(CHARGE, order.id)
