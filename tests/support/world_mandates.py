"""What use-cases about mandates and approvals need to be there before them."""

from dataclasses import replace
from datetime import timedelta

from application.kernel.actor import Actor, ActorKind
from domain.shared.ids import AgentId, ApprovalId, MandateHoldId, MandateId, PaymentOrderId, decode_id
from tests.support.ground import Ground, Prepare, first
from tests.support.stack import Body

LONG = timedelta(days=366)


def as_agent(actor: Actor, agent_id: str) -> Actor:
    """Return who an agent's key makes of its bearer, with every scope there is: what it may do is another question."""
    return replace(actor, kind=ActorKind.API_KEY, id=agent_id, agent_id=AgentId(decode_id("agt", agent_id)))


async def waiting_approval(world: Ground, mandate: Body | None = None) -> Body:
    """Have an agent want to pay more than it may decide alone, and return what a person is asked."""
    mandate = mandate or await endless_mandate(world)
    order = await world.fresh(PaymentOrderId)
    agent = as_agent(world.actor, str(mandate["agent_id"]))
    await world.run("payment_orders.pay", agent, id=order["id"], expected_version=None, mandate_id=mandate["id"])
    asked = {"status": "pending", "payment_order_id": order["id"]}
    return first(await world.send("approvals.list", asked))


async def endless_mandate(world: Ground) -> Body:
    """Grant a mandate that nothing exhausts and that has every payment approved."""
    terms: dict[str, object] = {"approval_threshold": {"amount": 0, "currency": "EUR"}, "expires_at": None}
    terms |= {"per_day": None, "total": {"amount": 10**15, "currency": "EUR"}}
    return await world.fresh(MandateId, product_ids=[], payment_link_ids=[], **terms)


async def specimens(world: Ground) -> dict[object, str]:
    """Have two payments wait under one mandate, and return what that makes."""
    mandate = await endless_mandate(world)
    await waiting_approval(world, mandate)
    approval = await waiting_approval(world, mandate)
    made = {ApprovalId: approval["id"], MandateHoldId: approval["hold_id"], MandateId: mandate["id"]}
    return {kind: str(id) for kind, id in made.items()}


async def _approval(world: Ground) -> dict[str, object]:
    return {"id": (await waiting_approval(world))["id"]}


async def _overdue_approval(world: Ground) -> dict[str, object]:
    # Asked for long ago, so that its time is over now.
    world.stack.clock.shift -= LONG
    approval = await waiting_approval(world)
    world.stack.clock.shift += LONG
    return {"id": approval["id"]}


async def _overdue_mandate(world: Ground) -> dict[str, object]:
    world.stack.clock.shift -= LONG
    ends = world.stack.clock.now() + timedelta(days=1)
    mandate = await world.fresh(MandateId, expires_at=ends.isoformat())
    world.stack.clock.shift += LONG
    return {"id": mandate["id"]}


PREPARATIONS: dict[str, Prepare] = {
    "approvals.approve": _approval,
    "approvals.refuse": _approval,
    "approvals.expire": _overdue_approval,
    "mandates.expire": _overdue_mandate,
}
