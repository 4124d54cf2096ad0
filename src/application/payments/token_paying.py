"""Paying in a token: saying what has to be authorized, and taking an authorization that is exactly that."""

from datetime import datetime

from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.mandates.spending import authorise
from application.payments.beginning import begin, ready
from application.settlements.x402 import read_payment
from application.wallets.screening import screen
from application.wallets.signing_ports import ISignatures
from domain.mandates.errors import ApprovalOutlastsAuthorization
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_errors import PaymentMethodMissing
from domain.settlements.accepted_token import demand_of
from domain.settlements.demand import Demand, Offer, PaymentDemanded
from domain.settlements.presented import PresentedPayment, refuse_other_signer
from domain.settlements.token_settlement import TokenSettlement
from domain.shared.ids import MandateId, TokenSettlementId
from domain.shared.money import Money

SETTLE = "token_settlements.settle"
"""The job that has an authorization executed, and finds out what the chain made of it."""


async def begin_token_attempt(
    uow: IUnitOfWork, order: PaymentOrder, presented: str | None, *, signatures: ISignatures, clock: IClock, ids: IIds,
    mandate_id: MandateId | None = None,
) -> TokenSettlement:  # fmt: skip
    """Begin to settle a locked order's amount in a token, and have the worker do it.

    Everything that would refuse the payment is asked before anybody signs: without an authorization this fails at the
    very end, and then nothing was set aside.

    Raises:
        PaymentMethodMissing: no token is accepted for this order.
        PaymentDemanded: nothing was presented, or something else than what is asked for.
        PaymentMalformed: what was presented is no payment.
        ApprovalOutlastsAuthorization: a person would have to approve it.
        AddressBlocked, AddressNotAllowed: the organization takes nothing from the payer.
    """
    now = clock.now()
    demand = await demand_for(uow, order.amount, f"Payment order {order.number}")
    link = await ready(uow, order, None, now)
    hold = await authorise(uow, order, mandate_id, now=now, ids=ids)
    if hold is not None and hold.waiting:
        raise ApprovalOutlastsAuthorization
    if presented is None:
        raise PaymentDemanded(demand)
    payment = read_payment(presented)
    offer = _verified(payment, demand, signatures, now)
    await screen(uow, payment.authorization.payer)
    attempt_id = begin(order, link, None, mandated=hold is not None, now=now, ids=ids)
    await uow.flush()  # The attempt has to be there for what refers to it.
    settlement = TokenSettlement.begin(
        offer, payment.authorization, payment.signature, id=TokenSettlementId(ids.new()),
        organization_id=order.organization_id, payment_order_id=order.id, attempt_id=attempt_id, now=now,
    )  # fmt: skip
    uow.token_settlements.add(settlement)
    await uow.jobs.schedule(SETTLE, settlement.id)
    return settlement


def _verified(payment: PresentedPayment, demand: Demand, signatures: ISignatures, now: datetime) -> Offer:
    offer = payment.matching(demand, now)
    refuse_other_signer(payment, signatures.signer_of_digest(payment.digest(offer), payment.signature), demand)
    return offer


async def demand_for(uow: IUnitOfWork, amount: Money, description: str) -> Demand:
    """Return every way to pay an amount in tokens.

    Raises:
        PaymentMethodMissing: there is none.
    """
    demand = demand_of(amount, description, await uow.accepted_tokens.standing_for(amount.currency))
    if demand is None:
        raise PaymentMethodMissing(path="payment_method_id")
    return demand
