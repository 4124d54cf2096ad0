"""Approvals: what agents want to pay and people have to allow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.mandates.waiting import APPROVAL_EXPIRES, free
from application.payments.paying import resume_attempt
from domain.mandates.approval import Approval, ApprovalStatus
from domain.mandates.specifications import approvals_matching
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import AgentId, ApprovalId, MandateHoldId, MandateId, PaymentMethodId, PaymentOrderId
from domain.shared.money import Money

Reason = Annotated[str, Len(0, 500)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView(View[Approval]):
    """A payment that waits, or waited, for a person. From `expires_at` on nobody can approve it."""

    id: ApprovalId
    version: int
    agent_id: AgentId
    mandate_id: MandateId
    hold_id: MandateHoldId
    payment_order_id: PaymentOrderId
    payment_method_id: PaymentMethodId
    amount: Money
    status: ApprovalStatus
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListApprovals(PageQuery):
    """Which approvals."""

    status: ApprovalStatus | None = None
    agent_id: AgentId | None = None
    mandate_id: MandateId | None = None
    payment_order_id: PaymentOrderId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "approvals.list", ListApprovals, lambda uow: uow.approvals, ApprovalView,
    "List what agents wanted to pay and people had to allow, newest first.",
    where=lambda cmd: approvals_matching(
        status=cmd.status, agent_id=cmd.agent_id, mandate_id=cmd.mandate_id, payment_order_id=cmd.payment_order_id
    ),
    scope=Scope.APPROVALS_READ, example={"limit": 20, "status": "pending"}, statements=2,
)  # fmt: skip

get_use_case(
    "approvals.get", lambda uow: uow.approvals, ApprovalView, "Return one approval.", scope=Scope.APPROVALS_READ
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovePayment:
    """Which approval, and why."""

    id: ApprovalId
    reason: Reason = ""


@use_case(
    "approvals.approve", scope=Scope.APPROVALS_WRITE, example={"reason": "Agreed with the buyer."}, money=True,
    statements=25,
)  # fmt: skip
async def approve_payment(cmd: ApprovePayment, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ApprovalView:
    """Let an agent's payment begin that waits for approval; approving twice changes nothing. No agent can.

    Errors: `not_found`, `agents_decide_nothing`, `approval_expired`, `transition_invalid` when it was refused,
    `mandate_revoked`, `mandate_expired`, `mandate_exceeded`, and those of `payment_orders.pay` when the order cannot be
    paid any more.
    """
    order, approval = await _locked(uow, cmd.id)
    now = clock.now()
    if approval.approve(uow.actor.id, uow.actor.agent_id, now, cmd.reason):
        await resume_attempt(uow, order, approval, now=now, ids=ids)
    return ApprovalView.of(approval)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusePayment:
    """Which approval, and why."""

    id: ApprovalId
    reason: Reason = ""


@use_case(
    "approvals.refuse", scope=Scope.APPROVALS_WRITE, example={"reason": "Not this month."}, destructive=True,
    statements=13,
)  # fmt: skip
async def refuse_payment(cmd: RefusePayment, uow: IUnitOfWork, *, clock: IClock) -> ApprovalView:
    """Refuse an agent's payment that waits for approval: its money is free again. Refusing twice changes nothing.

    Errors: `not_found`, `agents_decide_nothing`, `approval_expired`, `transition_invalid` when it was approved.
    """
    order, approval = await _locked(uow, cmd.id)
    now = clock.now()
    if approval.refuse(uow.actor.id, uow.actor.agent_id, now, cmd.reason):
        await free(uow, order, approval, now)
    return ApprovalView.of(approval)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireApproval:
    """Which approval."""

    id: ApprovalId


@use_case(
    "approvals.expire", scope=Scope.APPROVALS_WRITE, internal="The clock expires approvals; a person refuses them.",
    example={}, statements=13,
)  # fmt: skip
async def expire_approval(cmd: ExpireApproval, uow: IUnitOfWork, *, clock: IClock) -> ApprovalView:
    """Give up a payment that nobody approved in time, or whose mandate is over; its money is free again.

    Any other stays as it is, and one whose time is not over yet is looked at again then.

    Errors: `not_found`.
    """
    order, approval = await _locked(uow, cmd.id)
    now = clock.now()
    mandate = await uow.mandates.get(approval.mandate_id, lock=True)
    if approval.expires_at > now and not mandate.is_over(now):
        await _look_again(uow, approval, now)
    elif approval.expire(now):
        await free(uow, order, approval, now)
    return ApprovalView.of(approval)


async def _look_again(uow: IUnitOfWork, approval: Approval, now: datetime) -> None:
    if approval.is_pending:
        await uow.jobs.schedule(APPROVAL_EXPIRES, approval.id, delay=approval.expires_at - now)


async def _locked(uow: IUnitOfWork, id: ApprovalId) -> tuple[PaymentOrder, Approval]:
    """Lock an approval after its order, as everywhere."""
    order = await uow.payment_orders.get(await uow.approvals.order_of(id), lock=True)
    return order, await uow.approvals.get(id, lock=True)
