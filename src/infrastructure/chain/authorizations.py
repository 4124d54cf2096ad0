"""Which signatures of a token's holder were executed in some blocks, from the token's own log."""

from application.wallets.ports import UsedAuthorization
from domain.shared.evm_types import Address
from domain.shared.keccak import keccak_256
from infrastructure.chain.agreement import Agreement
from infrastructure.chain.answers import Log, Nonsense
from infrastructure.chain.history import BLOCKS_AT_ONCE
from infrastructure.chain.node import Node

_USED = f"0x{keccak_256(b'AuthorizationUsed(address,bytes32)').hex()}"
_TOPICS = 3


async def authorizations_used(
    agreement: Agreement, token: Address, payer: Address, *, first: int, last: int
) -> list[UsedAuthorization]:
    """Return them in the chain's order; all endpoints that answer agree on it."""
    topics = (_USED, f"0x{payer[2:]:0>64}")
    found: list[UsedAuthorization] = []
    for start in range(first, last + 1, BLOCKS_AT_ONCE):
        end = min(last, start + BLOCKS_AT_ONCE - 1)

        async def read(node: Node, start: int = start, end: int = end) -> tuple[UsedAuthorization, ...]:
            logs = await node.logs((token,), topics, first=start, last=end)
            placed = sorted(logs, key=lambda log: (log.block_number, log.transaction_index, log.index))
            return tuple(_read(log, token, topics, start, end) for log in placed)

        found += await agreement.read(lambda read=read: agreement.agreed(read))  # type: ignore[misc] # it is bound
    return found


def _read(log: Log, token: Address, topics: tuple[str, str], first: int, last: int) -> UsedAuthorization:
    if log.contract != token or len(log.topics) != _TOPICS or tuple(log.topics[:2]) != topics:
        raise Nonsense
    if not first <= log.block_number <= last:
        raise Nonsense
    return UsedAuthorization(hash=log.transaction, block_number=log.block_number, nonce=log.topics[2])
