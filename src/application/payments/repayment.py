"""Giving money back: what the worker does between two transactions, and the use-cases that record it.

The refund's id is the provider's idempotency key, so every step may be repeated after a crash. A refund that the
provider never saw is asked for again, since the customer is owed it.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.books.posting import post_refund
from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import ChargeStatus, IClock, IIds, IPaymentProvider, Repayment, RepaymentResult
from application.kernel.unit_of_work import IJobs, IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.payments.collection import reconcile_delay
from application.payments.refunds import REFUND, RefundView
from domain.payments.errors import PaymentProviderError
from domain.payments.refund import Refund, RefundOutcome, RefundStatus
from domain.shared.ids import OrganizationId, RefundId
from domain.shared.money import Money

_STATUSES = {
    ChargeStatus.SUCCEEDED: RefundStatus.SUCCEEDED,
    ChargeStatus.DECLINED: RefundStatus.FAILED,
    ChargeStatus.UNKNOWN: RefundStatus.UNKNOWN,
}
_INSIDE = "Only Stoa's own worker and notices of a payment provider know what became of a refund."


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRefund:
    """Which refund the provider is about to be asked for."""

    id: RefundId


@use_case("refunds.submit", scope=Scope.PLATFORM_OPERATE, internal=_INSIDE, example={}, statements=6)
async def submit_refund(cmd: SubmitRefund, uow: IUnitOfWork, *, clock: IClock) -> RefundView:
    """Note that the provider is about to be asked for a refund; doing it twice changes nothing.

    Errors: `not_found`.
    """
    refund = await uow.refunds.get(cmd.id, lock=True)
    refund.submit(clock.now())
    return RefundView.of(refund)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefundOutcome:
    """What the provider said of one refund; `looked_up` when it was asked what became of it."""

    id: RefundId
    status: ChargeStatus
    provider: Annotated[str, Len(1, 40)] | None = None
    reference: Annotated[str, Len(1, 255)] | None = None
    decline_code: Annotated[str, Len(1, 80)] | None = None
    looked_up: bool = False


@use_case(
    "refunds.record_outcome",
    scope=Scope.PLATFORM_OPERATE,
    internal=_INSIDE,
    example={"status": "succeeded", "provider": "sandbox", "reference": "re_81"},
    statements=14,
)
async def record_refund_outcome(cmd: RecordRefundOutcome, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> RefundView:
    """Record what became of a refund and post it to the books; whatever is known already changes nothing.

    Errors: `not_found`.
    """
    refund = await uow.refunds.get(cmd.id, lock=True)
    before, now = refund.version, clock.now()
    if refund.conclude(_outcome(cmd), now):
        await _settle(uow, refund, ids=ids, clock=clock)
    if refund.version != before:
        await _follow_up(refund, uow.jobs)
    return RefundView.of(refund)


def _outcome(cmd: RecordRefundOutcome) -> RefundOutcome:
    return RefundOutcome(
        status=_STATUSES[cmd.status], provider=cmd.provider, reference=cmd.reference, decline_code=cmd.decline_code,
        looked_up=cmd.looked_up,
    )  # fmt: skip


async def _settle(uow: IUnitOfWork, refund: Refund, *, ids: IIds, clock: IClock) -> None:
    """Tell the order and the books what is certain now; an order never counted on its surplus."""
    now, succeeded = clock.now(), refund.status is RefundStatus.SUCCEEDED
    if succeeded:
        post_refund(uow, refund, ids, now)
    if not refund.surplus:
        order = await uow.payment_orders.get(refund.payment_order_id, lock=True)
        settle = order.settle_refund if succeeded else order.release_refund
        settle(refund.id, refund.amount, now)


async def _follow_up(refund: Refund, jobs: IJobs) -> None:
    if refund.is_final:
        await jobs.finish(REFUND, refund.id)
    else:
        await jobs.schedule(REFUND, refund.id, delay=reconcile_delay(refund.lookups))


class Repayments:
    """The worker's job. The provider is asked while no transaction is open."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, provider: IPaymentProvider) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._provider = provider

    async def refund(self, organization_id: OrganizationId, refund_id: RefundId) -> None:
        """Give the money back, or find out what became of it, unless that is certain already.

        Raises:
            PaymentProviderError: the provider certainly did nothing.
        """
        read = self._units(worker(organization_id), use_case=REFUND, request_id=str(refund_id), read_only=True)
        async with read as uow:
            refund = await uow.refunds.get(refund_id)
        if refund.is_final:
            return
        repayment = Repayment(
            idempotency_key=str(refund.id), charge_reference=refund.charge_reference,
            amount=Money(refund.amount.minor, refund.amount.currency), organization_id=organization_id,
        )  # fmt: skip
        call = Call(actor=worker(organization_id), request_id=str(refund_id))
        if refund.status is RefundStatus.PENDING:
            await self._dispatch("refunds.submit", SubmitRefund(id=refund_id), call)
        asked = refund.status is RefundStatus.UNKNOWN
        result = await (self._find_out(repayment) if asked else self._provider.refund(repayment))
        command = RecordRefundOutcome(
            id=refund_id, status=result.status, provider=self._provider.name, reference=result.reference,
            decline_code=result.decline_code, looked_up=asked,
        )  # fmt: skip
        await self._dispatch("refunds.record_outcome", command, call)

    async def _find_out(self, repayment: Repayment) -> RepaymentResult:
        """Ask what became of it; a provider that does not answer leaves it unknown, and one more try is counted."""
        try:
            found = await self._provider.lookup_refund(repayment)
            return await self._provider.refund(repayment) if found is None else found
        except PaymentProviderError:
            return RepaymentResult(status=ChargeStatus.UNKNOWN)
