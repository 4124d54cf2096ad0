"""What is shown of mandates and of what is set aside."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.view import View
from domain.mandates.mandate import Mandate, MandateStatus
from domain.mandates.mandate_hold import HoldPurpose, HoldStatus, MandateHold, Windows
from domain.shared.ids import AgentId, MandateHoldId, MandateId, PaymentLinkId, PaymentOrderId, ProductId, ToolUsageId
from domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateView(View[Mandate]):
    """A mandate. Limits that are null do not limit; no `product_ids` and no `payment_link_ids` allow any.

    Above `approval_threshold` a person has to approve. `reserved` is set aside for payments under way and for those
    that wait for approval; `spent` never falls, whatever is refunded.
    """

    id: MandateId
    version: int
    agent_id: AgentId
    granted_by: str
    currency: str
    per_payment: Money | None
    per_day: Money | None
    per_30_days: Money | None
    total: Money | None
    approval_threshold: Money | None
    product_ids: list[ProductId]
    payment_link_ids: list[PaymentLinkId]
    reserved: Money
    spent: Money
    status: MandateStatus
    expires_at: datetime | None
    revoked_at: datetime | None
    expired_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingView:
    """What a mandate leaves now. Days are those of UTC; `used` is what is spent and what is set aside.

    `left` is the largest payment that all limits allow; it is zero once the mandate is over.
    """

    id: MandateId
    version: int
    status: MandateStatus
    spent: Money
    reserved: Money
    used_today: Money
    used_30_days: Money
    left_today: Money | None
    left_30_days: Money | None
    left_total: Money | None
    left: Money

    @classmethod
    def of(cls, mandate: Mandate, windows: Windows, *, over: bool) -> "SpendingView":
        """Reckon with what the windows hold."""
        money, leaves = _money(mandate.currency), dict(mandate.leaves(windows))
        total = None if mandate.total_minor is None else leaves["total"]
        return cls(
            id=mandate.id, version=mandate.version, status=mandate.status, spent=mandate.spent,
            reserved=mandate.reserved, used_today=Money(windows.day_minor, mandate.currency),
            used_30_days=Money(windows.rolling_minor, mandate.currency), left_today=money(leaves.get("per_day")),
            left_30_days=money(leaves.get("per_30_days")), left_total=money(total),
            left=Money(0, mandate.currency) if over else mandate.left(windows),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateHoldView(View[MandateHold]):
    """Money of a mandate set aside for one payment or one use of a tool.

    `counted_at` is when the limits of days count it; null while it waits for approval, when it counts in all of them.
    """

    id: MandateHoldId
    version: int
    mandate_id: MandateId
    agent_id: AgentId
    purpose: HoldPurpose
    payment_order_id: PaymentOrderId | None
    tool_usage_id: ToolUsageId | None
    amount: Money
    status: HoldStatus
    waiting: bool
    counted_at: datetime | None
    committed_at: datetime | None
    released_at: datetime | None
    created_at: datetime
    updated_at: datetime


class _money:  # noqa: N801 - a function with a currency
    def __init__(self, currency: str) -> None:
        self._currency = currency

    def __call__(self, minor: int | None) -> Money | None:
        return None if minor is None else Money(max(0, minor), self._currency)
