"""Refunds: giving collected money back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.payments.payment_order_questions import refunds_matching
from domain.payments.refund import Refund, RefundStatus
from domain.shared.ids import PaymentAttemptId, PaymentOrderId, RefundId
from domain.shared.money import Money

REFUND = "payments.refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView(View[Refund]):
    """A refund. `surplus` is money that arrived for an order that no longer wanted it; it goes back by itself."""

    id: RefundId
    version: int
    payment_order_id: PaymentOrderId
    attempt_id: PaymentAttemptId
    amount: Money
    reason: str
    surplus: bool
    status: RefundStatus
    provider: str | None
    reference: str | None
    failure_code: str | None
    attention_at: datetime | None
    processing_at: datetime | None
    unknown_at: datetime | None
    succeeded_at: datetime | None
    failed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRefund:
    """How much of which order's money goes back; without an amount, all that is left.

    `expected_version` is the payment order's.
    """

    payment_order_id: PaymentOrderId
    amount: Money | None = None
    reason: Annotated[str, Len(0, 500)] = ""
    expected_version: Version | None = None


@use_case(
    "refunds.create",
    scope=Scope.REFUNDS_WRITE,
    example={"amount": {"amount": 250, "currency": "EUR"}, "reason": "One bag arrived torn."},
    money=True,
    statements=10,
)
async def create_refund(cmd: CreateRefund, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> RefundView:
    """Begin to give collected money back; the outcome follows, as status and as event.

    The amount is set aside at once: refunds under way and done never exceed what was collected.

    Errors: `not_found`, `version_stale` of the payment order, `transition_invalid`, `amount_invalid`,
    `currency_mismatch`, `refund_exceeds_captured`, `refund_in_token_unsupported`, `text_invalid`.
    """
    now = clock.now()
    order = await uow.payment_orders.get(cmd.payment_order_id, lock=True)
    order.expect_version(cmd.expected_version)
    refund = Refund.request(order, id=RefundId(ids.new()), amount=cmd.amount, reason=cmd.reason, now=now)
    uow.refunds.add(refund)
    await uow.jobs.schedule(REFUND, refund.id)
    return RefundView.of(refund)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRefunds(PageQuery):
    """Which refunds."""

    payment_order_id: PaymentOrderId | None = None
    status: RefundStatus | None = None
    needs_attention: bool | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "refunds.list", scope=Scope.REFUNDS_READ, example={"limit": 20, "status": "succeeded"}, read_only=True,
    statements=2,
)  # fmt: skip
async def list_refunds(cmd: ListRefunds, uow: IUnitOfWork, *, clock: IClock) -> ListView[RefundView]:
    """List refunds, of one payment order or all, newest first.

    Those need attention whose outcome the provider was asked for in vain too often, and those that take too long.
    """
    wanted = refunds_matching(
        clock.now(), payment_order_id=cmd.payment_order_id, status=cmd.status, needs_attention=cmd.needs_attention
    )
    return ListView.of(await uow.refunds.page(wanted, cmd.request(cmd.sort)), RefundView.of)


get_use_case("refunds.get", lambda uow: uow.refunds, RefundView, "Return one refund.", scope=Scope.REFUNDS_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRefund:
    """Which refund."""

    id: RefundId


@use_case("refunds.reconcile", scope=Scope.REFUNDS_WRITE, example={}, statements=7)
async def reconcile_refund(cmd: ReconcileRefund, uow: IUnitOfWork, *, clock: IClock) -> RefundView:
    """Ask the provider now what became of a refund, instead of waiting for the next time; also one that was given up.

    Errors: `not_found`, `transition_invalid`.
    """
    refund = await uow.refunds.get(cmd.id, lock=True)
    refund.request_reconciliation(clock.now())
    await uow.jobs.schedule(REFUND, refund.id)
    return RefundView.of(refund)
