"""What the chain undoes, forgets, refuses or never takes: forms replace each other, and the nonce is used up once."""

from typing import cast

import pytest

from application.wallets.ports import BroadcastResult
from domain.wallets.errors import BlockchainError
from tests.support.model_chain import ModelChain
from tests.support.stack import Body, Stack
from tests.support.till import SOMEBODY, Died, Fate, Till

pytestmark = pytest.mark.usefixtures("no_other_jobs")


def forms(transaction: Body) -> list[Body]:
    return cast("list[Body]", transaction["signings"])


async def test_blocks_that_are_undone_roll_the_record_back(stack: Stack) -> None:
    """Whether the transaction waits again or is forgotten, it is mined once more, and once in all."""
    for forget in (False, True):
        till = await Till.open(stack, ModelChain(confirmations=4))
        asked = await till.ask()
        await till.work(asked)
        till.chain.mine(3)
        assert (await till.work(asked))["status"] == "mined"
        till.chain.undo(3, forget=forget)
        rolled_back = await till.work(asked)
        assert rolled_back["status"] == ("dropped" if forget else "broadcast")
        assert (rolled_back["transaction_hash"], rolled_back["block_number"], rolled_back["fee"]) == (None, None, None)
        done = await till.finish(asked)
        assert done["status"] == "confirmed"
        assert [sent.hash for sent in till.chain.mined] == [done["transaction_hash"]]


async def test_what_the_pool_forgets_is_sent_again(stack: Stack) -> None:
    """The same bytes, until a block has them."""
    till = await Till.open(stack)
    asked = await till.ask()
    await till.work(asked)
    till.chain.pool.clear()
    assert (await till.work(asked))["status"] == "dropped"
    assert (await till.finish(asked))["status"] == "confirmed"
    assert len(till.chain.broadcasts) == 2
    assert len(set(till.chain.broadcasts)) == 1


async def test_a_stuck_transaction_is_sped_up(stack: Stack) -> None:
    """Fees rise tenfold; with higher ones the same thing is mined, and everything behind it follows."""
    till = await Till.open(stack)
    first, second = await till.ask(1), await till.ask(2)
    await till.work(first)
    till.chain.base_fee = 200
    await till.work(second)
    till.chain.mine(3)
    assert till.chain.mined == []
    await stack.run("wallet_transactions.speed_up", till.actor, id=first["id"])
    done = await till.finish(first)
    original, bump = forms(done)
    assert (original["kind"], bump["kind"]) == ("original", "bump")
    assert done["transaction_hash"] == bump["hash"]
    assert (await till.finish(second))["status"] == "confirmed"
    assert [sent.value for sent in till.chain.mined] == [1, 2]


async def test_the_original_may_win_against_its_replacements(stack: Stack) -> None:
    """Mined before the cancellation is known: it happened, and the record says so."""
    till = await Till.open(stack)
    asked = await till.ask()
    await till.work(asked)
    await stack.run("wallet_transactions.cancel", till.actor, id=asked["id"])
    till.chain.mine()
    done = await till.finish(asked)
    assert (done["status"], done["transaction_hash"]) == ("confirmed", forms(done)[0]["hash"])
    assert len(till.chain.mined) == 1


async def test_a_cancellation_uses_up_the_nonce(stack: Stack) -> None:
    """Nothing moves but the fee, and the next transaction is not held up."""
    till = await Till.open(stack)
    asked, following = await till.ask(5), await till.ask(6)
    await till.work(asked)
    await till.work(following)
    await stack.run("wallet_transactions.cancel", till.actor, id=asked["id"])
    done = await till.finish(asked)
    assert (done["status"], done["failure_code"]) == ("replaced", "cancelled")
    assert (await till.finish(following))["status"] == "confirmed"
    assert [(sent.value, sent.to == sent.sender) for sent in till.chain.mined] == [(0, True), (6, False)]


