"""Our contracts on a chain for tests, and a token that buyers only sign for."""

import json
from pathlib import Path

from domain.shared.abi import Argument, encode_call
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.token_calls import transfer_call
from infrastructure.chain.contracts import DEPLOYER, deployments
from tests.support.chain import DevChain

_TOKEN = Path(__file__).resolve().parents[2] / "contracts" / "TestToken.json"
# Signed by nobody's key, so that it creates the same contract on every chain; its sender pays a fixed price.
_DEPLOYER_SENDER = Address("0x3fab184622dc19b6109349b94811493bf2a45362")
_DEPLOYER_PRICE = 10**16
_DEPLOYER_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
    "1ba0" + "22" * 32 + "a0" + "22" * 32
)


async def has_code(chain: DevChain, address: Address) -> bool:
    """Say whether a contract is there."""
    return bool(await chain.ask("eth_getCode", address, "latest") != "0x")


async def deploy_wallet_contracts(chain: DevChain) -> None:
    """Bring the factory and its templates onto a chain, unless they are there."""
    if not await has_code(chain, DEPLOYER):
        await chain.send(_DEPLOYER_SENDER, value=_DEPLOYER_PRICE)
        await chain.broadcast(_DEPLOYER_TRANSACTION)
    for each in deployments():
        if not await has_code(chain, each.address):
            await chain.send(DEPLOYER, data=each.data)


async def deploy_token(chain: DevChain) -> Address:
    """Create a token of the test's own; anybody may mint it."""
    return await chain.deploy(bytes.fromhex(json.loads(_TOKEN.read_text("utf-8"))["bytecode"][2:]))


async def mint(chain: DevChain, token: Address, holder: Address, amount: int) -> None:
    """Make tokens."""
    await chain.send(token, data=encode_call("mint(address,uint256)", holder, amount))


async def transfer(chain: DevChain, token: Address, holder: Address, amount: int) -> None:
    """Send the bank's tokens."""
    await chain.send(token, data=transfer_call(holder, BaseUnits(amount)))


async def number(chain: DevChain, contract: Address, signature: str, *arguments: Argument) -> int:
    """Ask a contract for a number."""
    return int.from_bytes(await chain.call(contract, encode_call(signature, *arguments)))
