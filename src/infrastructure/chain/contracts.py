"""Our contracts as they are on every chain, and what has to be sent to one that has not got them yet."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from application.wallets.wallet_contracts import IWalletContracts
from domain.shared.abi import encode
from domain.shared.evm_types import Address
from domain.wallets.contracts import SALT_BYTES, WalletContracts, create2_address

DEPLOYER = Address("0x4e59b44847b379578588920ca78fbf26c0b4956c")
"""Creates what it is sent by CREATE2. The same everywhere, and on nearly every chain already."""

_SALT = bytes(SALT_BYTES)
_ARTIFACTS = "infrastructure.chain.artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A contract that has to be on a chain: at ``address`` once ``data`` has been sent to the deployer."""

    name: str
    address: Address
    data: bytes


class Artifacts(IWalletContracts):
    """Computes from the committed creation code where everything is."""

    def contracts(self) -> WalletContracts:
        """Return the addresses, which are those of all chains."""
        smart_wallet, multi_sig, factory = (each.address for each in deployments())
        return WalletContracts(factory=factory, smart_wallet=smart_wallet, multi_sig=multi_sig)


@cache
def deployments() -> tuple[Deployment, ...]:
    """Return what has to be on a chain, in the order in which it is sent."""
    smart_wallet, multi_sig = (_deployment(name, creation_code(name)) for name in ("SmartWallet", "MultiSig"))
    arguments = encode(["address", "address"], smart_wallet.address, multi_sig.address)
    return smart_wallet, multi_sig, _deployment("WalletFactory", creation_code("WalletFactory") + arguments)


def creation_code(name: str) -> bytes:
    """Return the code that creates one of our contracts."""
    artifact = json.loads(resources.files(_ARTIFACTS).joinpath(f"{name}.json").read_text("utf-8"))
    return bytes.fromhex(artifact["bytecode"][2:])


def _deployment(name: str, code: bytes) -> Deployment:
    return Deployment(name=name, address=create2_address(DEPLOYER, _SALT, code), data=_SALT + code)
