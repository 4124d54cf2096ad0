"""Ports of the mandates' repositories."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.mandates.approval import Approval
from domain.mandates.mandate import Mandate
from domain.mandates.mandate_hold import MandateHold, Windows
from domain.shared.ids import AgentId, MandateId, PaymentOrderId
from domain.shared.repository import IRepository


class IMandateRepository(IRepository[Mandate], Protocol):
    """Mandates."""

    async def usable_by(self, agent_id: AgentId, currency: str, now: datetime) -> list[MandateId]:
        """Return up to two active mandates of an agent in a currency, unlocked: only their ids are certain."""
        ...


class IMandateHoldRepository(IRepository[MandateHold], Protocol):
    """What is set aside; read under the mandate's lock."""

    async def windows(self, mandate_id: MandateId, now: datetime) -> Windows:
        """Sum what counts on this day and within thirty days; what waits for approval counts in both."""
        ...

    async def reserved_for(self, payment_order_id: PaymentOrderId) -> MandateHold | None:
        """Return what is set aside for an order and neither spent nor given back."""
        ...

    async def latest_for(self, payment_order_id: PaymentOrderId) -> MandateHold | None:
        """Return what was set aside for an order last, whatever became of it."""
        ...


class IApprovalRepository(IRepository[Approval], Protocol):
    """Approvals. The order is locked before its approval, so it has to be known first."""

    async def order_of(self, approval_id: UUID) -> PaymentOrderId:
        """Return which order an approval is about, which never changes.

        Raises:
            EntityNotFoundError: this tenant has no such approval.
        """
        ...

    async def pending_for(self, payment_order_id: PaymentOrderId) -> Approval | None:
        """Return the approval that an order waits for, locked."""
        ...
