"""Payments above a threshold: asking a person, and no longer asking. The order is locked by whoever calls."""

from datetime import datetime

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from domain.mandates.approval import LIFETIME, Approval
from domain.mandates.mandate_hold import MandateHold
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import ApprovalId, PaymentMethodId

APPROVAL_EXPIRES = "approvals.expire"


async def ask(
    uow: IUnitOfWork, order: PaymentOrder, hold: MandateHold, method_id: PaymentMethodId, *, now: datetime, ids: IIds
) -> None:
    """Have a person decide whether an order may be paid; its money stays set aside until then."""
    mandate = await uow.mandates.get(hold.mandate_id, lock=True)
    ends = [end for end in (now + LIFETIME, order.expires_at, mandate.expires_at) if end is not None]
    approval = Approval.request(
        hold, id=ApprovalId(ids.new()), payment_order_id=order.id, payment_method_id=method_id, expires_at=min(ends),
        now=now,
    )  # fmt: skip
    uow.approvals.add(approval)
    order.await_approval(now)
    await uow.jobs.schedule(APPROVAL_EXPIRES, approval.id, delay=approval.expires_at - now)


async def give_up(uow: IUnitOfWork, order: PaymentOrder, now: datetime) -> None:
    """Ask no longer, if anybody is asked, as the order is over or its money arrived by another way."""
    if not order.approval_required:
        return
    approval = await uow.approvals.pending_for(order.id)
    if approval is not None:
        approval.expire(now)
        await free(uow, order, approval, now)


async def free(uow: IUnitOfWork, order: PaymentOrder, approval: Approval, now: datetime) -> None:
    """Let an order be paid as before, and its mandate's money be spent on something else."""
    mandate = await uow.mandates.get(approval.mandate_id, lock=True)
    mandate.release(await uow.mandate_holds.get(approval.hold_id, lock=True), now)
    order.end_approval(now)
    await uow.jobs.finish(APPROVAL_EXPIRES, approval.id)
    # What is free now is free for whatever this transaction sets aside next.
    await uow.flush()


async def resume(uow: IUnitOfWork, approval: Approval, now: datetime) -> None:
    """Let what was set aside be collected, now that a person agreed.

    Raises:
        MandateRevoked, MandateExpired, MandateExceeded: the mandate was taken back or made smaller meanwhile.
    """
    mandate = await uow.mandates.get(approval.mandate_id, lock=True)
    mandate.begin(await uow.mandate_holds.get(approval.hold_id, lock=True), now)
    await uow.jobs.finish(APPROVAL_EXPIRES, approval.id)
