"""A chain with a mempool that reorganizes, forgets and gets dear: the record ends true to it in each case."""

import asyncio
from typing import cast

import pytest

from tests.support.chain import ETHER, DevChain, new_account
from tests.support.dev_till import dev_till
from tests.support.stack import Body, Stack

pytestmark = pytest.mark.usefixtures("no_other_jobs")


async def _by_hand(anvil: DevChain) -> None:
    """Make blocks only when a test says so."""
    await anvil.ask("evm_setAutomine", False)


def forms(transaction: Body) -> list[Body]:
    return cast("list[Body]", transaction["signings"])


async def test_three_blocks_are_undone(pg_stack: Stack, anvil: DevChain) -> None:
    """The record goes back with them; in the new blocks the transaction is once, and so the record ends."""
    somebody = new_account().address
    async with dev_till(pg_stack, anvil, confirmations=5) as till:
        asked = await till.ask(somebody, 777)
        await till.work(asked)
        await anvil.mine(2)
        mined = await till.work(asked)
        assert mined["status"] == "mined"
        await anvil.ask("anvil_reorg", 3, [])
        back = await till.work(asked)
        assert back["status"] in ("broadcast", "dropped")
        assert (back["block_number"], back["transaction_hash"], back["fee"]) == (None, None, None)
        assert await anvil.balance(somebody) == 0
        done = await till.finish(asked)
        assert done["status"] == "confirmed"
        assert done["block_hash"] != mined["block_hash"]
        assert await anvil.balance(somebody) == 777


async def test_an_undone_block_comes_back_with_something_else(pg_stack: Stack, anvil: DevChain) -> None:
    """What is mined in another block of the same number is in that block."""
    somebody = new_account().address
    async with dev_till(pg_stack, anvil, confirmations=5) as till:
        asked = await till.ask(somebody, 777)
        await till.work(asked)
        mined = await till.work(asked)
        assert mined["status"] == "mined"
        await anvil.ask("anvil_reorg", 1, [])
        await till.work(asked)
        done = await till.finish(asked)
        receipt = await anvil.receipt(str(done["transaction_hash"]))
        assert (receipt["blockHash"], int(receipt["blockNumber"], 16)) == (done["block_hash"], done["block_number"])
        assert await anvil.balance(somebody) == 777


async def test_the_mempool_forgets_everything(pg_stack: Stack, anvil: DevChain) -> None:
    """Five that wait are lost, sent again in their order, and mined once."""
    payees = [new_account().address for _ in range(5)]
    async with dev_till(pg_stack, anvil) as till:
        await _by_hand(anvil)
        asked = [await till.ask(payee, 100 + n) for n, payee in enumerate(payees)]
        for each in asked:
            assert (await till.work(each))["status"] == "broadcast"
        await anvil.ask("anvil_dropAllTransactions")
        assert {str((await till.work(each))["status"]) for each in asked} == {"dropped"}
        done = [await till.finish(each) for each in asked]
        assert [(each["status"], each["nonce"]) for each in done] == [("confirmed", n) for n in range(5)]
        assert [await anvil.balance(payee) for payee in payees] == [100 + n for n in range(5)]


async def test_fees_rise_over_what_is_offered(pg_stack: Stack, anvil: DevChain) -> None:
    """Stuck behind a tenfold base fee, sped up, mined once under one of its hashes, and the next one follows."""
    payees = [new_account().address for _ in range(2)]
    async with dev_till(pg_stack, anvil) as till:
        await _by_hand(anvil)
        first, second = [await till.ask(payee, 5 + n) for n, payee in enumerate(payees)]
        await till.work(first)
        offered = int(str(forms(await till.look(first))[0]["max_fee"]))
        await anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(offered * 10))
        await anvil.mine()
        await till.work(second)
        await anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(offered * 10))
        await anvil.mine()
        # Nodes may keep what offers too little, or forget it.
        assert (await till.work(first))["status"] in ("broadcast", "dropped")
        await pg_stack.run("wallet_transactions.speed_up", till.actor, id=first["id"])
        done = await till.finish(first)
        assert done["status"] == "confirmed"
        assert done["transaction_hash"] in {form["hash"] for form in forms(done)[1:]}
        assert (await till.finish(second))["status"] == "confirmed"
        assert [await anvil.balance(payee) for payee in payees] == [5, 6]


async def test_a_cancellation_and_its_original_race(pg_stack: Stack, anvil: DevChain) -> None:
    """Ten times: one of the two is mined, and whoever would get the coins has them exactly if the record says so."""
    async with dev_till(pg_stack, anvil) as till:
        await _by_hand(anvil)
        outcomes: set[str] = set()
        for n in range(10):
            payee = new_account().address
            asked = await till.ask(payee, 50)
            await till.work(asked)
            await pg_stack.run("wallet_transactions.cancel", till.actor, id=asked["id"])
            racing = [till.work(asked), anvil.mine()]
            await asyncio.gather(*(racing if n % 2 else racing[::-1]))
            done = await till.finish(asked)
            outcomes.add(str(done["status"]))
            assert await anvil.balance(payee) == (50 if done["status"] == "confirmed" else 0)
        assert outcomes <= {"confirmed", "replaced"}


async def test_somebody_else_uses_the_key(pg_stack: Stack, anvil: DevChain) -> None:
    """What had the same nonce is replaced, for good, and the next one gets the next nonce."""
    payees = [new_account().address for _ in range(2)]
    async with dev_till(pg_stack, anvil, wei=ETHER) as till:
        await _by_hand(anvil)
        asked = await till.ask(payees[0], 1)
        await till.work(asked)
        await anvil.ask("anvil_dropAllTransactions")
        await anvil.ask("anvil_setNonce", till.wallet.address, "0x1")
        await anvil.mine()
        done = await till.finish(asked)
        assert (done["status"], done["failure_code"]) == ("replaced", "nonce_taken")
        assert (await till.finish(await till.ask(payees[1], 2)))["nonce"] == 1
        assert [await anvil.balance(payee) for payee in payees] == [0, 2]
