"""Calls that every token of the ERC-20 kind understands."""

from domain.shared.abi import encode_call
from domain.shared.evm_types import Address, BaseUnits


def transfer_call(recipient: Address, amount: BaseUnits) -> bytes:
    """Encode that the caller's tokens go to somebody."""
    return encode_call("transfer(address,uint256)", recipient, amount)


def balance_call(holder: Address) -> bytes:
    """Encode the question how much somebody has; the answer is one word."""
    return encode_call("balanceOf(address)", holder)
