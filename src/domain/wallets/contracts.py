"""The contracts of wallets, as far as they are pure: their calls, and the addresses at which they will be.

Their sources are in ``contracts/``. Every address follows from code and arguments alone, so that it is known before
anything is there, and is the same on all chains.
"""

from attrs import frozen

from domain.shared.abi import encode, encode_call
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.keccak import keccak_256
from domain.wallets.multi_sig import MultiSigConfig

SALT_BYTES = 32
# The proxy of EIP-1167 as Vyper writes it: what copies it, what comes before the template's address, and after it.
_PROXY_BEGIN = bytes.fromhex("602d3d8160093d39f3363d3d373d3d3d363d73")
_PROXY_END = bytes.fromhex("5af43d82803e903d91602b57fd5bf3")


@frozen(kw_only=True)
class WalletContracts:
    """Where the factory is, and the templates of what it makes."""

    factory: Address
    smart_wallet: Address
    multi_sig: Address

    def address_of_smart_wallet(self, owner: Address, salt: bytes) -> Address:
        """Predict where the factory will make a wallet of one owner."""
        return self._made(self.smart_wallet, encode(["address", "bytes32"], owner, salt))

    def address_of_multi_sig(self, config: MultiSigConfig, salt: bytes) -> Address:
        """Predict where the factory will make a wallet of several owners."""
        types = ["address[]", "uint256", "bytes32"]
        return self._made(self.multi_sig, encode(types, config.owners, config.threshold, salt))

    def _made(self, template: Address, arguments: bytes) -> Address:
        proxy = _PROXY_BEGIN + bytes.fromhex(template[2:]) + _PROXY_END
        return create2_address(self.factory, keccak_256(arguments), proxy)


def create2_address(creator: Address, salt: bytes, creation_code: bytes) -> Address:
    """Compute where a contract is created by EIP-1014."""
    digest = keccak_256(b"\xff" + bytes.fromhex(creator[2:]) + salt + keccak_256(creation_code))
    return Address(f"0x{digest[12:].hex()}")


def make_smart_wallet(owner: Address, salt: bytes) -> bytes:
    """Encode the factory's call that makes a wallet of one owner."""
    return encode_call("make_smart_wallet(address,bytes32)", owner, salt)


def make_multi_sig(config: MultiSigConfig, salt: bytes) -> bytes:
    """Encode the factory's call that makes a wallet of several owners."""
    return encode_call("make_multi_sig(address[],uint256,bytes32)", config.owners, config.threshold, salt)


def execute(target: Address, amount: BaseUnits, data: bytes) -> bytes:
    """Encode what a smart wallet's owner has it do."""
    return encode_call("execute(address,uint256,bytes)", target, amount, data)


def propose(target: Address, amount: BaseUnits, data: bytes) -> bytes:
    """Encode a proposal to a multi-signature wallet, which its proposer confirms with it."""
    return encode_call("propose(address,uint256,bytes)", target, amount, data)


def confirm(proposal: int) -> bytes:
    """Encode an owner's agreement."""
    return encode_call("confirm(uint256)", proposal)


def revoke(proposal: int) -> bytes:
    """Encode that an owner takes the agreement back."""
    return encode_call("revoke(uint256)", proposal)


def execute_proposal(proposal: int) -> bytes:
    """Encode the execution of what enough owners have confirmed."""
    return encode_call("execute(uint256)", proposal)
