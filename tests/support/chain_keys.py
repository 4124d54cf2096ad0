"""Transactions signed with known keys, by the library that everybody uses."""

import asyncio

from eth_account import Account
from eth_account.messages import encode_defunct

from application.wallets.ports import Fees, IChain, Receipt, SignedTransaction, UnsignedTransaction
from domain.shared.evm import checksummed
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from tests.support.chain import DevAccount, DevChain

GWEI = 10**9
_PATIENCE, _PAUSE = 250, 0.02


async def signed(
    chain: DevChain, account: DevAccount, to: Address | None, *, value: int = 0, data: bytes = b"", gas: int = 300_000
) -> SignedTransaction:
    """Sign a transaction with the account's next nonce."""
    nonce = int(await chain.ask("eth_getTransactionCount", account.address, "latest"), 16)
    fees = Fees(max_fee=100 * GWEI, priority_fee=GWEI)
    return signed_now(
        account,
        UnsignedTransaction(
            chain_id=chain.chain_id, nonce=nonce, to=to, value=BaseUnits(value), data=data, gas=gas, fees=fees
        ),
    )


def signed_text(account: DevAccount, text: str) -> str:
    """Sign a text as EIP-191 says."""
    return f"0x{Account.sign_message(encode_defunct(text=text), account.key).signature.hex()}"


def signed_now(account: DevAccount, transaction: UnsignedTransaction) -> SignedTransaction:
    """Sign just this."""
    made = Account.sign_transaction(
        {
            "type": 2, "chainId": transaction.chain_id, "nonce": transaction.nonce, "gas": transaction.gas,
            "maxFeePerGas": transaction.fees.max_fee, "maxPriorityFeePerGas": transaction.fees.priority_fee,
            "value": transaction.value, "data": transaction.data,
        } | ({} if transaction.to is None else {"to": checksummed(transaction.to)}),
        account.key,
    )  # fmt: skip
    return SignedTransaction(raw=bytes(made.raw_transaction), hash=TransactionHash(f"0x{made.hash.hex()}"))


async def mined(there: IChain, transaction: SignedTransaction) -> Receipt:
    """Return the receipt of what was broadcast to a chain that mines at once; anvil answers a little before it has."""
    for _ in range(_PATIENCE):
        if receipt := await there.receipt(transaction.hash):
            return receipt
        await asyncio.sleep(_PAUSE)
    raise AssertionError("the transaction is in no block")
