"""Spending under a mandate: what payments and tools do to it in their own transaction.

Locks are taken in one order everywhere: payment order, payment link, customer, approval, mandate. Holds of an order are
only touched with the order locked, so their own locks wait for nobody.
"""

from datetime import datetime

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from domain.agents.tool_usage import ToolUsage
from domain.mandates.errors import MandateAmbiguous, MandateMissing, MandateNotNeeded
from domain.mandates.mandate import Mandate, Purchase
from domain.mandates.mandate_hold import MandateHold
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import IN_FLIGHT, REFUNDABLE
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import AgentId, MandateHoldId, MandateId


async def authorise(
    uow: IUnitOfWork, order: PaymentOrder, mandate_id: MandateId | None, *, now: datetime, ids: IIds
) -> MandateHold | None:
    """Set an order's amount aside under the calling agent's mandate; None when the caller is no agent and needs none.

    Raises:
        EntityNotFoundError: the caller has no such mandate.
        StoaError: as for :meth:`Mandate.reserve`; MandateMissing, MandateAmbiguous; MandateNotNeeded when somebody who
            needs none names one.
    """
    agent_id = uow.actor.agent_id
    if agent_id is None:
        if mandate_id is not None:
            await uow.mandates.get(mandate_id)
            raise MandateNotNeeded
        return None
    return await _reserved(uow, agent_id, mandate_id, purchase_of(order), now=now, ids=ids)


async def meter(uow: IUnitOfWork, usage: ToolUsage, *, now: datetime, ids: IIds) -> MandateHold | None:
    """Spend what the call of a tool cost from the calling agent's mandate, in the caller's transaction.

    None when it cost nothing, or when a person or the organization's own key writes it down.

    Raises:
        StoaError: as for :func:`authorise`; above the mandate's approval threshold MandateExceeded.
    """
    agent_id, cost = uow.actor.agent_id, usage.cost
    if agent_id is None or cost is None or not cost.is_positive:
        return None
    hold = await _reserved(uow, agent_id, None, Purchase(amount=cost, tool_usage_id=usage.id), now=now, ids=ids)
    (await uow.mandates.get(hold.mandate_id, lock=True)).spend(hold, now)
    return hold


async def settle(uow: IUnitOfWork, order: PaymentOrder, now: datetime) -> None:
    """Spend what was set aside for an order whose money was collected, or free it when it was not.

    While nobody knows, it stays set aside: whoever asks the provider what became of the payment settles this as well.
    """
    if order.status in IN_FLIGHT or not order.mandated:
        return
    hold = await uow.mandate_holds.reserved_for(order.id)
    if hold is None or hold.waiting:
        return
    mandate = await uow.mandates.get(hold.mandate_id, lock=True)
    if order.status in REFUNDABLE:
        mandate.spend(hold, now)
    else:
        mandate.release(hold, now)


async def reclaim(uow: IUnitOfWork, order: PaymentOrder, *, now: datetime, ids: IIds) -> bool:
    """Set money aside again that arrives for an order that counted as failed; say whether the mandate still allows it.

    What it does not allow any more is surplus and goes back, so that no mandate is ever exceeded.
    """
    last = await uow.mandate_holds.latest_for(order.id)
    if last is None:
        return False
    mandate = await uow.mandates.get(last.mandate_id, lock=True)
    windows, purchase = await uow.mandate_holds.windows(mandate.id, now), purchase_of(order)
    if not mandate.allows(purchase, windows, now):
        return False
    uow.mandate_holds.add(mandate.reserve(purchase, windows, id=MandateHoldId(ids.new()), now=now, approved=True))
    await uow.flush()
    return True


def purchase_of(order: PaymentOrder) -> Purchase:
    """Return what a mandate has to allow for an order."""
    return Purchase(
        amount=order.amount, payment_order_id=order.id, product_id=order.product_id,
        payment_link_id=order.payment_link_id,
    )  # fmt: skip


async def _reserved(
    uow: IUnitOfWork, agent_id: AgentId, mandate_id: MandateId | None, purchase: Purchase, *, now: datetime, ids: IIds
) -> MandateHold:
    mandate = await _mandate_of(uow, agent_id, mandate_id, purchase.amount.currency, now)
    windows = await uow.mandate_holds.windows(mandate.id, now)
    hold = mandate.reserve(purchase, windows, id=MandateHoldId(ids.new()), now=now)
    uow.mandate_holds.add(hold)
    return hold


async def _mandate_of(
    uow: IUnitOfWork, agent_id: AgentId, mandate_id: MandateId | None, currency: str, now: datetime
) -> Mandate:
    """Lock the mandate that is named, or the only one there is."""
    if mandate_id is None:
        usable = await uow.mandates.usable_by(agent_id, currency, now)
        if not usable:
            raise MandateMissing(currency=currency)
        if len(usable) > 1:
            raise MandateAmbiguous(currency=currency)
        mandate_id = usable[0]
    mandate = await uow.mandates.get(mandate_id, lock=True)
    if mandate.agent_id != agent_id:
        raise EntityNotFoundError
    return mandate
