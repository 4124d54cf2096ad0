"""Tables of what is watched."""

from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import Uint256, text


class WalletWatchRow(TenantRow):
    """How far a wallet's chain was read."""

    __tablename__ = "wallet_watches"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("wallets", "wallet_id"),
        unique("wallet_id", error=DuplicateError),
        Index("ix_wallet_watches_created_at", "organization_id", "created_at", "id"),
    )

    wallet_id: Mapped[UUID]
    active: Mapped[bool]
    read_to: Mapped[int | None] = mapped_column(BigInteger)
    checked_block: Mapped[int | None] = mapped_column(BigInteger)


class WatchedAssetRow(Base):
    """The coin, which has no token, or a token."""

    __tablename__ = "watched_assets"
    __table_args__: TableArgs = (
        belongs_to("wallet_watches", "watch_id"),
        unique("watch_id", "number", error=DuplicateError),
        {"info": {"unmapped": ("organization_id", "watch_id")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    watch_id: Mapped[UUID]
    number: Mapped[int]
    token: Mapped[str | None] = mapped_column(text(42))
    since_block: Mapped[int] = mapped_column(BigInteger)
    opening: Mapped[object] = mapped_column(Uint256())
    drift: Mapped[str] = mapped_column(text(100))
    expected: Mapped[str | None] = mapped_column(text(100))
    found: Mapped[object | None] = mapped_column(Uint256())
    drift_block: Mapped[int | None] = mapped_column(BigInteger)
