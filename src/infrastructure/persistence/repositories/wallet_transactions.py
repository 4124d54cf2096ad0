"""Repository of wallets' transactions."""

from collections.abc import Collection
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_repositories import IWalletTransactionRepository
from domain.wallets.transaction_signing import TransactionSigning
from domain.wallets.transaction_status import PENDING, SENT_NOTHING, WalletTransactionStatus
from domain.wallets.wallet_transaction import WalletTransaction
from infrastructure.persistence import tenancy
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.wallet_transactions import TransactionSigningRow, WalletTransactionRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf, UtcDateTime, text

_SIGNINGS = Children(Mapper(TransactionSigning, TransactionSigningRow), parent="transaction_id", order="number")
_NEVER_SENT = frozenset({WalletTransactionStatus.CREATED, WalletTransactionStatus.SIGNED})


class SqlWalletTransactionRepository(SqlRepository[WalletTransaction], IWalletTransactionRepository):
    """Transactions with their forms."""

    mapper = Mapper(WalletTransaction, WalletTransactionRow, children={"signings": _SIGNINGS})

    async def nonces_from(self, chain_id: int, sender: Address, first: int) -> list[int]:
        """Read one index; what a chain has not executed yet are few."""
        params = {"this_chain": chain_id, "this_sender": sender, "first": first}
        rows = await self._session.rows(self._prepare("nonces_from", self._nonces_from), params)
        return [cast("int", row[0]) for row in rows]

    async def reserved(self, chain_id: int, sender: Address, block: int) -> BaseUnits:
        """Sum over one index of what waits, and of what was mined after the balance was read."""
        params = {"this_chain": chain_id, "this_sender": sender, "block": block}
        return _sum(await self._session.rows(self._prepare("reserved", self._reserved), params))

    async def sent_since(self, wallet_id: WalletId, since: datetime) -> BaseUnits:
        """Sum over one index."""
        params = {"this_wallet": wallet_id, "since": since}
        return _sum(await self._session.rows(self._prepare("sent_since", self._sent_since), params))

    async def waits_for_another(self, transaction: WalletTransaction) -> bool:
        """Look into the index of what waits."""
        rows = await self._session.rows(self._prepare("waits", self._waits), _line(transaction))
        return bool(rows[0][0])

    async def next_in_line(self, transaction: WalletTransaction) -> WalletTransactionId | None:
        """Look up one nonce."""
        rows = await self._session.rows(self._prepare("next_in_line", self._next_in_line), _line(transaction))
        return WalletTransactionId(cast("UUID", rows[0][0])) if rows else None

    async def arrived(
        self, wallet_id: WalletId, hashes: Collection[TransactionHash]
    ) -> set[tuple[TransactionHash, int]]:
        """Look into the index of hashes."""
        params = {"this_wallet": wallet_id, "hashes": sorted(hashes)}
        rows = await self._session.rows(self._prepare("arrived", self._arrived), params)
        return {cast("tuple[TransactionHash, int]", (row[0], row[1])) for row in rows}

    async def is_under_way(self, wallet_id: WalletId) -> bool:
        """Look into the index of nonces."""
        rows = await self._session.rows(self._prepare("under_way", self._under_way), {"this_wallet": wallet_id})
        return bool(rows[0][0])

    def _of_sender(self) -> tuple[ColumnElement[bool], ...]:
        c = self.mapper.table.c
        return (
            tenancy.wall(self.mapper.table),
            c.chain_id == bindparam("this_chain", type_=BigInteger()),
            c.sender == bindparam("this_sender", type_=text()),
        )

    def _nonces_from(self) -> Executable:
        nonce = self.mapper.table.c.nonce
        first = bindparam("first", type_=BigInteger())
        return select(nonce).where(*self._of_sender(), nonce.is_not(None), nonce >= first).order_by(nonce)

    def _reserved(self) -> Executable:
        c = self.mapper.table.c
        mined_since = c.block_number > bindparam("block", type_=BigInteger())
        waits = and_(_one_of(c.status, PENDING), c.nonce.is_not(None))
        return select(self._added_up(c.reserved)).where(*self._of_sender(), or_(waits, mined_since))

    def _sent_since(self) -> Executable:
        table = self.mapper.table
        return select(self._added_up(table.c.value)).where(
            tenancy.wall(table),
            table.c.wallet_id == bindparam("this_wallet", type_=Guid()),
            table.c.created_at > bindparam("since", type_=UtcDateTime()),
            table.c.direction == TransactionDirection.OUT.value,
            not_(_one_of(table.c.status, SENT_NOTHING)),
        )

    def _waits(self) -> Executable:
        c = self.mapper.table.c
        before = c.nonce < bindparam("this_nonce", type_=BigInteger())
        earlier = select(c.id).where(*self._of_sender(), before, _one_of(c.status, _NEVER_SENT))
        return select(exists(earlier))

    def _next_in_line(self) -> Executable:
        c = self.mapper.table.c
        following = c.nonce == bindparam("this_nonce", type_=BigInteger()) + 1
        return select(c.id).where(*self._of_sender(), following, _one_of(c.status, _NEVER_SENT))

    def _arrived(self) -> Executable:
        c = self.mapper.table.c
        some = AnyOf(c.transaction_hash, bindparam("hashes", type_=ListOf(text(66))))
        return select(c.transaction_hash, c.log_index).where(*self._of_wallet(), c.log_index.is_not(None), some)

    def _under_way(self) -> Executable:
        c = self.mapper.table.c
        open_ = or_(_one_of(c.status, PENDING), c.status == WalletTransactionStatus.MINED.value)
        return select(exists(select(c.id).where(*self._of_wallet(), c.nonce.is_not(None), open_)))

    def _of_wallet(self) -> tuple[ColumnElement[bool], ...]:
        table = self.mapper.table
        return tenancy.wall(table), table.c.wallet_id == bindparam("this_wallet", type_=Guid())

    def _added_up(self, column: ColumnElement[object]) -> ColumnElement[object]:
        """Sum where numbers have 256 bits; SQLite would round, so its rows are added up here."""
        return func.sum(column) if self._session.database.is_postgres else column


def _line(transaction: WalletTransaction) -> dict[str, object]:
    """Name a transaction's place in its sender's line."""
    return {"this_chain": transaction.chain_id, "this_sender": transaction.sender, "this_nonce": transaction.place}


def _one_of(column: ColumnElement[str], statuses: Collection[WalletTransactionStatus]) -> ColumnElement[bool]:
    """Compare with constants, not with parameters: what waits has an index of its own."""
    return or_(*(column == literal_column(f"'{status.value}'", text()) for status in sorted(statuses)))


def _sum(rows: object) -> BaseUnits:
    return BaseUnits(sum(int(row[0]) for row in cast("list[tuple[str | None]]", rows) if row[0] is not None))
