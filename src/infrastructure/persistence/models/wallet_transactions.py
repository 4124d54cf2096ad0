"""Tables of wallets' transactions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import Uint256, text

PENDING = "status in ('created', 'signed', 'broadcast', 'dropped') and nonce is not null"


def _once(name: str, *columns: str, where: str) -> Index:
    """Return a key of some rows."""
    index = Index(name, "organization_id", *columns, unique=True, postgresql_where=sql(where), sqlite_where=sql(where))
    index.info["error"] = DuplicateError
    return index


class WalletTransactionRow(TenantRow):
    """What goes out of a wallet, or came in."""

    __tablename__ = "wallet_transactions"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("wallets", "wallet_id"),
        # The last wall behind the wallet's lock: no race gives one nonce to two transactions.
        _once("uq_wallet_transactions_nonce", "chain_id", "sender", "nonce", where="nonce is not null"),
        _once(
            "uq_wallet_transactions_arrival", "wallet_id", "transaction_hash", "log_index",
            where="log_index is not null",
        ),
        Index("ix_wallet_transactions_wallet_id", "organization_id", "wallet_id", "created_at", "id"),
        Index("ix_wallet_transactions_created_at", "organization_id", "created_at", "id"),
        Index("ix_wallet_transactions_hash", "organization_id", "transaction_hash"),
        Index("ix_wallet_transactions_block", "organization_id", "chain_id", "sender", "block_number"),
        Index(
            "ix_wallet_transactions_pending", "organization_id", "chain_id", "sender", "nonce",
            postgresql_where=sql(PENDING), sqlite_where=sql(PENDING),
        ),
        CheckConstraint("nonce >= 0", name="nonce_counts"),
    )  # fmt: skip

    wallet_id: Mapped[UUID]
    chain_id: Mapped[int] = mapped_column(BigInteger)
    direction: Mapped[str] = mapped_column(text(3))
    status: Mapped[str] = mapped_column(text(20))
    sender: Mapped[str] = mapped_column(text(42))
    recipient: Mapped[str | None] = mapped_column(text(42))
    value: Mapped[object] = mapped_column(Uint256())
    data: Mapped[str]
    token_address: Mapped[str | None] = mapped_column(text(42))
    token_amount: Mapped[object | None] = mapped_column(Uint256())
    counterparty: Mapped[str | None] = mapped_column(text(42))
    purpose: Mapped[str] = mapped_column(text(500))
    origin_kind: Mapped[str | None] = mapped_column(text(60))
    origin_id: Mapped[UUID | None]
    nonce: Mapped[int | None] = mapped_column(BigInteger)
    reserved: Mapped[object] = mapped_column(Uint256())
    wanted: Mapped[str | None] = mapped_column(text(20))
    transaction_hash: Mapped[str | None] = mapped_column(text(66))
    log_index: Mapped[int | None]
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None] = mapped_column(text(66))
    succeeded: Mapped[bool | None]
    gas_used: Mapped[int | None] = mapped_column(BigInteger)
    fee: Mapped[object | None] = mapped_column(Uint256())
    contract: Mapped[str | None] = mapped_column(text(42))
    failure_code: Mapped[str | None] = mapped_column(text(80))
    failure_reason: Mapped[str | None] = mapped_column(text(200))
    obstacle: Mapped[str | None] = mapped_column(text(80))
    attention_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    broadcast_at: Mapped[datetime | None]
    mined_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    reverted_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class TransactionSigningRow(Base):
    """One form of a transaction."""

    __tablename__ = "transaction_signings"
    __table_args__: TableArgs = (
        belongs_to("wallet_transactions", "transaction_id"),
        unique("transaction_id", "number", error=DuplicateError),
        {"info": {"unmapped": ("organization_id", "transaction_id")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID]
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(text(20))
    gas: Mapped[int] = mapped_column(BigInteger)
    max_fee: Mapped[object] = mapped_column(Uint256())
    priority_fee: Mapped[object] = mapped_column(Uint256())
    planned_at: Mapped[datetime]
    hash: Mapped[str | None] = mapped_column(text(66))
    raw: Mapped[str | None]
    signed_at: Mapped[datetime | None]
    broadcast_at: Mapped[datetime | None]
    refused: Mapped[str | None] = mapped_column(text(40))
