"""The questions that one endpoint is asked, each answered with a type of our own."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.wallets.ports import Block, ChainCall, Receipt, SignedTransaction
from domain.shared.evm_types import Address, TransactionHash
from infrastructure.chain.answers import (
    Candidate,
    Head,
    Log,
    as_block,
    as_bytes,
    as_candidates,
    as_hash,
    as_head,
    as_list,
    as_log,
    as_number,
    as_object,
    as_receipt,
)
from infrastructure.chain.endpoint import Endpoint, EndpointFailure, Refusal

_REVERTED = 3  # the code that nodes have agreed on
_REVERT_WORDS = ("revert", "invalid opcode", "out of gas", "gas required exceeds", "insufficient funds", "outofgas")


class Reverted(Exception):
    """The call fails on the chain: that is an answer, and no failure of the endpoint."""

    def __init__(self, data: bytes, words: str) -> None:
        """Keep what the contract returned, and what the endpoint says of it."""
        super().__init__(words)
        self.data = data
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Where a transaction is, by number and hash of the block, and what became of it."""

    block_number: int
    block_hash: str
    answer: object


class Node:
    """Asks one endpoint, and reads its answers."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Ask this endpoint."""
        self.endpoint = endpoint

    async def block(self, number: int | None = None) -> Block | None:
        """Return a block, the last one without a number."""
        found = await self._ask("eth_getBlockByNumber", _tag(number), False)
        return None if found is None else as_block(found)

    async def head(self) -> Head:
        """Return the last block with its fees."""
        return as_head(await self._ask("eth_getBlockByNumber", "latest", False))

    async def candidates(self, number: int) -> tuple[Block, tuple[Candidate, ...]]:
        """Return the transactions of a block."""
        found = await self._ask("eth_getBlockByNumber", hex(number), True)
        return as_block(found), as_candidates(found)

    async def balance(self, address: Address, number: int) -> int:
        """Return coins at a block."""
        return as_number(await self._ask("eth_getBalance", address, hex(number)))

    async def code(self, address: Address, number: int) -> bytes:
        """Return a contract's code at a block."""
        return as_bytes(await self._ask("eth_getCode", address, hex(number)))

    async def nonce(self, address: Address, number: int) -> int:
        """Return how many transactions an address had sent by a block."""
        return as_number(await self._ask("eth_getTransactionCount", address, hex(number)))

    async def pending_nonce(self, address: Address) -> int:
        """Return how many transactions an address has sent, the waiting ones included."""
        return as_number(await self._ask("eth_getTransactionCount", address, "pending"))

    async def call(self, call: ChainCall, number: int) -> bytes:
        """Execute a call on a block."""
        return as_bytes(await self._simulate("eth_call", _written(call), hex(number)))

    async def gas(self, call: ChainCall) -> int:
        """Return what a call takes on the last block."""
        return as_number(await self._simulate("eth_estimateGas", _written(call)))

    async def tips(self, blocks: int) -> tuple[int | None, list[int]]:
        """Return the next block's base fee if it is told, and what half of the last blocks' transactions paid above."""
        found = as_object(await self._ask("eth_feeHistory", hex(blocks), "latest", [50]))
        fees = [as_number(each) for each in as_list(found.get("baseFeePerGas"))]
        rewards = [as_list(each) for each in as_list(found.get("reward") or [])]
        # The list of fees ends one block later than that of the blocks; eth-tester's does not.
        following = fees[-1] if len(fees) > len(as_list(found.get("gasUsedRatio"))) else None
        return following, [as_number(each[0]) for each in rewards if each]

    async def mined(self, hash: TransactionHash) -> Mined | None:  # noqa: A002 - what it is called everywhere
        """Return the receipt of a transaction, with where it is."""
        found = await self._ask("eth_getTransactionReceipt", hash)
        if found is None:
            return None
        answer = as_object(found)
        if as_hash(answer.get("transactionHash")) != hash:
            raise EndpointFailure
        number, block = as_number(answer.get("blockNumber")), as_hash(answer.get("blockHash"))
        return Mined(block_number=number, block_hash=block, answer=answer)

    async def receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - as above
        """Return what became of a transaction; None also while its block is not the one at its number."""
        mined = await self.mined(hash)
        if mined is None:
            return None
        block = await self.block(mined.block_number)
        if block is None or block.hash != mined.block_hash:
            return None
        return as_receipt(mined.answer, block)

    async def knows(self, hash: TransactionHash) -> bool:  # noqa: A002 - as above
        """Say whether a transaction is there, in a block or waiting."""
        return await self._ask("eth_getTransactionByHash", hash) is not None

    async def send(self, transaction: SignedTransaction) -> None:
        """Hand over a transaction.

        Raises:
            Refusal: it was not taken.
        """
        answer = await self.endpoint.ask("eth_sendRawTransaction", f"0x{transaction.raw.hex()}")
        if answer != transaction.hash:
            raise EndpointFailure

    async def logs(
        self, contracts: Sequence[Address], topics: Sequence[str | None], *, first: int, last: int
    ) -> tuple[Log, ...]:
        """Return the log entries of some contracts in some blocks."""
        wanted = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(contracts), "topics": list(topics)}
        return tuple(as_log(each) for each in as_list(await self._ask("eth_getLogs", wanted)))

    async def _ask(self, method: str, *params: object) -> object:
        """Ask for what cannot be refused: an error is a failure here."""
        try:
            return await self.endpoint.ask(method, *params)
        except Refusal as error:
            raise EndpointFailure from error

    async def _simulate(self, method: str, *params: object) -> object:
        try:
            return await self.endpoint.ask(method, *params)
        except Refusal as error:
            words = error.message.lower()
            if error.code == _REVERTED or any(each in words for each in _REVERT_WORDS):
                raise Reverted(error.data or b"", error.message) from None
            raise EndpointFailure from error


def _tag(number: int | None) -> str:
    return "latest" if number is None else hex(number)


def _written(call: ChainCall) -> dict[str, str]:
    to = {} if call.to is None else {"to": call.to}
    return {"from": call.sender, "value": hex(call.value), "data": f"0x{call.data.hex()}"} | to
