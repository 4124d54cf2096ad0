"""Repositories of the mandates context."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, bindparam, case, func, or_, select

from domain.mandates.approval import Approval, ApprovalStatus
from domain.mandates.mandate import Mandate, MandateStatus
from domain.mandates.mandate_hold import HoldStatus, MandateHold, Windows, day_start, rolling_start
from domain.mandates.repositories import IApprovalRepository, IMandateHoldRepository, IMandateRepository
from domain.mandates.specifications import approvals_matching, holds_matching
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import AgentId, MandateId, PaymentOrderId
from infrastructure.persistence import tenancy
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.mandates import ApprovalRow, MandateHoldRow, MandateRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.types import Guid, UtcDateTime, text


class SqlMandateRepository(SqlRepository[Mandate], IMandateRepository):
    """Mandates."""

    mapper = Mapper(Mandate, MandateRow)

    async def usable_by(self, agent_id: AgentId, currency: str, now: datetime) -> list[MandateId]:
        """Return up to two, so that the caller sees whether there is a choice."""
        params = {"this_agent": agent_id, "this_currency": currency, "now": now}
        rows = await self._session.rows(self._prepare("usable_by", self._usable), params)
        return [MandateId(cast("UUID", row[0])) for row in rows]

    def _usable(self) -> Executable:
        table = self.mapper.table
        return (
            select(table.c.id)
            .where(
                tenancy.wall(table),
                table.c.agent_id == bindparam("this_agent", type_=Guid()),
                table.c.currency == bindparam("this_currency", type_=text()),
                table.c.status == MandateStatus.ACTIVE.value,
                or_(table.c.expires_at.is_(None), table.c.expires_at > bindparam("now", type_=UtcDateTime())),
            )
            .order_by(table.c.id)
            .limit(2)
        )


class SqlMandateHoldRepository(SqlRepository[MandateHold], IMandateHoldRepository):
    """Holds."""

    mapper = Mapper(MandateHold, MandateHoldRow)

    async def windows(self, mandate_id: MandateId, now: datetime) -> Windows:
        """Sum over one index; the wider window contains the day."""
        params = {"this_mandate": mandate_id, "day": day_start(now), "since": rolling_start(now)}
        day, rolling = (await self._session.rows(self._prepare("windows", self._windows), params))[0]
        return Windows(day_minor=int(cast("int", day)), rolling_minor=int(cast("int", rolling)))

    async def reserved_for(self, payment_order_id: PaymentOrderId) -> MandateHold | None:
        """Return the one that the unique key allows."""
        return await self.find_one(
            holds_matching(payment_order_id=payment_order_id, status=HoldStatus.RESERVED), lock=True
        )

    async def latest_for(self, payment_order_id: PaymentOrderId) -> MandateHold | None:
        """Return the newest by id."""
        found = await self.find(holds_matching(payment_order_id=payment_order_id), sort="-id", limit=1)
        return found[0] if found else None

    def _windows(self) -> Executable:
        table = self.mapper.table
        day, since = bindparam("day", type_=UtcDateTime()), bindparam("since", type_=UtcDateTime())
        waiting = table.c.counted_at.is_(None)
        today = case((or_(waiting, table.c.counted_at >= day), table.c.amount_minor), else_=0)
        return select(func.coalesce(func.sum(today), 0), func.coalesce(func.sum(table.c.amount_minor), 0)).where(
            tenancy.wall(table),
            table.c.mandate_id == bindparam("this_mandate", type_=Guid()),
            table.c.status != HoldStatus.RELEASED.value,
            or_(waiting, table.c.counted_at > since),
        )


class SqlApprovalRepository(SqlRepository[Approval], IApprovalRepository):
    """Approvals."""

    mapper = Mapper(Approval, ApprovalRow)

    async def order_of(self, approval_id: UUID) -> PaymentOrderId:
        """Return the order's id without loading the approval, which is locked after the order."""
        table = self.mapper.table
        query = select(table.c.payment_order_id).where(
            tenancy.wall(table), table.c.id == bindparam("this_id", type_=Guid())
        )
        rows = await self._session.rows(self._prepare("order_of", lambda: query), {"this_id": approval_id})
        if not rows:
            raise EntityNotFoundError
        return PaymentOrderId(cast("UUID", rows[0][0]))

    async def pending_for(self, payment_order_id: PaymentOrderId) -> Approval | None:
        """Return the one that the unique key allows."""
        return await self.find_one(
            approvals_matching(payment_order_id=payment_order_id, status=ApprovalStatus.PENDING), lock=True
        )
