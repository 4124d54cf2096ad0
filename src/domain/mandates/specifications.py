"""Questions about mandates, their holds and approvals."""

from domain.mandates.approval import Approval, ApprovalStatus
from domain.mandates.mandate import Mandate, MandateStatus
from domain.mandates.mandate_hold import HoldStatus, MandateHold
from domain.shared.ids import AgentId, MandateId, PaymentOrderId
from domain.shared.specification import Equal, Everything, Spec


def mandates_matching(
    *, agent_id: AgentId | None = None, currency: str | None = None, status: MandateStatus | None = None
) -> Spec[Mandate]:
    """Mandates with exactly the values that are given."""
    found: Spec[Mandate] = Everything()
    for field, value in (("agent_id", agent_id), ("currency", currency), ("status", status)):
        if value is not None:
            found &= Equal(field, value)
    return found


def holds_matching(
    *, mandate_id: MandateId | None = None, payment_order_id: PaymentOrderId | None = None,
    status: HoldStatus | None = None,
) -> Spec[MandateHold]:  # fmt: skip
    """Holds with exactly the values that are given."""
    found: Spec[MandateHold] = Everything()
    for field, value in (("mandate_id", mandate_id), ("payment_order_id", payment_order_id), ("status", status)):
        if value is not None:
            found &= Equal(field, value)
    return found


def approvals_matching(
    *, agent_id: AgentId | None = None, mandate_id: MandateId | None = None,
    payment_order_id: PaymentOrderId | None = None, status: ApprovalStatus | None = None,
) -> Spec[Approval]:  # fmt: skip
    """Approvals with exactly the values that are given."""
    found: Spec[Approval] = Everything()
    of = (
        ("agent_id", agent_id), ("mandate_id", mandate_id), ("payment_order_id", payment_order_id), ("status", status),
    )  # fmt: skip
    for field, value in of:
        if value is not None:
            found &= Equal(field, value)
    return found
