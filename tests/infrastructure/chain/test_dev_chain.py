"""The chains that tests run on do what chains do."""

import subprocess
import sys
from pathlib import Path

import pytest

from domain.shared.evm_types import Address
from tests.support.chain import CHAIN_PROCESSES, ETHER, DevChain, RefusedByChain, open_chain, require_anvil

# PUSH 42, store it in memory, return the word; preceded by the code that returns this code.
_ANSWERS_42 = bytes.fromhex("600a600c600039600a6000f3602a60005260206000f3")
# Reverts without a word.
_REVERTS = bytes.fromhex("6005600c60003960056000f360006000fd")


async def test_a_fresh_account_has_what_it_was_given(chain: DevChain) -> None:
    """Accounts begin with exactly the coins asked for."""
    account = await chain.account(3 * ETHER)

    assert await chain.balance(account.address) == 3 * ETHER


async def test_contracts_are_created_and_called(chain: DevChain) -> None:
    """A contract has the code that its creation returned, and runs."""
    answers = await chain.deploy(_ANSWERS_42)

    assert int.from_bytes(await chain.call(answers, b"")) == 42


async def test_reverting_calls_are_refused(chain: DevChain) -> None:
    """A call that fails is an error and no answer."""
    reverts = await chain.deploy(_REVERTS)

    with pytest.raises(RefusedByChain, match="revert"):
        await chain.call(reverts, b"")


async def test_a_snapshot_brings_everything_back() -> None:
    """After going back, what came since has not happened."""
    with open_chain() as chain:
        nobody = Address(f"0x{7:040x}")
        snapshot, head = await chain.snapshot(), await chain.head()
        await chain.send(nobody, value=5)
        await chain.mine(3)
        assert (await chain.balance(nobody), await chain.head()) == (5, head + 4)

        await chain.revert(snapshot)

        assert (await chain.balance(nobody), await chain.head()) == (0, head)


@pytest.mark.parametrize("kind", ["py-evm", "anvil"])
def test_a_chain_ends_with_who_started_it(kind: str) -> None:
    """A killed parent closes the pipe, and that is what ends the chain's process."""
    if kind == "anvil":
        require_anvil()
    command = [sys.executable, "-m", CHAIN_PROCESSES[kind]]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")

        process.stdin.close()

        assert process.wait(10) == 0
