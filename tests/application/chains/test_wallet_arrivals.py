"""What comes into a watched wallet is recorded once, whoever dies and however many look."""

import asyncio
import contextlib
from typing import cast

import pytest

from application.kernel.dispatcher import IDispatch
from application.wallets.ports import IChain, Transfer
from application.wallets.watches import WATCH
from application.wallets.watching import BLOCKS, Watching
from domain.shared.errors import EntityNotFoundError
from domain.shared.evm import checksummed
from domain.wallets.errors import BlockchainError
from tests.support.model_chain import NO_TOKEN, STRANGER, ModelChain, ModelChains
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.till import Died, Fate, Jittery, Mortal
from tests.support.watchman import TOKENS, Watchman

pytestmark = pytest.mark.usefixtures("no_other_jobs")


def keys(*transfers: Transfer) -> list[tuple[str, int]]:
    return sorted((str(each.hash), each.log_index) for each in transfers)


async def test_coins_and_tokens_that_come_in_are_recorded(stack: Stack, rows: Rows) -> None:
    """Each as a transaction that is confirmed, with its event; of tokens only those that the wallet names."""
    watchman = await Watchman.begin(stack)
    wallet = watchman.till.wallet.address
    coins, token = watchman.chain.bring(wallet, 700), watchman.chain.bring(wallet, 5, TOKENS[1])
    watchman.chain.bring(wallet, 9, STRANGER)
    watchman.chain.bring(wallet, 0, TOKENS[0])
    watchman.chain.bring(STRANGER, 11)
    await watchman.settle()
    assert await watchman.arrivals(rows) == keys(coins, token)
    shown = {str(each["transaction_hash"]): each for each in await watchman.till.all()}
    first, second = shown[coins.hash], shown[token.hash]
    assert (first["status"], first["direction"], first["value"], first["token_address"]) == (
        "confirmed", "in", "700", None
    )  # fmt: skip
    assert (second["value"], second["token_amount"], second["counterparty"]) == ("0", "5", checksummed(STRANGER))
    assert (second["token_address"], second["block_hash"]) == (checksummed(TOKENS[1]), token.block.hash)
    told = await rows.of("outbox", watchman.till.actor.organization_id)
    assert [row["type"] for row in told].count("wallet_transaction.confirmed") == 2
    stats = await watchman.run("get_stats")
    assert stats["flows"] == [
        {"token": None, "received": "700", "sent": "0"},
        {"token": checksummed(TOKENS[1]), "received": "5", "sent": "0"},
    ]


async def test_only_blocks_are_read_that_nothing_undoes(stack: Stack, rows: Rows) -> None:
    """What is not deep enough is not recorded, and when it is undone it never was."""
    watchman = await Watchman.begin(stack, ModelChain(confirmations=3))
    watchman.chain.bring(watchman.till.wallet.address, 700)
    watchman.chain.mine()
    for _ in range(2):
        await watchman.look()
    assert await watchman.arrivals(rows) == []
    watchman.chain.undo(2)
    await watchman.settle()
    assert await watchman.arrivals(rows) == []
    stays = watchman.chain.bring(watchman.till.wallet.address, 700)
    watchman.chain.mine(2)
    await watchman.look()
    assert await watchman.arrivals(rows) == keys(stays)


async def test_what_came_in_before_is_left_out_and_blocks_are_read_in_parts(stack: Stack, rows: Rows) -> None:
    """Watching begins at the last final block; a round reads so many blocks, and no block is read twice."""
    chain = ModelChain()
    chain.mine(20)
    watchman = await Watchman.begin(stack, chain)
    began = (await watchman.run("get_watch"))["read_to"]
    assert isinstance(began, int)
    assert began == len(chain.blocks) - chain.confirmations
    chain.mine(250)
    late = chain.bring(watchman.till.wallet.address, 1)
    await watchman.settle()
    assert await watchman.arrivals(rows) == keys(late)
    assert all(last - first < BLOCKS for first, last in chain.asked)
    read = [number for first, last in chain.asked for number in range(first, last + 1)]
    assert read == list(range(began + 1, len(chain.blocks) - chain.confirmations + 1))


async def test_what_a_wallet_sends_is_not_counted_twice(stack: Stack, rows: Rows) -> None:
    """Neither to others nor to itself: it is recorded since it was asked for."""
    watchman = await Watchman.begin(stack)
    for to in (checksummed(STRANGER), checksummed(watchman.till.wallet.address)):
        await watchman.till.finish(await watchman.till.ask(50, to=to))
    await watchman.settle()
    assert await watchman.arrivals(rows) == []
    assert len(await rows.of("wallet_transactions", watchman.till.actor.organization_id)) == 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_worker_that_dies_anywhere_leaves_each_arrival_once(stack: Stack, rows: Rows, *, after: bool) -> None:
    """At every call of the chain and the database, before it and after it, until none is left to die at."""
    watchman, came, deaths = await Watchman.begin(stack), list[Transfer](), 0
    for step in range(1, 20):
        came.append(watchman.chain.bring(watchman.till.wallet.address, step, TOKENS[step % 2]))
        watchman.chain.mine(watchman.chain.confirmations)
        fate = Fate(step, after=after)
        chains = ModelChains(cast("IChain", Mortal(watchman.chain, fate)))
        dispatch = cast("IDispatch", Mortal(stack.dispatcher, fate))
        with contextlib.suppress(Died):
            await watchman.look(Watching(stack.units, dispatch, chains, drifted=watchman.count))
        deaths += fate.met
        await watchman.settle()
        if not fate.met:
            break
    assert await watchman.arrivals(rows) == keys(*came)
    assert deaths == step - 1 == 3


