"""What moved to or from an address in some blocks: from the logs of tokens, and from the values of transactions."""

import asyncio
from collections.abc import Sequence

from application.wallets.ports import Block, Receipt, Transfer
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.keccak import keccak_256
from infrastructure.chain.agreement import Agreement
from infrastructure.chain.answers import Candidate, Log, Nonsense
from infrastructure.chain.node import Node

BLOCKS_AT_ONCE = 100
"""Providers refuse longer ranges of logs, some above a thousand; every block is fetched besides."""

_CONCURRENT = 8
_WORD = 32
_COIN_INDEX = -1
_TRANSFER = f"0x{keccak_256(b'Transfer(address,address,uint256)').hex()}"
_TOPICS = 3  # an NFT's transfer has a fourth one

type Placed = tuple[tuple[int, int, int], Transfer]


async def transfers(
    agreement: Agreement, address: Address, tokens: Sequence[Address], *, first: int, last: int
) -> list[Transfer]:
    """Return what moved, in the chain's order; all endpoints that answer agree on it."""
    found: list[Transfer] = []
    for start in range(first, last + 1, BLOCKS_AT_ONCE):
        span = _Span(address, tuple(tokens), start, min(last, start + BLOCKS_AT_ONCE - 1))
        found += await agreement.read(lambda span=span: agreement.agreed(span.read))  # type: ignore[misc] # it is bound
    return found


class _Span:
    """The blocks that are asked for at once."""

    def __init__(self, address: Address, tokens: tuple[Address, ...], first: int, last: int) -> None:
        self._address = address
        self._tokens = tokens
        self._first = first
        self._last = last

    async def read(self, node: Node) -> tuple[Transfer, ...]:
        """Ask one endpoint."""
        limit = asyncio.Semaphore(_CONCURRENT)

        async def read_block(number: int) -> tuple[Block, list[Placed]]:
            async with limit:
                return await self._coins(node, number)

        blocks = await _all([asyncio.create_task(read_block(each)) for each in range(self._first, self._last + 1)])
        known = {block.number: block for block, _ in blocks}
        placed = [each for _, coins in blocks for each in coins]
        placed += [self._token(log, known) for log in await self._logs(node)]
        return tuple(transfer for _, transfer in sorted(placed, key=lambda each: each[0]))

    async def _coins(self, node: Node, number: int) -> tuple[Block, list[Placed]]:
        block, candidates = await node.candidates(number)
        ours = [each for each in candidates if each.value and self._address in (each.sender, each.to)]
        receipts = [(each, await self._receipt(node, each, block)) for each in ours]
        return block, [_coin(each, receipt) for each, receipt in receipts if receipt.succeeded]

    async def _receipt(self, node: Node, candidate: Candidate, block: Block) -> Receipt:
        receipt = await node.receipt(candidate.hash)
        if receipt is None or receipt.block != block:
            raise Nonsense
        return receipt

    async def _logs(self, node: Node) -> set[Log]:
        if not self._tokens:
            return set()
        topic = f"0x{self._address[2:]:0>64}"
        sides: tuple[list[str | None], ...] = ([_TRANSFER, topic], [_TRANSFER, None, topic])
        span = {"first": self._first, "last": self._last}
        logs = [log for side in sides for log in await node.logs(self._tokens, side, **span)]
        return {log for log in logs if len(log.topics) == _TOPICS and len(log.data) == _WORD}

    def _token(self, log: Log, known: dict[int, Block]) -> Placed:
        block = known.get(log.block_number)
        sender, recipient = (Address(f"0x{topic[-40:]}") for topic in log.topics[1:])
        if block is None or block.hash != log.block_hash or self._address not in (sender, recipient):
            raise Nonsense
        if log.contract not in self._tokens or log.topics[0] != _TRANSFER:
            raise Nonsense
        transfer = Transfer(
            hash=log.transaction, log_index=log.index, block=block, token=log.contract, sender=sender,
            recipient=recipient, amount=BaseUnits(int.from_bytes(log.data)),
        )  # fmt: skip
        return (block.number, log.transaction_index, log.index), transfer


async def _all[T](tasks: list[asyncio.Task[T]]) -> list[T]:
    """Wait for all; when one fails, none of the others goes on behind our back."""
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _coin(candidate: Candidate, receipt: Receipt) -> Placed:
    recipient = candidate.to or receipt.contract
    if recipient is None:
        raise Nonsense
    transfer = Transfer(
        hash=candidate.hash, log_index=_COIN_INDEX, block=receipt.block, token=None, sender=candidate.sender,
        recipient=recipient, amount=BaseUnits(candidate.value),
    )  # fmt: skip
    return (receipt.block.number, candidate.index, _COIN_INDEX), transfer
