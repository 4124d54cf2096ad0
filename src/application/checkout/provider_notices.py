"""What payment providers tell us without being asked: the same facts that the worker asks for, on another way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import PLATFORM, Scope
from application.kernel.ports import ChargeStatus, IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.payments.collection import RecordPaymentOutcome, record_payment_outcome
from application.payments.repayment import RecordRefundOutcome, record_refund_outcome
from domain.payments.provider_notice import NoticeStatus, ProviderNotice
from domain.shared.ids import OrganizationId, PaymentAttemptId, PaymentOrderId, ProviderNoticeId, RefundId
from domain.shared.money import Money
from domain.shared.specification import Equal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNoticeView(View[ProviderNotice]):
    """A notice and what was done with it."""

    id: ProviderNoticeId
    version: int
    source: str
    type: str
    status: NoticeStatus
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveProviderNotice:
    """One notice: `event` is the provider's name for it, and what it is about was read from our own metadata in it.

    Without a `status` it says nothing that is certain, or nothing that concerns us.
    """

    provider: Annotated[str, Len(1, 40)]
    event: Annotated[str, Len(1, 80)]
    type: Annotated[str, Len(1, 80)]
    status: ChargeStatus | None = None
    organization_id: OrganizationId | None = None
    order_id: PaymentOrderId | None = None
    attempt_id: PaymentAttemptId | None = None
    refund_id: RefundId | None = None
    reference: Annotated[str, Len(1, 255)] | None = None
    decline_code: Annotated[str, Len(1, 80)] | None = None
    permanent: bool = False
    fee: Money | None = None


@use_case(
    "provider_notices.receive",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only what a payment provider signed is taken for its word; the address it is sent to checks that.",
    example={"provider": "stripe", "event": "evt_81", "type": "payment_intent.succeeded", "status": "succeeded"},
    statements=24,
)
async def receive_provider_notice(
    cmd: ReceiveProviderNotice, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> ProviderNoticeView:
    """Apply a provider's notice once: the outcome of an attempt or a refund, whenever and however often it comes.

    What names nothing of ours is kept as ignored.

    Errors: `provider_notice_taken`, `currency_mismatch`.
    """
    applied = await _apply(cmd, uow, clock=clock, ids=ids)
    if not applied:
        await uow.enter(PLATFORM)
    notice = ProviderNotice.receive(
        id=ProviderNoticeId(ids.new()),
        organization_id=cmd.organization_id if applied and cmd.organization_id is not None else PLATFORM,
        provider=cmd.provider, event=cmd.event, type=cmd.type, now=clock.now(),
        status=NoticeStatus.APPLIED if applied else NoticeStatus.IGNORED,
    )  # fmt: skip
    uow.provider_notices.add(notice)
    return ProviderNoticeView.of(notice)


async def _apply(cmd: ReceiveProviderNotice, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> bool:
    """Record the outcome if it is certain and of something that is really there; says whether it was."""
    if cmd.organization_id is None or cmd.status in (None, ChargeStatus.UNKNOWN):
        return False
    await uow.enter(cmd.organization_id)
    if cmd.refund_id is not None:
        return await _refund(cmd, cmd.refund_id, uow, clock=clock, ids=ids)
    if cmd.order_id is not None and cmd.attempt_id is not None:
        return await _attempt(cmd, cmd.order_id, cmd.attempt_id, uow, clock=clock, ids=ids)
    return False


async def _refund(
    cmd: ReceiveProviderNotice, refund_id: RefundId, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> bool:
    if cmd.status is None or await uow.refunds.find_one(Equal("id", refund_id), lock=True) is None:
        return False
    outcome = RecordRefundOutcome(
        id=refund_id, status=cmd.status, provider=cmd.provider, reference=cmd.reference, decline_code=cmd.decline_code
    )
    await record_refund_outcome(outcome, uow, clock=clock, ids=ids)
    return True


async def _attempt(
    cmd: ReceiveProviderNotice, order_id: PaymentOrderId, attempt_id: PaymentAttemptId, uow: IUnitOfWork, *,
    clock: IClock, ids: IIds,
) -> bool:  # fmt: skip
    order = await uow.payment_orders.find_one(Equal("id", order_id), lock=True)
    if cmd.status is None or order is None or attempt_id not in {attempt.id for attempt in order.attempts}:
        return False
    outcome = RecordPaymentOutcome(
        id=order_id, attempt_id=attempt_id, status=cmd.status, provider=cmd.provider, reference=cmd.reference,
        decline_code=cmd.decline_code, permanent=cmd.permanent, fee=cmd.fee,
    )  # fmt: skip
    await record_payment_outcome(outcome, uow, clock=clock, ids=ids)
    return True
