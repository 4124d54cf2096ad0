"""What moved to and from a wallet, by the word of its chain: read backwards, some blocks at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.ports import HistoryPosition, IChain, IChains, IHistoryCursors, Transfer
from application.wallets.wallet_balances import BlockNumber, BlockView, known_block, shown_block
from application.wallets.wallet_view import Tokens
from domain.shared.errors import ValidationError
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId
from domain.shared.page import MAX_LIMIT
from domain.wallets.errors import ChainReorganized

BLOCKS = 100
"""How many blocks one page looks into at most: each of them is fetched from the chain."""


class TransferDirection(StrEnum):
    """Which way it went, seen from the wallet."""

    IN = "in"
    OUT = "out"
    SELF = "self"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTransferView:
    """Coins or tokens that moved. `token` is null for the chain's own coin, whose `log_index` is -1."""

    transaction_hash: TransactionHash
    log_index: int
    block: BlockView
    direction: TransferDirection
    token: Address | None
    sender: Address
    recipient: Address
    amount: BaseUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletHistoryView:
    """Transfers, newest first, found in the blocks from `first_block` to `last_block`.

    A page may be empty and yet not the last: there is more as long as `next_cursor` is not null.
    """

    data: list[WalletTransferView]
    first_block: int
    last_block: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletTransactions:
    """Of which wallet, from which block back to which, and of which tokens (else the wallet's own) besides the coin."""

    id: WalletId
    first_block: BlockNumber = 0
    last_block: BlockNumber | None = None
    tokens: Tokens | None = None
    limit: Annotated[int, Interval(ge=1, le=MAX_LIMIT)] = 20
    cursor: Annotated[str, Len(1, 2000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuestion:
    """What a chain is asked about a wallet's past. ``binding`` is whose and which list a cursor belongs to."""

    chain_id: int
    address: Address
    tokens: list[Address]
    first_block: int
    last_block: int | None
    limit: int
    cursor: str | None
    binding: str


async def history_of(question: HistoryQuestion, *, chains: IChains, cursors: IHistoryCursors) -> WalletHistoryView:
    """Read one page of a wallet's past from its chain."""
    chain = chains.of(question.chain_id)
    start = await _start(question, chain, cursors)
    first = max(question.first_block, start.block - BLOCKS + 1)
    bottom = await known_block(chain, first)
    found = await chain.transfers(question.address, question.tokens, first=first, last=start.block)
    newest = found[::-1]
    seen = newest[: start.shown + question.limit]
    page = seen[start.shown :]
    following: HistoryPosition | None = None
    if len(seen) < len(newest):
        following = _within(seen)
    elif first > question.first_block:
        following = HistoryPosition(block=first - 1, shown=0, anchor=first, anchor_hash=bottom.hash)
    return WalletHistoryView(
        data=[_shown(each, question.address) for each in page], first_block=first, last_block=start.block,
        next_cursor=None if following is None else cursors.write(question.binding, following),
    )  # fmt: skip


async def _start(question: HistoryQuestion, chain: IChain, cursors: IHistoryCursors) -> HistoryPosition:
    """Return where the page begins, which still has to be below what the pages before showed."""
    if question.cursor is not None:
        position = cursors.read(question.binding, question.cursor)
        anchor = await chain.block(position.anchor)
        if anchor is None or anchor.hash != position.anchor_hash:
            raise ChainReorganized
        return position
    last = question.last_block
    block = await chain.head() if last is None else await known_block(chain, last)
    if block.number < question.first_block:
        raise ValidationError("The first block comes after the last one.", path="first_block")
    return HistoryPosition(block=block.number, shown=0, anchor=block.number, anchor_hash=block.hash)


def _within(seen: Sequence[Transfer]) -> HistoryPosition:
    """Return the place in the midst of a block whose transfers did not all fit."""
    block = seen[-1].block
    shown = sum(each.block.number == block.number for each in seen)
    return HistoryPosition(block=block.number, shown=shown, anchor=block.number, anchor_hash=block.hash)


def _shown(transfer: Transfer, wallet: Address) -> WalletTransferView:
    direction = TransferDirection.IN if transfer.sender != wallet else TransferDirection.OUT
    if transfer.sender == transfer.recipient:
        direction = TransferDirection.SELF
    return WalletTransferView(
        transaction_hash=transfer.hash, log_index=transfer.log_index, block=shown_block(transfer.block),
        direction=direction, token=transfer.token, sender=transfer.sender, recipient=transfer.recipient,
        amount=transfer.amount,
    )  # fmt: skip


@use_case(
    "wallets.get_transactions",
    scope=Scope.WALLETS_READ,
    example={"limit": 20},
    read_only=True,
    statements=1,
    answer=history_of,
)
async def get_wallet_transactions(cmd: GetWalletTransactions, uow: IUnitOfWork) -> HistoryQuestion:
    """List the coins and tokens that moved to and from a wallet by the word of its chain, newest first.

    A page looks into a hundred blocks at most. Coins that a contract passed on leave no trace and are not there.

    Errors: `not_found`, `cursor_invalid`, `block_unknown`, `validation_error`, `chain_reorganized`,
    `chain_not_supported`, `chain_unavailable`, `chain_endpoints_disagree`.
    """
    wallet = await uow.wallets.get(cmd.id)
    tokens = [Address(token) for token in wallet.tokens] if cmd.tokens is None else cmd.tokens
    return HistoryQuestion(
        chain_id=wallet.chain_id, address=wallet.address, tokens=tokens, first_block=cmd.first_block,
        last_block=cmd.last_block, limit=cmd.limit, cursor=cmd.cursor,
        binding=":".join((str(uow.actor.organization_id), str(wallet.id), str(cmd.first_block), *tokens)),
    )  # fmt: skip
