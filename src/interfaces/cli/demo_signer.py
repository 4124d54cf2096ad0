"""A wallet that an agent has of its own: Stoa never sees its key, only what it signs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import cast

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from domain.shared.evm_types import Address
from interfaces.cli.demo_stage import Body

_TYPES = {
    "TransferWithAuthorization": [
        {"name": "from", "type": "address"},
        {"name": "to", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "validAfter", "type": "uint256"},
        {"name": "validBefore", "type": "uint256"},
        {"name": "nonce", "type": "bytes32"},
    ]
}


def _new_account() -> LocalAccount:
    made: LocalAccount = Account.create()
    return made


@dataclass(frozen=True, slots=True)
class PayingWallet:
    """Signs authorizations as EIP-3009 says."""

    account: LocalAccount = field(default_factory=_new_account, repr=False)

    @property
    def address(self) -> Address:
        return Address(self.account.address.lower())

    def pay(self, demand: Mapping[str, object]) -> Body:
        """Return the x402 payment that takes the first offer of a demand."""
        offer = cast("list[Mapping[str, object]]", demand["accepts"])[0]
        valid_before = int(time.time()) + cast("int", offer["maxTimeoutSeconds"])
        nonce = token_bytes(32)
        authorization = {
            "from": self.account.address, "to": offer["payTo"], "value": offer["amount"], "validAfter": "0",
            "validBefore": str(valid_before), "nonce": f"0x{nonce.hex()}",
        }  # fmt: skip
        terms = authorization | {
            "value": int(str(offer["amount"])), "validAfter": 0, "validBefore": valid_before, "nonce": nonce,
        }  # fmt: skip
        signed = self.account.sign_message(encode_typed_data(_domain(offer), _TYPES, terms))
        inner = {"signature": f"0x{signed.signature.hex()}", "authorization": authorization}
        return {"x402Version": demand["x402Version"], "accepted": offer, "payload": inner}


def _domain(offer: Mapping[str, object]) -> Body:
    """Return what makes a signature count for this token on this chain only."""
    extra = cast("Mapping[str, object]", offer["extra"])
    chain_id = int(str(offer["network"]).removeprefix("eip155:"))
    return {
        "name": extra["name"], "version": extra["version"], "chainId": chain_id, "verifyingContract": offer["asset"],
    }  # fmt: skip
