"""Sending over real JSON-RPC, with real signatures: what the chain has is what was asked for, once."""

import asyncio

import pytest

from tests.support.chain import ETHER, DevChain, new_account
from tests.support.dev_till import dev_till
from tests.support.stack import Stack

pytestmark = pytest.mark.usefixtures("no_other_jobs")


async def test_coins_arrive(stack: Stack, dev_chain: DevChain) -> None:
    """Whoever gets them has them, and the fee that the record tells is what the wallet paid."""
    somebody = new_account().address
    async with dev_till(stack, dev_chain, wei=ETHER) as till:
        done = await till.finish(await till.ask(somebody, 12_345))
        assert (done["status"], done["nonce"]) == ("confirmed", 0)
        assert await dev_chain.balance(somebody) == 12_345
        assert await dev_chain.balance(till.wallet.address) == ETHER - 12_345 - int(str(done["fee"]))
        receipt = await dev_chain.receipt(str(done["transaction_hash"]))
        assert int(receipt["blockNumber"], 16) == done["block_number"]


async def test_what_the_chain_would_refuse_never_gets_there(stack: Stack, dev_chain: DevChain) -> None:
    """Neither more than there is, nor a call that reverts, uses a nonce."""
    reverts = await dev_chain.deploy(bytes.fromhex("6005600c60003960056000f360006000fd00"))
    async with dev_till(stack, dev_chain, wei=ETHER) as till:
        poor, bad = await till.ask(new_account().address, ETHER), await till.ask(reverts, data="0x01")
        assert [(await till.work(each))["failure_code"] for each in (poor, bad)] == [
            "insufficient_funds", "transaction_would_revert",
        ]  # fmt: skip
        assert (await till.finish(await till.ask(new_account().address, 1)))["nonce"] == 0


async def test_fifty_at_once_have_fifty_receipts(pg_stack: Stack, dev_chain: DevChain) -> None:
    """Asked for at once and sent by two workers: consecutive nonces, distinct hashes, and every payee is paid once."""
    payees = [new_account().address for _ in range(50)]
    async with dev_till(pg_stack, dev_chain) as till:
        await asyncio.gather(*(till.ask(payee, 1000 + n) for n, payee in enumerate(payees)))
        done = await till.drain([till.jobs(), till.jobs()], 50)
        assert {each["status"] for each in done} == {"confirmed"}
        assert [each["nonce"] for each in done] == list(range(50))
        hashes = {str(each["transaction_hash"]) for each in done}
        assert len(hashes) == 50
        assert [await dev_chain.balance(payee) for payee in payees] == [1000 + n for n in range(50)]
        for each in hashes:
            assert await dev_chain.receipt(each)
