"""What every way to pay begins with: holding what paying needs, and making the attempt."""

from datetime import datetime

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import PaymentAttemptId, PaymentMethodId


async def ready(
    uow: IUnitOfWork, order: PaymentOrder, method_id: PaymentMethodId | None, now: datetime
) -> PaymentLink | None:
    """Hold everything that paying needs, in the one order of locks; the link only when a use of it has to be taken.

    Without a method the buyer pays in a token, and there is none to be looked at.
    """
    order.ensure_payable(now)
    await uow.organizations.keep_active(order.organization_id)
    link = None if order.holds_use else await uow.payment_links.get(order.payment_link_id, lock=True)
    if link is not None:
        link.ensure_open(now)
    # Locked, so that neither the customer nor a method of theirs is removed meanwhile.
    customer = await uow.customers.get(order.customer_id, lock=True)
    if method_id is not None:
        method = await uow.payment_methods.get(method_id)
        method.ensure_usable_by(customer.id, now)
    return link


def begin(
    order: PaymentOrder, link: PaymentLink | None, method_id: PaymentMethodId | None, *, mandated: bool, now: datetime,
    ids: IIds,
) -> PaymentAttemptId:  # fmt: skip
    """Make the attempt; what failed before takes a use of its link again."""
    if link is not None:
        link.redeem(now)
    attempt_id = PaymentAttemptId(ids.new())
    order.pay(attempt_id, method_id, now, mandated=mandated)
    return attempt_id
