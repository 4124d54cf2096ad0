"""Tables of the settlements context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.settlements.accepted_token import TokenAlreadyAccepted
from infrastructure.persistence.models.base import SoftDeletableRow, TableArgs, TenantRow, belongs_to, of_organization
from infrastructure.persistence.types import Uint256, text


def _accepted_once() -> Index:
    """Return the key by which a token is accepted once at a time."""
    kept = sql("deleted_at is null")
    columns = ("organization_id", "chain_id", "token")
    index = Index("uq_accepted_tokens_token", *columns, unique=True, postgresql_where=kept, sqlite_where=kept)
    index.info["error"] = TokenAlreadyAccepted
    return index


class AcceptedTokenRow(SoftDeletableRow):
    """A token that is taken for money."""

    __tablename__ = "accepted_tokens"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("wallets", "pay_to_wallet_id"),
        belongs_to("wallets", "facilitator_wallet_id"),
        _accepted_once(),
        Index("ix_accepted_tokens_currency", "organization_id", "currency", "created_at", "id"),
        Index("ix_accepted_tokens_created_at", "organization_id", "created_at", "id"),
        Index("ix_accepted_tokens_pay_to_wallet_id", "organization_id", "pay_to_wallet_id"),
        Index("ix_accepted_tokens_facilitator_wallet_id", "organization_id", "facilitator_wallet_id"),
    )

    chain_id: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[str] = mapped_column(text(42))
    symbol: Mapped[str] = mapped_column(text(20))
    decimals: Mapped[int]
    currency: Mapped[str] = mapped_column(text(3))
    name: Mapped[str] = mapped_column(text(100))
    eip712_version: Mapped[str] = mapped_column(text(20))
    pay_to_wallet_id: Mapped[UUID]
    pay_to: Mapped[str] = mapped_column(text(42))
    facilitator_wallet_id: Mapped[UUID]
    timeout_seconds: Mapped[int]


class TokenSettlementRow(TenantRow):
    """A buyer's authorization and what became of it."""

    __tablename__ = "token_settlements"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("payment_orders", "payment_order_id"),
        belongs_to("payment_attempts", "attempt_id"),
        belongs_to("accepted_tokens", "accepted_token_id"),
        belongs_to("wallet_transactions", "transaction_id"),
        Index("ix_token_settlements_attempt_id", "organization_id", "attempt_id"),
        Index("ix_token_settlements_payment_order_id", "organization_id", "payment_order_id"),
        Index("ix_token_settlements_accepted_token_id", "organization_id", "accepted_token_id"),
        Index("ix_token_settlements_transaction_id", "organization_id", "transaction_id"),
        Index("ix_token_settlements_created_at", "organization_id", "created_at", "id"),
        CheckConstraint("(status = 'settled') = (transaction_hash is not null)", name="settled_by_a_transaction"),
        CheckConstraint("(status = 'refused') = (failure_code is not null)", name="refused_for_a_reason"),
    )

    payment_order_id: Mapped[UUID]
    attempt_id: Mapped[UUID]
    accepted_token_id: Mapped[UUID]
    chain_id: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[str] = mapped_column(text(42))
    payer: Mapped[str] = mapped_column(text(42))
    pay_to: Mapped[str] = mapped_column(text(42))
    amount: Mapped[int] = mapped_column(Uint256())
    valid_after: Mapped[int] = mapped_column(BigInteger)
    valid_before: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[str] = mapped_column(text(66))
    signature: Mapped[str] = mapped_column(text(132))
    status: Mapped[str] = mapped_column(text(20))
    transaction_id: Mapped[UUID | None]
    first_block: Mapped[int | None] = mapped_column(BigInteger)
    transaction_hash: Mapped[str | None] = mapped_column(text(66))
    failure_code: Mapped[str | None] = mapped_column(text(40))
    settled_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