async def test_before_it_is_prepared_a_cancellation_is_final(stack: Stack) -> None:
    """No worker takes it up any more."""
    till = await Till.open(stack)
    asked = await till.ask()
    cancelled = await stack.run("wallet_transactions.cancel", till.actor, id=asked["id"])
    assert (cancelled["status"], cancelled["failure_code"]) == ("failed", "cancelled")
    assert (await till.work(asked))["status"] == "failed"
    assert till.chain.broadcasts == []


async def test_a_nonce_used_from_elsewhere_is_stepped_over(stack: Stack) -> None:
    """Known beforehand it is not given out; used in between, what had it is replaced, and the next one goes on."""
    till = await Till.open(stack)
    till.chain.send_from_elsewhere(till.wallet.address)
    assert (await till.finish(await till.ask(1)))["nonce"] == 1
    late = await till.ask(2)
    await till.work(late)
    till.chain.pool.clear()
    till.chain.send_from_elsewhere(till.wallet.address)
    done = await till.finish(late)
    assert (done["status"], done["failure_code"], done["transaction_hash"]) == ("replaced", "nonce_taken", None)
    assert (await till.finish(await till.ask(3)))["nonce"] == 3
    assert [sent.value for sent in till.chain.mined if sent.to == SOMEBODY.lower()] == [1, 3]


async def test_too_low_fees_are_raised_without_being_asked(stack: Stack) -> None:
    """A node that wants more gets more, under the same nonce."""
    till = await Till.open(stack)
    till.chain.answers = [BroadcastResult.UNDERPRICED]
    done = await till.finish(await till.ask())
    assert (done["status"], len(forms(done))) == ("confirmed", 2)
    assert len(till.chain.mined) == 1


async def test_what_no_node_takes_leaves_no_gap(stack: Stack) -> None:
    """Its nonce is used up by nothing, under the reason's code, and what comes after it is mined."""
    till = await Till.open(stack)
    till.chain.answers = [BroadcastResult.REFUSED]
    asked, following = await till.ask(1), await till.ask(2)
    done = await till.finish(asked)
    assert (done["status"], done["failure_code"]) == ("replaced", "broadcast_refused")
    assert (await till.finish(following))["status"] == "confirmed"
    assert [sent.value for sent in till.chain.mined] == [0, 2]


async def test_nodes_that_refuse_gaps_are_met_in_order(stack: Stack) -> None:
    """A later nonce waits for its turn, and is not taken for refused."""
    till = await Till.open(stack, ModelChain(takes_gaps=False))
    first, second = await till.ask(1), await till.ask(2)
    with pytest.raises(Died):
        await till.work(first, Fate(7, after=False))
    assert [(await till.look(first))["status"], (await till.work(second))["status"]] == ["signed", "signed"]
    done = [await till.finish(each) for each in (first, second)]
    assert [each["status"] for each in done] == ["confirmed", "confirmed"]
    assert [each["attention_at"] for each in done] == [None, None]


async def test_coins_that_went_elsewhere_are_an_obstacle_until_they_are_back(stack: Stack) -> None:
    """It keeps its nonce, says what is wrong, and goes on by itself."""
    till = await Till.open(stack)
    till.chain.answers = [BroadcastResult.INSUFFICIENT_FUNDS]
    asked = await till.ask()
    stuck = await till.work(asked)
    assert (stuck["status"], stuck["obstacle"]) == ("signed", "insufficient_funds")
    assert stuck["attention_at"] is not None
    done = await till.finish(asked)
    assert (done["status"], done["obstacle"], done["attention_at"]) == ("confirmed", None, None)


async def test_an_absent_chain_changes_nothing(stack: Stack) -> None:
    """The job comes back later."""
    till = await Till.open(stack)
    asked = await till.ask()
    till.chain.away = True
    with pytest.raises(BlockchainError):
        await till.work(asked)
    till.chain.away = False
    assert (await till.finish(asked))["status"] == "confirmed"
