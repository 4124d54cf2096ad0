"""Collecting money: what the worker does between two transactions, and the use-case that records what came of it.

The attempt's id is the provider's idempotency key, so every step may be repeated after a crash: charging again finds
the first charge, and recording an outcome again changes nothing.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Protocol

from annotated_types import Len

from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, Outcome
from application.kernel.ports import Charge, ChargeResult, ChargeStatus, IClock, IPaymentProvider
from application.kernel.unit_of_work import IJobs, IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.payments.payment_order_view import PaymentOrderView
from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import OrganizationId, PaymentAttemptId, PaymentOrderId

CHARGE = "payments.charge"
RECONCILE = "payments.reconcile"
JOBS: Mapping[str, str] = {CHARGE: "charge", RECONCILE: "reconcile"}
"""Kind of job to the method of ``Collection`` that performs it."""

RECONCILE_AFTER = timedelta(seconds=30)

NOT_SUBMITTED = ChargeResult(status=ChargeStatus.DECLINED, decline_code="not_submitted", permanent=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPaymentOutcome:
    """What the provider said of one attempt."""

    id: PaymentOrderId
    attempt_id: PaymentAttemptId
    status: ChargeStatus
    reference: Annotated[str, Len(1, 255)] | None
    decline_code: Annotated[str, Len(1, 100)] | None
    permanent: bool


@use_case(
    "payment_orders.record_outcome",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker knows what a payment provider said.",
    example={"status": "declined", "reference": "ch_81", "decline_code": "insufficient_funds", "permanent": False},
)
async def record_payment_outcome(cmd: RecordPaymentOutcome, uow: IUnitOfWork, *, clock: IClock) -> PaymentOrderView:
    """Record what became of a payment attempt; whatever is known already changes nothing.

    Errors: `not_found`, `payment_attempt_not_found`.
    """
    order = await uow.payment_orders.get(cmd.id, lock=True)
    outcome = AttemptOutcome(
        status=AttemptStatus(cmd.status.value),
        reference=cmd.reference,
        decline_code=cmd.decline_code,
        permanent=cmd.permanent,
    )
    order.conclude(cmd.attempt_id, outcome, clock.now())
    await _follow_up(order, uow.jobs)
    return PaymentOrderView.of(order)


async def _follow_up(order: PaymentOrder, jobs: IJobs) -> None:
    """Forget the jobs that are done; an unknown outcome is asked for later, and again until it is known."""
    if order.attempt_in(AttemptStatus.SUBMITTED) is not None:
        return  # The news was of an earlier attempt, and the jobs belong to the present one.
    await jobs.finish(CHARGE, order.id)
    if order.attempt_in(AttemptStatus.UNKNOWN) is None:
        await jobs.finish(RECONCILE, order.id)
    else:
        await jobs.schedule(RECONCILE, order.id, delay=RECONCILE_AFTER)


class IDispatch(Protocol):
    """Runs a use-case by name in a transaction of its own; the dispatcher is one."""

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case; the answer is committed, or nothing happened."""
        ...


class Collection:
    """The worker's two jobs. The provider is asked while no transaction is open.

    Both let ``PaymentProviderError`` pass, so that the worker tries the job again later.
    """

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, provider: IPaymentProvider) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._provider = provider

    async def charge(self, organization_id: OrganizationId, order_id: PaymentOrderId) -> None:
        """Collect the money of the order's submitted attempt, if there still is one.

        Raises:
            PaymentProviderError: the provider certainly did nothing.
        """
        async with self._reading(organization_id, order_id, CHARGE) as uow:
            order = await uow.payment_orders.get(order_id)
            attempt = order.attempt_in(AttemptStatus.SUBMITTED)
            if attempt is None:
                return
            # A method removed since is charged all the same: the customer agreed before.
            method = await uow.payment_methods.get(attempt.payment_method_id, with_deleted=True)
        charge = Charge(idempotency_key=str(attempt.id), amount=order.amount, token=method.provider_token)
        result = await self._provider.charge(charge)
        await self._record(organization_id, order_id, attempt.id, result)

    async def reconcile(self, organization_id: OrganizationId, order_id: PaymentOrderId) -> None:
        """Ask what became of the order's unknown attempt, if there still is one.

        Raises:
            PaymentProviderError: the provider is not answering.
        """
        async with self._reading(organization_id, order_id, RECONCILE) as uow:
            order = await uow.payment_orders.get(order_id)
            attempt = order.attempt_in(AttemptStatus.UNKNOWN)
        if attempt is None:
            return
        result = await self._provider.lookup(str(attempt.id))
        await self._record(organization_id, order_id, attempt.id, NOT_SUBMITTED if result is None else result)

    def _reading(
        self, organization_id: OrganizationId, order_id: PaymentOrderId, job: str
    ) -> AbstractAsyncContextManager[IUnitOfWork]:
        return self._units(worker(organization_id), use_case=job, request_id=str(order_id), read_only=True)

    async def _record(
        self,
        organization_id: OrganizationId,
        order_id: PaymentOrderId,
        attempt_id: PaymentAttemptId,
        result: ChargeResult,
    ) -> None:
        command = RecordPaymentOutcome(
            id=order_id,
            attempt_id=attempt_id,
            status=result.status,
            reference=result.reference,
            decline_code=result.decline_code,
            permanent=result.permanent,
        )
        # The attempt's id correlates everything that was recorded about it.
        call = Call(actor=worker(organization_id), request_id=str(attempt_id))
        await self._dispatch("payment_orders.record_outcome", command, call)
