"""Steps that Stoa ends by itself: waits when their time is over, and payments as their orders end.

One job for each execution looks at what is due. A payment is begun by the ordinary use-case, under an idempotency key
that is the step's attempt, so that a job that is repeated pays once.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.payments.paying import PayPaymentOrder
from application.work.advancing import ATTEND, attend_later, step_ended
from application.work.payers import payer_of
from application.work.workflow_decisions import end_step
from application.work.workflow_views import StepKey, WorkflowExecutionView
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.errors import StoaError, Unavailable
from domain.shared.ids import OrganizationId, PaymentMethodId, PaymentOrderId, WorkflowExecutionId, decode_id
from domain.work.workflow_definition import StepKind
from domain.work.workflow_execution import WorkflowExecution
from domain.work.workflow_step import WorkflowStep

AT_ONCE = 20
LOOK_AGAIN = timedelta(seconds=5)
_PAID = frozenset({PaymentOrderStatus.COMPLETED, PaymentOrderStatus.PARTIALLY_REFUNDED, PaymentOrderStatus.REFUNDED})
_LOST = frozenset({PaymentOrderStatus.FAILED, PaymentOrderStatus.CANCELLED, PaymentOrderStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendExecution:
    """Which execution."""

    id: WorkflowExecutionId


@use_case(
    "workflow_executions.attend",
    scope=Scope.WORKFLOWS_WRITE,
    internal="The clock ends waiting steps; whoever cannot wait reports them ended.",
    example={},
    statements=15,
)
async def attend_execution(
    cmd: AttendExecution, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WorkflowExecutionView:
    """End the waiting steps whose time has come, and come back when it has for the next one.

    Errors: `not_found`.
    """
    now = clock.now()
    execution = await uow.workflow_executions.get(cmd.id, lock=True)
    due = await uow.workflow_steps.due(execution.id, now, AT_ONCE)
    for step in [step for step in due if step.kind is StepKind.WAIT]:
        was = step.status
        step.complete({}, now, uow.actor.id)
        await step_ended(uow, execution, step, was, now=now, ids=ids)
    await _follow(uow, execution, [step for step in due if step.kind is StepKind.PAYMENT], now=now, ids=ids)
    await attend_later(uow, execution, now)
    return WorkflowExecutionView.of(execution)


async def _follow(
    uow: IUnitOfWork, execution: WorkflowExecution, steps: list[WorkflowStep], *, now: datetime, ids: IIds
) -> None:
    """End payments as their orders have ended; the others are looked at again a moment later."""
    orders = await uow.payment_orders.get_many([_order_of(step) for step in steps])
    open_ = []
    for step in steps:
        was, order = step.status, orders.get(_order_of(step))
        if _conclude(step, order, now, uow.actor.id):
            await step_ended(uow, execution, step, was, now=now, ids=ids)
        else:
            step.due_at = now + LOOK_AGAIN
            open_.append(step)
    await uow.workflow_steps.write(open_)


def _conclude(step: WorkflowStep, order: PaymentOrder | None, now: datetime, by: str) -> bool:
    """End a payment step if its order has ended, and say whether that is so."""
    if order is None:
        step.fail({"code": "not_found"}, now, by)
    elif order.status in _PAID:
        step.complete({"number": order.number, "status": order.status.value}, now, by)
    elif order.status in _LOST:
        step.fail({"code": f"payment_order_{order.status.value}"}, now, by)
    else:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class FailPayment:
    """Which payment step of which execution cannot be begun, and the code of why."""

    id: WorkflowExecutionId
    step: StepKey
    code: Annotated[str, Len(1, 80)]


@use_case(
    "workflow_executions.fail_payment",
    scope=Scope.WORKFLOWS_WRITE,
    internal="Only Stoa's own worker knows that a payment step could not be begun.",
    example={"step": "pay", "code": "payment_method_expired"},
    statements=11,
)
async def fail_payment(cmd: FailPayment, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WorkflowExecutionView:
    """Fail a payment step whose payment was refused.

    Errors: `not_found`, `workflow_step_not_found`, `workflow_step_not_open`.
    """
    now, by = clock.now(), uow.actor.id
    return await end_step(uow, cmd.id, cmd.step, lambda step: step.fail({"code": cmd.code}, now, by), now=now, ids=ids)


class Attendance:
    """The worker's job that ends waiting steps in time, and begins payments."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, clock: IClock) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._clock = clock

    async def attend(self, organization_id: OrganizationId, execution_id: WorkflowExecutionId) -> None:
        """Begin the payments of an execution that are due, and look at its waiting steps.

        Raises:
            Unavailable: the database, or what a payment needs, is away; the job comes back.
        """
        about = Call(actor=worker(organization_id), request_id=str(execution_id))
        opened = self._units(about.actor, use_case=ATTEND, request_id=about.request_id, read_only=True)
        async with opened as uow:
            due = await uow.workflow_steps.due(execution_id, self._clock.now(), AT_ONCE)
            payments = [step for step in due if step.kind is StepKind.PAYMENT]
            # Whoever an agent works for, it pays under its own mandate.
            payers = [await payer_of(uow, await uow.workflow_executions.get(execution_id), step) for step in payments]
        for step, payer in zip(payments, payers, strict=True):
            await self._pay(step, replace(about, actor=replace(about.actor, agent_id=payer)))
        await self._dispatch("workflow_executions.attend", AttendExecution(id=execution_id), about)

    async def _pay(self, step: WorkflowStep, about: Call) -> None:
        key = f"workflow-step-{step.id}-{step.attempts}"
        call = Call(actor=about.actor, request_id=about.request_id, idempotency_key=key)
        given = step.input or {}
        try:
            method = PaymentMethodId(decode_id("pm", str(given.get("payment_method_id"))))
            await self._dispatch(
                "payment_orders.pay", PayPaymentOrder(id=_order_of(step), payment_method_id=method), call
            )
        except Unavailable:
            raise
        except StoaError as error:
            refused = FailPayment(id=step.execution_id, step=step.key, code=error.code)
            await self._dispatch("workflow_executions.fail_payment", refused, about)


def _order_of(step: WorkflowStep) -> PaymentOrderId:
    return PaymentOrderId(decode_id("ord", str((step.input or {}).get("payment_order_id"))))
