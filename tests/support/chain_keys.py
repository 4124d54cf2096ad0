"""Transactions signed with known keys, by the library that everybody uses."""

from eth_account import Account
from eth_account.messages import encode_defunct

from application.wallets.ports import Fees, SignedTransaction, UnsignedTransaction
from domain.shared.evm import checksummed
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from tests.support.chain import DevAccount, DevChain

GWEI = 10**9


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
