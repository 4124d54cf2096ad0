"""Repository of what is watched, and the sums of what is recorded."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from sqlalchemy import BigInteger, Executable, Table, and_, bindparam, func, literal, or_, select, update

from domain.shared.evm_types import Address
from domain.shared.ids import WalletId
from domain.shared.specification import Equal
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_status import WalletTransactionStatus
from domain.wallets.wallet_watch import Asset, WalletWatch, WatchedAsset
from domain.wallets.watch_repositories import IWalletWatchRepository
from infrastructure.persistence import tenancy
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.wallet_transactions import WalletTransactionRow
from infrastructure.persistence.models.wallet_watches import WalletWatchRow, WatchedAssetRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.types import Guid

_ASSETS = Children(Mapper(WatchedAsset, WatchedAssetRow), parent="watch_id", order="number")
_ASSET = cast("Table", WatchedAssetRow.__table__)
_MOVED = cast("Table", WalletTransactionRow.__table__)

type _Amount = int | str | None
type _Sums = tuple[str | None, str, str, bool, *tuple[_Amount, ...]]


class SqlWalletWatchRepository(SqlRepository[WalletWatch], IWalletWatchRepository):
    """Watches with their assets."""

    mapper = Mapper(WalletWatch, WalletWatchRow, children={"assets": _ASSETS})

    async def of_wallet(self, wallet_id: WalletId, *, lock: bool = False) -> WalletWatch | None:
        """Return a wallet's watch."""
        return await self.find_one(Equal("wallet_id", wallet_id), lock=lock)

    async def read_up_to(self, watch: WalletWatch, block: int) -> None:
        """Write one column."""
        await self._move(watch, "read_to", block)

    async def checked_at(self, watch: WalletWatch, block: int) -> None:
        """Write one column."""
        await self._move(watch, "checked_block", block)

    async def recorded(self, watch: WalletWatch, block: int) -> dict[Asset, int]:
        """Add up in one statement, whatever the number of assets."""
        postgres = self._session.database.is_postgres
        params = {"this_watch": watch.id, "this_wallet": watch.wallet_id, "block": block}
        rows = await self._session.rows(self._prepare("recorded", lambda: _recorded(postgres=postgres)), params)
        sums = Counter[Asset]()
        for row in rows:
            token, direction, status, own, *amounts = cast("_Sums", tuple(row))
            asset = None if token is None else Address(token)
            sums[asset] += _net(asset, direction, status, own=own, amounts=amounts)
        return dict(sums)

    async def _move(self, watch: WalletWatch, column: str, block: int) -> None:
        statement = self._prepare(("move", column), lambda: self._moved(column))
        await self._session.rows(statement, {"this_id": watch.id, "block": block})

    def _moved(self, column: str) -> Executable:
        table, block = self.mapper.table, bindparam("block", type_=BigInteger())
        this = table.c.id == bindparam("this_id", type_=Guid())
        return update(table).where(tenancy.wall(table), this).values({column: block})


def _net(asset: Asset, direction: str, status: str, *, own: bool, amounts: Sequence[_Amount]) -> int:
    """Return what some alike transactions added to the wallet. What it sends itself never leaves."""
    value, token_amount, fee = (int(each or 0) for each in amounts)
    amount = value if asset is None else token_amount
    if direction == TransactionDirection.IN.value:
        return amount
    left = amount if status == WalletTransactionStatus.CONFIRMED.value and not own else 0
    return -left - (fee if asset is None else 0)


def _recorded(*, postgres: bool) -> Executable:
    c = _MOVED.c
    own = func.coalesce(c.counterparty == c.sender, literal(value=False))
    alike = (_ASSET.c.token, c.direction, c.status, own)
    amounts = (c.value, c.token_amount, c.fee)
    last = bindparam("block", type_=BigInteger())
    within = and_(c.block_number > _ASSET.c.since_block, c.block_number <= last)
    rows = (
        tenancy.wall(_MOVED), tenancy.wall(_ASSET), _ASSET.c.watch_id == bindparam("this_watch", type_=Guid()),
        c.wallet_id == bindparam("this_wallet", type_=Guid()), within,
        or_(_ASSET.c.token.is_(None), _ASSET.c.token == c.token_address),
    )  # fmt: skip
    if not postgres:
        # SQLite would round numbers of 256 bits; its rows are added up by whoever reads them.
        return select(*alike, *amounts).where(*rows)
    return select(*alike, *(func.sum(amount) for amount in amounts)).where(*rows).group_by(*alike)
