"""Tables of the wallets context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.wallets.errors import AddressListed, WalletAddressTaken
from infrastructure.persistence.models.base import (
    SoftDeletableRow,
    TableArgs,
    TenantRow,
    belongs_to,
    of_organization,
    unique,
)
from infrastructure.persistence.models.customers import ALIVE
from infrastructure.persistence.types import JsonText, Uint256, text


class WalletRow(SoftDeletableRow):
    """An address of a chain; ``sealed_key`` opens nowhere but in the signer."""

    __tablename__ = "wallets"
    __table_args__: TableArgs = (
        of_organization(),
        # People stand above organizations; that it is a member is asked before.
        ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_wallets_user_id"),
        Index(
            "uq_wallets_address", "organization_id", "address", "chain_id", unique=True, postgresql_where=ALIVE,
            sqlite_where=ALIVE, info={"error": WalletAddressTaken},
        ),
        Index("ix_wallets_created_at", "organization_id", "created_at", "id"),
        Index("ix_wallets_user_id", "user_id", "organization_id", "created_at", "id"),
        CheckConstraint("(sealed_key is not null) = (signer = 'keystore')", name="key_kept"),
        CheckConstraint("signer = 'none' or type = 'eoa'", name="signer_has_key"),
    )  # fmt: skip

    chain_id: Mapped[int] = mapped_column(BigInteger())
    address: Mapped[str] = mapped_column(text(42))
    type: Mapped[str] = mapped_column(text(20))
    label: Mapped[str] = mapped_column(text(200))
    user_id: Mapped[UUID | None]
    signer: Mapped[str] = mapped_column(text(20))
    sealed_key: Mapped[str | None] = mapped_column(text(1000))
    verified_at: Mapped[datetime | None]
    max_per_transaction: Mapped[str | None] = mapped_column(Uint256())
    max_per_day: Mapped[str | None] = mapped_column(Uint256())
    tokens: Mapped[str] = mapped_column(JsonText())
    owners: Mapped[str] = mapped_column(JsonText())
    threshold: Mapped[int | None]
    deployed_at: Mapped[datetime | None]


class AddressListingRow(TenantRow):
    """An address that is blocked or allowed: one key for both lists, so that it is never both."""

    __tablename__ = "address_listings"
    __table_args__: TableArgs = (
        of_organization(),
        unique("address", error=AddressListed),
        Index("ix_address_listings_list", "organization_id", "list", "created_at", "id"),
        Index("ix_address_listings_created_at", "organization_id", "created_at", "id"),
    )

    address: Mapped[str] = mapped_column(text(42))
    list: Mapped[str] = mapped_column(text(20))
    reason: Mapped[str] = mapped_column(text(500))


class WalletChallengeRow(TenantRow):
    """A text that the holder of a wallet's key was asked to sign."""

    __tablename__ = "wallet_challenges"
    __table_args__: TableArgs = (
        belongs_to("wallets", "wallet_id"),
        Index("ix_wallet_challenges_wallet_id", "organization_id", "wallet_id", "created_at", "id"),
        Index("ix_wallet_challenges_created_at", "organization_id", "created_at", "id"),
    )

    wallet_id: Mapped[UUID]
    message: Mapped[str] = mapped_column(text(2000))
    expires_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(text(20))
    signature: Mapped[str | None] = mapped_column(text())
    concluded_at: Mapped[datetime | None]
