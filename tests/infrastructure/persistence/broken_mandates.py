"""How the constraints of mandates, holds and approvals are broken, behind the back of the domain."""

from collections.abc import Awaitable, Callable

from domain.agents.agent import Agent, AgentType
from domain.mandates.approval import LIFETIME, Approval
from domain.mandates.errors import InvalidMandate, MandateExceeded
from domain.mandates.mandate import Mandate
from domain.mandates.mandate_hold import HoldPurpose, MandateHold
from domain.mandates.mandate_terms import MandateLimits
from domain.payments.payment_order import PaymentOrder
from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.ids import AgentId, ApprovalId, MandateHoldId, MandateId
from domain.shared.money import Money
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


def a_mandate(shop: Shop, uow: SqlUnitOfWork) -> Mandate:
    """Add an agent with a mandate of 100.00."""
    new, now = shop.stack.ids.new, shop.stack.clock.now()
    agent = Agent.create(
        id=AgentId(new()), organization_id=shop.actor.organization_id, name="Buyer", type=AgentType.ASSISTANT, now=now
    )  # fmt: skip
    uow.agents.add(agent)
    mandate = Mandate.grant(
        id=MandateId(new()), organization_id=agent.organization_id, agent_id=agent.id, granted_by="operator",
        currency="EUR", limits=MandateLimits(total=Money(10_000, "EUR")), now=now,
    )  # fmt: skip
    uow.mandates.add(mandate)
    return mandate


def a_hold(shop: Shop, mandate: Mandate, order: PaymentOrder, minor: int = 1250) -> MandateHold:
    """Make a hold that no mandate knows of."""
    now = shop.stack.clock.now()
    return MandateHold(
        id=MandateHoldId(shop.stack.ids.new()), organization_id=mandate.organization_id, created_at=now, updated_at=now,
        mandate_id=mandate.id, agent_id=mandate.agent_id, purpose=HoldPurpose.PAYMENT, payment_order_id=order.id,
        amount=Money(minor, "EUR"), counted_at=now,
    )  # fmt: skip


async def _an_order(shop: Shop, uow: SqlUnitOfWork) -> PaymentOrder:
    order = shop.order()
    uow.payment_orders.add(order)
    await uow.flush()
    return order


async def _spent_too_much(shop: Shop, uow: SqlUnitOfWork) -> None:
    mandate = a_mandate(shop, uow)
    mandate.spent_minor, mandate.reserved_minor = 9_999, 2


async def _unlimited(shop: Shop, uow: SqlUnitOfWork) -> None:
    a_mandate(shop, uow).total_minor = None


async def _a_hold_of_nothing(shop: Shop, uow: SqlUnitOfWork) -> None:
    mandate = a_mandate(shop, uow)
    uow.mandate_holds.add(a_hold(shop, mandate, await _an_order(shop, uow), minor=0))


async def _an_order_held_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    mandate, order = a_mandate(shop, uow), await _an_order(shop, uow)
    await uow.mandate_holds.add_many([a_hold(shop, mandate, order) for _ in range(2)])


async def _two_questions_about_an_order(shop: Shop, uow: SqlUnitOfWork) -> None:
    mandate, order = a_mandate(shop, uow), await _an_order(shop, uow)
    hold, now = a_hold(shop, mandate, order), shop.stack.clock.now()
    uow.mandate_holds.add(hold)
    await uow.approvals.add_many(
        [
            Approval.request(
                hold, id=ApprovalId(shop.stack.ids.new()), payment_order_id=order.id,
                payment_method_id=shop.method.id, expires_at=now + LIFETIME, now=now,
            )
            for _ in range(2)
        ]
    )  # fmt: skip


BROKEN_MANDATES: dict[str, tuple[Break, type[StoaError]]] = {
    "ck_mandates_within_total": (_spent_too_much, MandateExceeded),
    "ck_mandates_limited": (_unlimited, InvalidMandate),
    "ck_mandate_holds_amount_positive": (_a_hold_of_nothing, ValidationError),
    "uq_mandate_holds_reserved": (_an_order_held_twice, DuplicateError),
    "uq_approvals_pending": (_two_questions_about_an_order, DuplicateError),
}
