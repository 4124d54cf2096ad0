"""What is recorded of a watched wallet is compared with its chain, and people hear when the two differ."""

from typing import cast

import pytest

from application.wallets.watches import COMPARE
from domain.wallets.errors import BlockchainError
from tests.support.model_chain import NO_TOKEN, ModelChain
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.till import SOMEBODY
from tests.support.watchman import TOKENS, Watchman

pytestmark = pytest.mark.usefixtures("no_other_jobs")


async def reported(rows: Rows, watchman: Watchman) -> int:
    """Return how often people heard of a drift."""
    told = await rows.of("outbox", watchman.till.actor.organization_id)
    return [row["type"] for row in told].count("wallet.drift_detected")


async def test_what_is_recorded_whole_does_not_drift(stack: Stack, rows: Rows) -> None:
    """Arrivals, payments with their fees, ones that reverted or were cancelled, and what it sends to itself."""
    chain = ModelChain(failing={"ab"})
    watchman = await Watchman.begin(stack, chain)
    till, wallet = watchman.till, watchman.till.wallet.address
    chain.bring(wallet, 700)
    chain.bring(wallet, 2**200 + 1, TOKENS[0])
    chain.bring(wallet, 2**200 + 2, TOKENS[0])
    assert (await till.finish(await till.ask(50)))["status"] == "confirmed"
    assert (await till.finish(await till.ask(60, to=wallet)))["status"] == "confirmed"
    assert (await till.finish(await till.ask(70, data="0xab")))["status"] == "reverted"
    cancelled = await till.work(await till.ask(80))
    await stack.run("wallet_transactions.cancel", till.actor, id=cancelled["id"])
    assert (await till.finish(cancelled))["status"] == "replaced"
    await watchman.settle()
    assert await watchman.compare() == {"none": "0", TOKENS[0]: "0", TOKENS[1]: "0"}
    assert (await watchman.run("get_watch"))["checked_block"] == len(chain.blocks) - chain.confirmations
    assert (await reported(rows, watchman), watchman.drifts) == (0, 0)


async def test_coins_that_a_contract_passes_on_are_drift(stack: Stack, rows: Rows) -> None:
    """It is told with both balances and the block, once for every change, also when it is over."""
    watchman = await Watchman.begin(stack)
    watchman.chain.pass_on(watchman.till.wallet.address, 30)
    await watchman.settle()
    for _ in range(2):
        assert (await watchman.compare())["none"] == "30"
        assert (await reported(rows, watchman), watchman.drifts) == (1, 1)
    seen = await watchman.run("get_watch")
    coin = cast("list[dict[str, object]]", seen["assets"])[0]
    opening = int(str(coin["opening"]))
    assert (coin["expected"], coin["found"], coin["drift_block"]) == (
        str(opening), str(opening + 30), seen["checked_block"]
    )  # fmt: skip
    watchman.chain.pass_on(watchman.till.wallet.address, 3)
    await watchman.settle()
    assert (await watchman.compare())["none"] == "33"
    watchman.chain.pass_on(watchman.till.wallet.address, -33)
    await watchman.settle()
    assert (await watchman.compare())["none"] == "0"
    assert (await reported(rows, watchman), watchman.drifts) == (3, 3)


async def test_what_somebody_else_sends_with_the_key_is_drift(stack: Stack) -> None:
    """What it cost is missing on the chain."""
    watchman = await Watchman.begin(stack)
    watchman.chain.send_from_elsewhere(watchman.till.wallet.address)
    await watchman.settle()
    assert (await watchman.compare())["none"] == str(-21_000 * watchman.chain.base_fee)


async def test_an_arrival_that_was_never_recorded_is_drift(stack: Stack) -> None:
    """So does the comparison notice when a token's arrivals are not read."""
    watchman = await Watchman.begin(stack)
    transfer = watchman.chain.bring(watchman.till.wallet.address, 9, TOKENS[1])
    hidden = watchman.chain.brought.pop(transfer.block.number)
    await watchman.settle()
    watchman.chain.brought[transfer.block.number] = hidden
    assert (await watchman.compare())[TOKENS[1]] == "9"


async def test_nothing_is_compared_while_something_is_under_way(stack: Stack, rows: Rows) -> None:
    """What may have left and is not recorded yet would look like drift; soon it is tried again."""
    watchman = await Watchman.begin(stack)
    till = watchman.till
    asked = await till.work(await till.ask(50, to=SOMEBODY))
    await watchman.settle()
    assert (await watchman.compare())["none"] == "0"
    assert (await watchman.run("get_watch"))["checked_block"] is None
    jobs = await rows.of("jobs", till.actor.organization_id)
    assert COMPARE in [row["kind"] for row in jobs]
    await till.finish(asked)
    await watchman.settle()
    assert (await watchman.compare())["none"] == "0"
    assert (await watchman.run("get_watch"))["checked_block"] is not None


async def test_a_chain_that_is_away_and_what_is_no_token_are_no_drift(stack: Stack) -> None:
    watchman = await Watchman.begin(stack)
    await watchman.name_tokens(NO_TOKEN)
    await watchman.settle()
    assert await watchman.compare() == {"none": "0", NO_TOKEN: "0"}
    watchman.chain.away = True
    with pytest.raises(BlockchainError):
        await watchman.compare()
    assert watchman.drifts == 0
