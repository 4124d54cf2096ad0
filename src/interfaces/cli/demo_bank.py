"""The demo's bank: the first account of its chain, which needs no signature, has coins, and mints the token."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self, cast

import httpx2

from domain.shared.abi import encode_call
from domain.shared.evm_types import Address, read_address
from domain.shared.token_calls import balance_call
from interfaces.cli.demo_stage import Ground

ETHER = 10**18


class RefusedByChain(Exception):
    """The chain answered with an error."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Asks the chain by JSON-RPC."""

    client: httpx2.AsyncClient
    url: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def ask(self, method: str, *params: object) -> object:
        """Ask one question.

        Raises:
            RefusedByChain: the answer is an error.
        """
        request = {"jsonrpc": "2.0", "id": next(self.numbers), "method": method, "params": params}
        answer = (await self.client.post(self.url, json=request)).json()
        if "error" in answer:
            raise RefusedByChain(f"{method}: {answer['error']}")
        return answer["result"]

    async def send(self, sender: Address, fields: Mapping[str, str]) -> Mapping[str, object]:
        """Send a transaction of an account that needs no signature, and return its receipt."""
        call = {"from": sender, **fields}
        gas = int(str(await self.ask("eth_estimateGas", call)), 16) * 5 // 4
        transaction = await self.ask("eth_sendTransaction", {**call, "gas": hex(gas)})
        return cast("Mapping[str, object]", await self.ask("eth_getTransactionReceipt", transaction))


@dataclass(frozen=True, slots=True)
class Bank:
    """An account, and the token that it has created."""

    line: _Line
    account: Address
    token: Address

    @classmethod
    async def found(cls, client: httpx2.AsyncClient, ground: Ground) -> Self:
        """Create the token."""
        line = _Line(client, ground.url)
        account = read_address(cast("list[str]", await line.ask("eth_accounts"))[0])
        created = await line.send(account, {"data": f"0x{ground.token_code.hex()}"})
        return cls(line, account, read_address(str(created["contractAddress"])))

    async def give_gas(self, to: Address) -> None:
        """Send a coin."""
        await self.line.send(self.account, {"to": to, "value": hex(ETHER)})

    async def mint(self, holder: Address, units: int) -> None:
        """Make tokens."""
        data = encode_call("mint(address,uint256)", holder, units)
        await self.line.send(self.account, {"to": self.token, "data": f"0x{data.hex()}"})

    async def held(self, holder: Address) -> int:
        """Ask the token how much of it somebody has."""
        call = {"from": self.account, "to": self.token, "data": f"0x{balance_call(holder).hex()}"}
        return int(str(await self.line.ask("eth_call", call, "latest")), 16)

    async def mine(self) -> None:
        """Add a block."""
        await self.line.ask("evm_mine", 1)
