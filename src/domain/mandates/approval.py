"""An approval: a payment above a mandate's threshold that waits for a person to decide."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.mandates.errors import AgentsDecideNothing, ApprovalExpired
from domain.mandates.mandate_hold import MandateHold
from domain.shared.entity import Entity
from domain.shared.errors import InvalidTransition
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, ApprovalId, MandateHoldId, MandateId, PaymentMethodId, PaymentOrderId
from domain.shared.money import Money
from domain.shared.text import TextRule

REASON = TextRule(max_length=500, min_length=0)
LIFETIME = timedelta(hours=24)
"""How long a payment waits for somebody to decide, unless its order or its mandate ends before."""


class ApprovalStatus(StrEnum):
    """What was decided. Expired: nothing was, in time, or what it was about is over."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


@frozen(kw_only=True)
class ApprovalRequestedEvent(DomainEvent):
    """An agent wants to pay more than it may decide alone."""

    verb: ClassVar[str] = "requested"
    agent_id: AgentId
    mandate_id: MandateId
    payment_order_id: PaymentOrderId
    amount: Money
    expires_at: datetime


@frozen(kw_only=True)
class ApprovalApprovedEvent(DomainEvent):
    """A person said yes, and the payment has begun."""

    verb: ClassVar[str] = "approved"
    payment_order_id: PaymentOrderId
    decided_by: str


@frozen(kw_only=True)
class ApprovalRefusedEvent(DomainEvent):
    """A person said no; the money is free again."""

    verb: ClassVar[str] = "refused"
    payment_order_id: PaymentOrderId
    decided_by: str


@frozen(kw_only=True)
class ApprovalExpiredEvent(DomainEvent):
    """Nobody decided in time, or there is nothing to decide any more; the money is free again."""

    verb: ClassVar[str] = "expired"
    payment_order_id: PaymentOrderId


@define(kw_only=True, eq=False)
class Approval(Entity):
    """One question to the people of an organization; the agent that asks has no say in the answer."""

    kind: ClassVar[str] = "approval"

    id: ApprovalId
    agent_id: AgentId
    mandate_id: MandateId
    hold_id: MandateHoldId
    payment_order_id: PaymentOrderId
    payment_method_id: PaymentMethodId
    amount: Money
    status: ApprovalStatus = ApprovalStatus.PENDING
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""

    @classmethod
    def request(
        cls, hold: MandateHold, *, id: ApprovalId, payment_order_id: PaymentOrderId, payment_method_id: PaymentMethodId,
        expires_at: datetime, now: datetime,
    ) -> Self:  # fmt: skip
        """Ask whether what a hold set aside may be paid."""
        approval = cls(
            id=id, organization_id=hold.organization_id, created_at=now, updated_at=now, agent_id=hold.agent_id,
            mandate_id=hold.mandate_id, hold_id=hold.id, payment_order_id=payment_order_id,
            payment_method_id=payment_method_id, amount=hold.amount, expires_at=expires_at,
        )  # fmt: skip
        requested = ApprovalRequestedEvent(
            agent_id=hold.agent_id, mandate_id=hold.mandate_id, payment_order_id=payment_order_id, amount=hold.amount,
            expires_at=expires_at,
        )  # fmt: skip
        approval.record(requested, now)
        return approval

    def approve(self, by: str, agent_id: AgentId | None, now: datetime, reason: str = "") -> bool:
        """Say yes, and whether that is news: approving twice changes nothing.

        Raises:
            AgentsDecideNothing: an agent asks, and people answer.
            ApprovalExpired: its time is over, whether or not anybody noted it.
            InvalidTransition: it was refused.
            InvalidText: the reason is not acceptable.
        """
        if agent_id is not None:
            raise AgentsDecideNothing
        if self.status is ApprovalStatus.APPROVED:
            return False
        if self.status is ApprovalStatus.EXPIRED or (self.is_pending and self.expires_at <= now):
            raise ApprovalExpired
        self._decide(ApprovalStatus.APPROVED, by, reason, now)
        self.record(ApprovalApprovedEvent(payment_order_id=self.payment_order_id, decided_by=by), now)
        return True

    def refuse(self, by: str, agent_id: AgentId | None, now: datetime, reason: str = "") -> bool:
        """Say no, and whether that is news: refusing twice changes nothing.

        Raises:
            AgentsDecideNothing: an agent asks, and people answer.
            ApprovalExpired: nobody decided in time.
            InvalidTransition: it was approved.
            InvalidText: the reason is not acceptable.
        """
        if agent_id is not None:
            raise AgentsDecideNothing
        if self.status is ApprovalStatus.REFUSED:
            return False
        if self.status is ApprovalStatus.EXPIRED:
            raise ApprovalExpired
        self._decide(ApprovalStatus.REFUSED, by, reason, now)
        self.record(ApprovalRefusedEvent(payment_order_id=self.payment_order_id, decided_by=by), now)
        return True

    def expire(self, now: datetime) -> bool:
        """Stop asking, and say whether somebody was still being asked."""
        if not self.is_pending:
            return False
        self.status, self.decided_at = ApprovalStatus.EXPIRED, now
        self.record(ApprovalExpiredEvent(payment_order_id=self.payment_order_id), now)
        return True

    @property
    def is_pending(self) -> bool:
        """Whether nothing is decided yet."""
        return self.status is ApprovalStatus.PENDING

    def _decide(self, status: ApprovalStatus, by: str, reason: str, now: datetime) -> None:
        if not self.is_pending:
            raise InvalidTransition(status=self.status.value)
        self.reason = REASON.check(reason)
        self.status, self.decided_at, self.decided_by = status, now, by
