"""Collecting money: what the worker does between two transactions, and the use-case that records what came of it.

The attempt's id is the provider's idempotency key, so every step may be repeated after a crash: charging again finds
the first charge, and recording an outcome again changes nothing.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from annotated_types import Len

from application.books.posting import post_collected
from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import Charge, ChargeResult, ChargeStatus, IClock, IIds, IPaymentProvider
from application.kernel.unit_of_work import IJobs, IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.mandates.spending import reclaim, settle
from application.mandates.waiting import give_up
from application.payments.payment_order_view import PaymentOrderView
from application.payments.refunds import REFUND
from domain.books.journal_entry import Units
from domain.payments.errors import PaymentProviderError
from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus, Collected
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import IN_FLIGHT
from domain.payments.refund import Refund
from domain.shared.ids import OrganizationId, PaymentAttemptId, PaymentOrderId, RefundId
from domain.shared.money import Money

CHARGE = "payments.charge"
RECONCILE = "payments.reconcile"

RECONCILE_AFTER, RECONCILE_AT_MOST = timedelta(seconds=30), timedelta(hours=1)

NOT_SUBMITTED = ChargeResult(status=ChargeStatus.DECLINED, decline_code="not_submitted", permanent=False)


def reconcile_delay(lookups: int) -> timedelta:
    """Return the pause before the provider is asked again: doubling from half a minute to an hour, and no end."""
    return min(RECONCILE_AFTER * (1 << min(lookups, 20)), RECONCILE_AT_MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPaymentOutcome:
    """What the provider said of one attempt; `looked_up` when it was asked what became of it."""

    id: PaymentOrderId
    attempt_id: PaymentAttemptId
    status: ChargeStatus
    provider: Annotated[str, Len(1, 40)] | None = None
    reference: Annotated[str, Len(1, 255)] | None = None
    decline_code: Annotated[str, Len(1, 80)] | None = None
    permanent: bool = False
    fee: Money | None = None
    looked_up: bool = False


@use_case(
    "payment_orders.record_outcome",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker and notices of a payment provider know what a payment provider said.",
    example={"status": "declined", "reference": "ch_81", "decline_code": "insufficient_funds", "permanent": False},
    # Half of it is an agent's mandate: what waits for approval, what is set aside and what arrived late.
    statements=30,
)
async def record_payment_outcome(
    cmd: RecordPaymentOutcome, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PaymentOrderView:
    """Record what became of a payment attempt and post it to the books; whatever is known already changes nothing.

    Late and out-of-order news is welcome: money that arrives after all completes the order, or is given back when the
    order no longer wants it. A payment that fails gives the link's use back, so money that arrives afterwards takes one
    again; with none left, the offer was sold to others, and the money is surplus and goes back. The same holds for what
    an agent's mandate does not allow any more.

    Errors: `not_found`, `payment_attempt_not_found`, `currency_mismatch`.
    """
    now, outcome = clock.now(), _outcome(cmd)
    order = await uow.payment_orders.get(cmd.id, lock=True)
    before, held = order.version, order.holds_use
    late = order.is_late_money(cmd.attempt_id, outcome)
    sold_out = late and not await _taken_back(order, uow, now=now, ids=ids)
    collected = order.conclude(cmd.attempt_id, outcome, now, sold_out=sold_out)
    if collected is not None:
        await _take(uow, order, collected, ids=ids, now=now)
    if held and not order.holds_use:
        (await _link_of(order, uow)).release(now)
    await settle(uow, order, now)
    if order.version != before:
        await _follow_up(order, uow.jobs)
    return PaymentOrderView.of(order)


async def _taken_back(order: PaymentOrder, uow: IUnitOfWork, *, now: datetime, ids: IIds) -> bool:
    """Take for late money what its failure gave back, and say whether all of it is still to be had."""
    link = await _link_of(order, uow)
    await give_up(uow, order, now)
    return not (order.mandated and not await reclaim(uow, order, now=now, ids=ids)) and link.reclaim(now)


async def _link_of(order: PaymentOrder, uow: IUnitOfWork) -> PaymentLink:
    """Lock the link after its order, as everywhere."""
    return await uow.payment_links.get(order.payment_link_id, lock=True)


def _outcome(cmd: RecordPaymentOutcome) -> AttemptOutcome:
    return AttemptOutcome(
        status=AttemptStatus(cmd.status.value), provider=cmd.provider, reference=cmd.reference,
        decline_code=cmd.decline_code, permanent=cmd.permanent, fee=cmd.fee, looked_up=cmd.looked_up,
    )  # fmt: skip


async def _take(uow: IUnitOfWork, order: PaymentOrder, collected: Collected, *, ids: IIds, now: datetime) -> None:
    """Tell the books, and begin to give back what the order did not want; nobody takes a token back by itself."""
    units = await _units(uow, collected) if collected.attempt.in_token else None
    post_collected(uow, order, collected, ids, now, units=units)
    if collected.surplus and collected.money is not None and not collected.attempt.in_token:
        refund = Refund.of_surplus(order, collected.attempt, id=RefundId(ids.new()), now=now)
        uow.refunds.add(refund)
        await uow.jobs.schedule(REFUND, refund.id)


async def _units(uow: IUnitOfWork, collected: Collected) -> Units:
    settled = await uow.token_settlements.of_attempt(collected.attempt.id)
    return Units(chain_id=settled.chain_id, token=settled.token, amount=settled.amount)


async def _follow_up(order: PaymentOrder, jobs: IJobs) -> None:
    """Forget the jobs that are done; an unknown outcome is asked for later, and again until it is known."""
    if order.attempt_in(AttemptStatus.SUBMITTED) is not None:
        return  # The news was of an earlier attempt, and the jobs belong to the present one.
    await jobs.finish(CHARGE, order.id)
    unknown = order.attempt_in(AttemptStatus.UNKNOWN)
    if unknown is None:
        await jobs.finish(RECONCILE, order.id)
    else:
        await jobs.schedule(RECONCILE, order.id, delay=reconcile_delay(unknown.lookups))


class Collection:
    """The worker's two jobs. The provider is asked while no transaction is open."""

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
            if attempt is None or attempt.payment_method_id is None:
                return  # What is paid in a token is settled by a chain.
            # A method removed since is charged all the same: the customer agreed before.
            method = await uow.payment_methods.get(attempt.payment_method_id, with_deleted=True)
        charge = Charge(
            idempotency_key=str(attempt.id), amount=order.amount, token=method.provider_token,
            organization_id=organization_id, order_id=order_id,
        )  # fmt: skip
        if order.status in IN_FLIGHT:
            result = await self._provider.charge(charge)
        else:
            # Late money of an earlier attempt has paid the order, so this one is not begun any more.
            result = await self._provider.lookup(charge.idempotency_key) or NOT_SUBMITTED
        await self._record(organization_id, order_id, attempt.id, result)

    async def reconcile(self, organization_id: OrganizationId, order_id: PaymentOrderId) -> None:
        """Ask what became of the order's unknown attempt, if there still is one."""
        async with self._reading(organization_id, order_id, RECONCILE) as uow:
            order = await uow.payment_orders.get(order_id)
            attempt = order.attempt_in(AttemptStatus.UNKNOWN)
        if attempt is None:
            return
        try:
            result = await self._provider.lookup(str(attempt.id)) or NOT_SUBMITTED
        except PaymentProviderError:
            # No answer leaves it unknown, and one more try is counted.
            result = ChargeResult(status=ChargeStatus.UNKNOWN)
        await self._record(organization_id, order_id, attempt.id, result, looked_up=True)

    def _reading(
        self, organization_id: OrganizationId, order_id: PaymentOrderId, job: str
    ) -> AbstractAsyncContextManager[IUnitOfWork]:
        return self._units(worker(organization_id), use_case=job, request_id=str(order_id), read_only=True)

    async def _record(
        self, organization_id: OrganizationId, order_id: PaymentOrderId, attempt_id: PaymentAttemptId,
        result: ChargeResult, *, looked_up: bool = False,
    ) -> None:  # fmt: skip
        command = RecordPaymentOutcome(
            id=order_id, attempt_id=attempt_id, status=result.status, provider=self._provider.name,
            reference=result.reference, decline_code=result.decline_code, permanent=result.permanent, fee=result.fee,
            looked_up=looked_up,
        )  # fmt: skip
        # The attempt's id correlates everything that was recorded about it.
        call = Call(actor=worker(organization_id), request_id=str(attempt_id))
        await self._dispatch("payment_orders.record_outcome", command, call)
