"""Transactions of type 2 (EIP-1559), as they are signed and broadcast.

Importing this takes a second or two: import it late.
"""

from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from application.wallets.ports import SignedTransaction, UnsignedTransaction
from domain.shared.evm import checksummed
from domain.shared.evm_types import Address, TransactionHash
from domain.shared.keccak import keccak_256


def signed_with(key: bytes, transaction: UnsignedTransaction) -> tuple[Address, SignedTransaction]:
    """Sign, and say whose signature it is, read from the signed bytes themselves."""
    raw = bytes(Account.sign_transaction(_fields(transaction), key).raw_transaction)
    return sender_of(raw), named(raw)


def sender_of(raw: bytes) -> Address:
    """Return who signed.

    Raises:
        Exception: the bytes are no signed transaction; which error it is depends on what they are.
    """
    return Address(Account.recover_transaction(raw).lower())


def says(raw: bytes, transaction: UnsignedTransaction) -> bool:
    """Say whether signed bytes are this transaction to the last field, and nothing besides."""
    read = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    signature = {name: read[name] for name in ("v", "r", "s")}
    return bytes(TypedTransaction.from_dict({**_fields(transaction), **signature}).encode()) == raw


def named(raw: bytes) -> SignedTransaction:
    """Return signed bytes with the hash that they will be known by."""
    return SignedTransaction(raw=raw, hash=TransactionHash(f"0x{keccak_256(raw).hex()}"))


def _fields(transaction: UnsignedTransaction) -> dict[str, Any]:
    return {
        "type": 2,
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "to": "" if transaction.to is None else checksummed(transaction.to),
        "value": transaction.value,
        "data": transaction.data,
        "gas": transaction.gas,
        "maxFeePerGas": transaction.fees.max_fee,
        "maxPriorityFeePerGas": transaction.fees.priority_fee,
        "accessList": (),
    }
