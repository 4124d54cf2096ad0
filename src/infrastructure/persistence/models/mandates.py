"""Tables of the mandates context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.mandates.errors import InvalidMandate, MandateExceeded
from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import TableArgs, TenantRow, belongs_to, of_organization
from infrastructure.persistence.types import JsonText, text

WITHIN_TOTAL = (
    "reserved_minor >= 0 and spent_minor >= 0 and (total_minor is null or spent_minor + reserved_minor <= total_minor)"
)
LIMITED = (
    "per_payment_minor is not null or per_day_minor is not null or per_30_days_minor is not null"
    " or total_minor is not null"
)


def _one(name: str, where: str) -> Index:
    """Return the key by which an order has one such row at a time."""
    index = Index(
        name, "organization_id", "payment_order_id", unique=True, postgresql_where=sql(where), sqlite_where=sql(where)
    )
    index.info["error"] = DuplicateError
    return index


class MandateRow(TenantRow):
    """What an agent may spend."""

    __tablename__ = "mandates"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("agents", "agent_id"),
        Index("ix_mandates_agent_id", "organization_id", "agent_id", "status"),
        Index("ix_mandates_created_at", "organization_id", "created_at", "id"),
        # The last wall behind the row lock and the aggregate: no race can spend more than was granted.
        CheckConstraint(WITHIN_TOTAL, name="within_total", info={"error": MandateExceeded}),
        CheckConstraint(LIMITED, name="limited", info={"error": InvalidMandate}),
    )

    agent_id: Mapped[UUID]
    granted_by: Mapped[str] = mapped_column(text(80))
    currency: Mapped[str] = mapped_column(text(3))
    per_payment_minor: Mapped[int | None] = mapped_column(BigInteger)
    per_day_minor: Mapped[int | None] = mapped_column(BigInteger)
    per_30_days_minor: Mapped[int | None] = mapped_column(BigInteger)
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    approval_threshold_minor: Mapped[int | None] = mapped_column(BigInteger)
    reserved_minor: Mapped[int] = mapped_column(BigInteger)
    spent_minor: Mapped[int] = mapped_column(BigInteger)
    products: Mapped[str] = mapped_column(JsonText())
    payment_links: Mapped[str] = mapped_column(JsonText())
    expires_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(text(20))
    revoked_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]


class MandateHoldRow(TenantRow):
    """Money of a mandate set aside."""

    __tablename__ = "mandate_holds"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("mandates", "mandate_id"),
        belongs_to("agents", "agent_id"),
        belongs_to("payment_orders", "payment_order_id"),
        belongs_to("tool_usages", "tool_usage_id"),
        Index("ix_mandate_holds_tool_usage_id", "organization_id", "tool_usage_id"),
        Index("ix_mandate_holds_mandate_id", "organization_id", "mandate_id", "counted_at"),
        Index("ix_mandate_holds_agent_id", "organization_id", "agent_id"),
        Index("ix_mandate_holds_payment_order_id", "organization_id", "payment_order_id"),
        Index("ix_mandate_holds_created_at", "organization_id", "created_at", "id"),
        _one("uq_mandate_holds_reserved", "status = 'reserved' and payment_order_id is not null"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    mandate_id: Mapped[UUID]
    agent_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(text(20))
    payment_order_id: Mapped[UUID | None]
    tool_usage_id: Mapped[UUID | None]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    amount_currency: Mapped[str] = mapped_column(text(3))
    status: Mapped[str] = mapped_column(text(20))
    counted_at: Mapped[datetime | None]
    committed_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class ApprovalRow(TenantRow):
    """A payment that waits for a person."""

    __tablename__ = "approvals"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("agents", "agent_id"),
        belongs_to("mandates", "mandate_id"),
        belongs_to("mandate_holds", "hold_id"),
        belongs_to("payment_orders", "payment_order_id"),
        belongs_to("payment_methods", "payment_method_id"),
        Index("ix_approvals_agent_id", "organization_id", "agent_id"),
        Index("ix_approvals_mandate_id", "organization_id", "mandate_id", "status"),
        Index("ix_approvals_hold_id", "organization_id", "hold_id"),
        Index("ix_approvals_payment_order_id", "organization_id", "payment_order_id"),
        Index("ix_approvals_payment_method_id", "organization_id", "payment_method_id"),
        Index("ix_approvals_created_at", "organization_id", "created_at", "id"),
        _one("uq_approvals_pending", "status = 'pending'"),
    )

    agent_id: Mapped[UUID]
    mandate_id: Mapped[UUID]
    hold_id: Mapped[UUID]
    payment_order_id: Mapped[UUID]
    payment_method_id: Mapped[UUID]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    amount_currency: Mapped[str] = mapped_column(text(3))
    status: Mapped[str] = mapped_column(text(20))
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(text(80))
    reason: Mapped[str] = mapped_column(text(500))
