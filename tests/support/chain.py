"""A chain for tests, over JSON-RPC: eth-tester's, or anvil with ``STOA_TEST_CHAIN=anvil``.

Tests share it and keep apart by accounts of their own; whoever moves it (:meth:`DevChain.revert`) opens another one.
"""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.shared.evm_types import Address
from domain.shared.keccak import keccak_256
from tests.support.anvil_process import anvil_command

ETHER = 10**18
CHAIN_PROCESSES = {"py-evm": "scripts.dev_chain", "anvil": "tests.support.anvil_process"}
_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE, _PAUSE = 250, 0.02
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class RefusedByChain(Exception):
    """The chain answered with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevAccount:
    """An account whose key is known."""

    address: Address
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DevChain:
    """A running chain. ``bank`` is its first account, which needs no signature and pays for everything."""

    url: str
    kind: str
    chain_id: int
    bank: Address
    client: httpx2.Client = field(repr=False)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1), repr=False)

    async def ask(self, method: str, *params: object) -> Any:
        """Ask by JSON-RPC.

        Raises:
            RefusedByChain: the answer is an error.
        """
        return await asyncio.to_thread(self.ask_now, method, *params)

    def ask_now(self, method: str, *params: object) -> Any:
        """Ask without waiting for anything else meanwhile."""
        request = {"jsonrpc": "2.0", "id": next(self.numbers), "method": method, "params": params}
        answer = self.client.post(self.url, json=request).json()
        if "error" in answer:
            raise RefusedByChain(answer["error"])
        return answer["result"]

    async def mine(self, blocks: int = 1) -> None:
        """Add blocks."""
        await self.ask(*(("anvil_mine", hex(blocks)) if self.kind == "anvil" else ("evm_mine", blocks)))

    async def snapshot(self) -> str:
        """Remember how everything is now."""
        return str(await self.ask("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Make everything as it was; whatever was in a block since is in none any more."""
        await self.ask("evm_revert", snapshot)

    async def account(self, wei: int = ETHER) -> DevAccount:
        """Make an account that nobody else uses, with some coins."""
        made = new_account()
        if wei:
            await self.send(made.address, value=wei)
        return made

    async def send(self, to: Address | None, *, value: int = 0, data: bytes = b"") -> Mapping[str, Any]:
        """Send coins or a call from the bank, and return the receipt.

        Raises:
            RefusedByChain: it reverts.
        """
        call = {"from": self.bank, "value": hex(value), "data": f"0x{data.hex()}"} | ({"to": to} if to else {})
        gas = int(await self.ask("eth_estimateGas", call), 16)
        return await self.receipt(await self.ask("eth_sendTransaction", {**call, "gas": hex(gas * 5 // 4)}))

    async def deploy(self, bytecode: bytes, arguments: bytes = b"") -> Address:
        """Create a contract, its constructor's arguments encoded."""
        return Address((await self.send(None, data=bytecode + arguments))["contractAddress"].lower())

    async def call(self, to: Address, data: bytes) -> bytes:
        """Execute a call without a transaction.

        Raises:
            RefusedByChain: it reverts.
        """
        call = {"from": self.bank, "to": to, "data": f"0x{data.hex()}"}
        return bytes.fromhex((await self.ask("eth_call", call, "latest"))[2:])

    async def broadcast(self, raw: bytes) -> str:
        """Send what somebody signed, and return its hash."""
        return str(await self.ask("eth_sendRawTransaction", f"0x{raw.hex()}"))

    async def receipt(self, transaction: str) -> Mapping[str, Any]:
        """Return the receipt of what is in a block, or about to be: anvil answers before it has mined."""
        for _ in range(_PATIENCE):
            found: Mapping[str, Any] | None = await self.ask("eth_getTransactionReceipt", transaction)
            if found:
                return found
            await asyncio.sleep(_PAUSE)
        raise AssertionError("the transaction is in no block")

    async def balance(self, address: Address) -> int:
        """Return an address's coins."""
        return int(await self.ask("eth_getBalance", address, "latest"), 16)

    async def head(self) -> int:
        """Return the last block's number."""
        return int(await self.ask("eth_blockNumber"), 16)


def require_anvil() -> None:
    """Skip where anvil is not there, saying why; fail where ``STOA_TEST_CHAIN`` asks for it."""
    try:
        anvil_command()
    except FileNotFoundError as error:
        if os.environ.get("STOA_TEST_CHAIN") == "anvil":
            pytest.fail(f"STOA_TEST_CHAIN=anvil, but {error}")
        pytest.skip(f"needs a mempool, and {error}")


def new_account() -> DevAccount:
    """Make a key, and the address that follows from it."""
    number = 1 + randbelow(_ORDER - 1)
    public = ec.derive_private_key(number, ec.SECP256K1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return DevAccount(address=Address(f"0x{keccak_256(point[1:])[12:].hex()}"), key=number.to_bytes(32))


@contextmanager
def open_chain(kind: str = "py-evm") -> Iterator[DevChain]:
    """Start a chain in a process of its own, ``py-evm`` or ``anvil``, and stop it in the end."""
    command = [sys.executable, "-m", CHAIN_PROCESSES[kind]]
    # Its standard input stays open for as long as this process lives; that is what ends it.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env=_environment()
    ) as process:
        assert process.stdin
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url, "the chain's process ended before it answered"
        with httpx2.Client(timeout=30) as client:
            yield _opened(url, kind, client)
        process.stdin.close()


def _opened(url: str, kind: str, client: httpx2.Client) -> DevChain:
    bare = DevChain(url=url, kind=kind, chain_id=0, bank=Address(""), client=client)
    bank = Address(bare.ask_now("eth_accounts")[0].lower())
    return DevChain(url=url, kind=kind, chain_id=int(bare.ask_now("eth_chainId"), 16), bank=bank, client=client)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(_ROOT / "src"), str(_ROOT)))}