async def test_many_workers_at_once_record_each_arrival_once(stack: Stack, rows: Rows) -> None:
    """All of them read the same blocks, and nothing is recorded twice or left out."""
    watchman = await Watchman.begin(stack)
    came = [watchman.chain.bring(watchman.till.wallet.address, n, (None, *TOKENS)[n % 3]) for n in range(1, 13)]
    watchman.chain.mine(watchman.chain.confirmations)
    late = [watchman.worker(ModelChains(cast("IChain", Jittery(watchman.chain)))) for _ in range(6)]
    for _ in range(2):
        done = await asyncio.gather(*(watchman.look(worker) for worker in late), return_exceptions=True)
        assert [error for error in done if error is not None] == []
    await watchman.settle()
    assert await watchman.arrivals(rows) == keys(*came)
    assert len([each for each in watchman.chain.asked if each == watchman.chain.asked[0]]) > 1


async def test_a_watch_that_begins_anew_records_nothing_again(stack: Stack, rows: Rows) -> None:
    """Blocks that were read before are read again when endpoints have fallen back; what is known stays as it is."""
    watchman = await Watchman.begin(stack)
    before = watchman.chain.bring(watchman.till.wallet.address, 1)
    await watchman.settle()
    await watchman.run("unwatch")
    assert [row["kind"] for row in await rows.of("jobs", watchman.till.actor.organization_id)] == []
    await watchman.look()
    await watchman.run("watch")
    blocks = list(watchman.chain.blocks)
    del watchman.chain.blocks[before.block.number :]
    await watchman.look()
    watchman.chain.blocks[:] = blocks
    await watchman.settle()
    assert watchman.chain.asked[-1][0] <= before.block.number
    assert await watchman.arrivals(rows) == keys(before)


async def test_a_token_counts_from_when_the_wallet_names_it(stack: Stack, rows: Rows) -> None:
    """Its balance at that block is its opening; what is no token does not keep the others from being read."""
    watchman = await Watchman.begin(stack)
    await watchman.name_tokens(TOKENS[0])
    watchman.chain.bring(watchman.till.wallet.address, 40, TOKENS[1])
    await watchman.settle()
    assert await watchman.arrivals(rows) == []
    await watchman.name_tokens(*TOKENS, NO_TOKEN)
    await watchman.look()
    shown = cast("list[dict[str, object]]", (await watchman.run("get_watch"))["assets"])
    openings = {str(each["token"]).lower(): each["opening"] for each in shown}
    assert (openings[TOKENS[1]], openings[NO_TOKEN]) == ("40", "0")
    late = watchman.chain.bring(watchman.till.wallet.address, 2, TOKENS[1])
    await watchman.settle()
    assert await watchman.arrivals(rows) == keys(late)


async def test_a_round_for_other_tokens_is_read_again(stack: Stack, rows: Rows) -> None:
    """A token that was named while blocks were being read is not left out of them."""
    watchman = await Watchman.begin(stack)
    await watchman.name_tokens(TOKENS[0])
    await watchman.look()
    came = watchman.chain.bring(watchman.till.wallet.address, 2, TOKENS[1])
    watchman.chain.mine(watchman.chain.confirmations)

    class Slow(Jittery):
        async def transfers(self, *args: object, **kwargs: object) -> object:
            found = await watchman.chain.transfers(*args, **kwargs)  # type: ignore[arg-type]  # reason: passed on
            await watchman.name_tokens(*TOKENS)
            await watchman.look()
            return found

    await watchman.look(watchman.worker(ModelChains(cast("IChain", Slow(watchman.chain)))))
    await watchman.settle()
    assert await watchman.arrivals(rows) == keys(came)


async def test_looking_goes_on_until_it_is_stopped(stack: Stack, rows: Rows) -> None:
    """Every round leaves the next one as a job; a wallet that is deleted or not watched is left alone."""
    watchman = await Watchman.begin(stack)
    organization = watchman.till.actor.organization_id
    for _ in range(2):
        assert WATCH in [row["kind"] for row in await rows.of("jobs", organization)]
        await watchman.look()
    watchman.chain.away = True
    watchman.chain.mine(5)
    with pytest.raises(BlockchainError):
        await watchman.look()
    await watchman.run("delete")
    await watchman.look()
    with pytest.raises(EntityNotFoundError):
        await watchman.run("get_watch")


async def test_a_wallet_that_was_never_watched_has_no_watch(stack: Stack) -> None:
    actor = await stack.organization()
    wallet = await stack.run("wallets.create", actor, chain_id=1, address=checksummed(STRANGER))
    for verb in ("get_watch", "unwatch"):
        with pytest.raises(EntityNotFoundError):
            await stack.run(f"wallets.{verb}", actor, id=wallet["id"])
