"""A chain behind the port, whatever the number of its endpoints."""

from collections.abc import Awaitable, Callable, Sequence

from application.wallets.ports import (
    Balances,
    Block,
    BroadcastResult,
    ChainCall,
    Estimate,
    IChain,
    Receipt,
    SignedTransaction,
    Transfer,
    UsedAuthorization,
)
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.token_calls import balance_call
from domain.wallets.errors import BlockchainError, EndpointsDisagree, TransactionWouldRevert
from infrastructure.chain import authorizations, history
from infrastructure.chain.agreement import Agreement
from infrastructure.chain.answers import Nonsense
from infrastructure.chain.broadcasting import meaning, strongest
from infrastructure.chain.endpoint import Refusal
from infrastructure.chain.fees import next_base_fee, offered
from infrastructure.chain.node import Node, Reverted
from infrastructure.chain.reverts import reason_of, shown

_APART = 64
"""Blocks between the highest and the lowest head; beyond it somebody is not just a little late."""
_FEE_BLOCKS = 5
_PLAIN_TRANSFER = 21_000
_WORD = 32


class Web3Chain(IChain):
    """Reads what all endpoints agree on, at blocks that all of them have."""

    def __init__(self, chain_id: int, confirmations: int, agreement: Agreement) -> None:
        """Use endpoints that nothing has been asked yet."""
        self._chain_id = chain_id
        self._confirmations = confirmations
        self._agreement = agreement

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def confirmations(self) -> int:
        return self._confirmations

    async def close(self) -> None:
        """Close all connections."""
        await self._agreement.close()

    async def head(self) -> Block:
        return await self._agreement.read(self._head)

    async def block(self, number: int) -> Block | None:
        return await self._agreement.read(lambda: self._block(number))

    async def balances(self, address: Address, tokens: Sequence[Address] = (), block: int | None = None) -> Balances:
        async def read(node: Node, at: Block) -> tuple[int, tuple[int, ...]]:
            held = [await self._held(node, token, address, at.number) for token in tokens]
            return await node.balance(address, at.number), tuple(held)

        at, (native, held) = await self._agreement.read(lambda: self._simulated(self._at(block, read)))
        return Balances(block=at, native=BaseUnits(native), tokens=tuple(BaseUnits(each) for each in held))

    async def estimate(self, call: ChainCall) -> Estimate:
        gas = await self._agreement.read(lambda: self._simulated(self._agreement.any(lambda node: node.gas(call))))
        base_fee, tips = await self._agreement.read(lambda: self._agreement.any(_fees))
        # Until it is in a block, the state it runs on can change a little; a plain transfer never takes more.
        return Estimate(
            gas=gas if gas == _PLAIN_TRANSFER else gas * 6 // 5, base_fee=base_fee, fees=offered(base_fee, tips)
        )

    async def call(self, call: ChainCall, block: int | None = None) -> bytes:
        async def read(node: Node, at: Block) -> bytes:
            return await node.call(call, at.number)

        return (await self._agreement.read(lambda: self._simulated(self._at(block, read))))[1]

    async def code(self, address: Address) -> bytes:
        return (await self._agreement.read(lambda: self._at(None, lambda node, at: node.code(address, at.number))))[1]

    async def nonce(self, address: Address, *, pending: bool = False, block: int | None = None) -> int:
        async def read(node: Node, at: Block) -> int:
            return await node.nonce(address, at.number)

        mined = (await self._agreement.read(lambda: self._at(block, read)))[1]
        if not pending:
            return mined
        # Waiting transactions are each endpoint's own: who knows of more of them knows better.
        waiting = await self._agreement.read(lambda: self._agreement.every(lambda node: node.pending_nonce(address)))
        return max(mined, *(answer for _, answer in waiting))

    async def broadcast(self, transaction: SignedTransaction) -> BroadcastResult:
        async def send(node: Node) -> BroadcastResult:
            try:
                await node.send(transaction)
            except Refusal as refusal:
                return meaning(refusal)
            return BroadcastResult.ACCEPTED

        return strongest([result for _, result in await self._agreement.every(send)])

    async def receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - the port's name
        return await self._agreement.read(lambda: self._receipt(hash))

    async def knows(self, hash: TransactionHash) -> bool:  # noqa: A002 - as above
        answers = await self._agreement.read(lambda: self._agreement.every(lambda node: node.knows(hash)))
        return any(known for _, known in answers)

    async def transfers(
        self, address: Address, tokens: Sequence[Address], *, first: int, last: int
    ) -> Sequence[Transfer]:
        return await history.transfers(self._agreement, address, tokens, first=first, last=last)

    async def authorizations_used(
        self, token: Address, payer: Address, *, first: int, last: int
    ) -> Sequence[UsedAuthorization]:
        return await authorizations.authorizations_used(self._agreement, token, payer, first=first, last=last)

    async def _head(self) -> Block:
        """Return the last block that everybody has."""
        numbers = [block.number for _, block in await self._agreement.every(_last)]
        if max(numbers) - min(numbers) > _APART:
            raise EndpointsDisagree
        block = await self._agreement.agreed(lambda node: node.block(min(numbers)))
        if block is None:
            raise EndpointsDisagree
        return block

    async def _block(self, number: int) -> Block | None:
        answers = await self._agreement.every(lambda node: node.block(number))
        found = [block for _, block in answers if block is not None]
        if any(block != found[0] for block in found):
            raise EndpointsDisagree
        if len(found) == len(answers):
            return found[0]
        # Who has not got it yet has to be behind it: nobody leaves a number out.
        await self._check_behind([node for node, block in answers if block is None], number)
        return None

    async def _check_behind(self, nodes: list[Node], number: int) -> None:
        for node, block in await self._agreement.every(_last):
            if node in nodes and block.number >= number:
                raise EndpointsDisagree

    async def _receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - as above
        answers = await self._agreement.every(lambda node: node.receipt(hash))
        found = [receipt for _, receipt in answers if receipt is not None]
        if any(receipt != found[0] for receipt in found):
            raise EndpointsDisagree
        if len(found) == len(answers):
            return found[0]
        if found:
            await self._check_behind([node for node, each in answers if each is None], found[0].block.number)
        return None

    async def _at[T](self, number: int | None, read: Callable[[Node, Block], Awaitable[T]]) -> tuple[Block, T]:
        """Read on a block that is still the one of its number afterwards."""
        block = await self._head() if number is None else await self._block(number)
        if block is None:
            raise BlockchainError("There is no such block yet.")
        answer = await self._agreement.agreed(lambda node: read(node, block))
        if await self._agreement.agreed(lambda node: node.block(block.number)) != block:
            raise EndpointsDisagree
        return block, answer

    async def _held(self, node: Node, token: Address, address: Address, number: int) -> int:
        call = ChainCall(sender=address, to=token, data=balance_call(address))
        answer = await node.call(call, number)
        if len(answer) != _WORD:
            raise Reverted(b"", "the contract is no token")
        return int.from_bytes(answer)

    async def _simulated[T](self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except Reverted as reverted:
            reason = reason_of(reverted.data) if reverted.data else shown(reverted.words)
            raise TransactionWouldRevert(reason=reason) from None


async def _last(node: Node) -> Block:
    block = await node.block()
    if block is None:
        raise Nonsense
    return block


async def _fees(node: Node) -> tuple[int, list[int]]:
    following, tips = await node.tips(_FEE_BLOCKS)
    return (next_base_fee(await node.head()) if following is None else following), tips
