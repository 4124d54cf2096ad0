"""Sending on a chain that answers late, twice, wrongly or not at all: the record ends as the chain has it, once."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

from application.kernel.actor import AGENT_SCOPES
from application.kernel.dispatcher import IDispatch
from application.wallets import origins
from application.wallets.enqueue import enqueue
from application.wallets.ports import Fees, IChain, UnsignedTransaction
from application.wallets.sending import Sending
from domain.shared.errors import InsufficientPermissions
from domain.shared.evm_types import BaseUnits, read_address
from domain.shared.ids import WalletTransactionId, decode_id, encode_id
from domain.wallets.errors import AddressBlocked, BlockchainError, WalletWatchOnly
from domain.wallets.transaction_errors import DailyLimitExceeded, TransactionLimitExceeded, WalletNotVerified
from domain.wallets.transaction_intent import Intent, Origin
from domain.wallets.wallet import Limits, WalletSigner
from infrastructure.workers.jobs import JobWorker
from tests.support.model_chain import ModelChain, ModelChains, signed
from tests.support.stack import Body, Stack
from tests.support.till import SOMEBODY, Died, Fate, Jittery, Till

pytestmark = pytest.mark.usefixtures("no_other_jobs")


def forms(transaction: Body) -> list[Body]:
    return cast("list[Body]", transaction["signings"])


async def test_it_is_sent_once_and_confirmed(stack: Stack) -> None:
    """The chain has it, the record says where, what it cost and how it got there."""
    till = await Till.open(stack)
    asked = await till.ask(700, purpose="Beans")
    assert (asked["status"], asked["nonce"], asked["signings"]) == ("created", None, [])
    done = await till.finish(asked)
    (sent,) = till.chain.mined
    assert (done["status"], done["transaction_hash"], done["nonce"]) == ("confirmed", sent.hash, 0)
    assert (sent.value, sent.to, sent.sender) == (700, SOMEBODY.lower(), till.wallet.address)
    assert done["fee"] == str(21_000 * till.chain.base_fee)
    assert len(till.chain.broadcasts) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_worker_that_dies_anywhere_leaves_one_payment(stack: Stack, *, after: bool) -> None:
    """At every call of the chain, the signer and the database, before it and after it, until none is left to die at."""
    till, deaths = await Till.open(stack), 0
    for step in range(1, 40):
        asked, fate = await till.ask(step), Fate(step, after=after)
        for _ in range(6):
            try:
                await till.work(asked, fate)
            except Died:
                deaths += 1
            till.chain.mine()
        assert (await till.finish(asked))["status"] == "confirmed"
        if not fate.met:
            break
    payments = [sent.value for sent in till.chain.mined]
    assert payments == list(range(1, step + 1))
    assert [sent.nonce for sent in till.chain.mined] == list(range(step))
    assert deaths == step - 1 > 12


class _KeepsAfterwards(Sending):
    """Takes the chain's next number when it sends, and keeps what it sent when that is done."""

    async def _sign(self, work: Any) -> bool:
        sender, chain = work.transaction.sender, work.chain
        nonce = await chain.nonce(sender, pending=True)
        unsigned = UnsignedTransaction(
            chain_id=chain.chain_id, nonce=nonce, to=work.transaction.recipient, value=work.transaction.value,
            data=b"", gas=21_000, fees=Fees(max_fee=20, priority_fee=1),
        )  # fmt: skip
        await chain.broadcast(signed(sender, unsigned))
        return await super()._sign(work)


async def test_the_same_deaths_convict_a_sender_that_keeps_its_bytes_afterwards(pg_stack: Stack) -> None:
    """It pays twice: so the deaths are real ones."""
    till = await Till.open(pg_stack)
    asked, fate = await till.ask(700), Fate(7, after=True)
    for _ in range(2):
        with contextlib.suppress(Died):
            await till.work(asked, fate, _KeepsAfterwards)
        till.chain.mine()
    assert [sent.value for sent in till.chain.mined] == [700, 700]


@pytest.mark.parametrize("kind", ["speed_up", "cancel"])
async def test_a_worker_that_dies_while_replacing_leaves_one_payment(pg_stack: Stack, kind: str) -> None:
    """Either the transaction or its cancellation is in a block, and the record knows which."""
    till = await Till.open(pg_stack)
    for step in range(1, 60):
        asked, fate = await till.ask(step), Fate(step // 2, after=bool(step % 2))
        await till.work(asked)
        await pg_stack.run(f"wallet_transactions.{kind}", till.actor, id=asked["id"])
        for _ in range(5):
            with contextlib.suppress(Died):
                await till.work(asked, fate)
            till.chain.mine(step % 3 == 0)
        done = await till.finish(asked)
        assert done["status"] in ("confirmed", "replaced")
        (form,) = [sent for sent in till.chain.mined if sent.nonce == done["nonce"]]
        assert form.hash == done["transaction_hash"]
        assert form.value == (step if done["status"] == "confirmed" else 0)
        if not fate.met and step > 2:
            break
    nonces = [sent.nonce for sent in till.chain.mined]
    assert nonces == list(range(len(nonces)))


async def test_an_answer_that_is_lost_is_found_again(stack: Stack) -> None:
    """The same bytes are sent again: nodes know them, or have them in a block already."""
    for mines in (False, True):
        till = await Till.open(stack, ModelChain(mines=mines))
        asked = await till.ask()
        till.chain.lose_answers = 2
        for _ in range(2):
            with pytest.raises(BlockchainError):
                await till.work(asked)
        assert (await till.finish(asked))["status"] == "confirmed"
        assert len(till.chain.mined) == len(set(till.chain.broadcasts)) == 1


async def test_what_cannot_work_never_leaves(stack: Stack) -> None:
    """No coins, and a contract that would revert: neither takes a nonce, and the next one gets through."""
    till = await Till.open(stack, funds=10**9)
    till.chain.reverting = {"0bad"}
    poor, reverts = await till.ask(10**9), await till.ask(0, data="0x0bad")
    poor, reverts = await till.work(poor), await till.work(reverts)
    assert (poor["status"], poor["failure_code"], poor["nonce"]) == ("failed", "insufficient_funds", None)
    assert (reverts["status"], reverts["failure_code"]) == ("failed", "transaction_would_revert")
    assert reverts["failure_reason"] == "out of beans"
    assert (await till.finish(await till.ask()))["nonce"] == 0


async def test_coins_that_others_need_are_waited_for(stack: Stack) -> None:
    """What is on its way counts as spent until a block says what it cost."""
    fee = 21_000 * 20
    till = await Till.open(stack, funds=1000 + fee + 300_000)
    first, second = await till.ask(1000), await till.ask(500)
    await till.work(first)
    waits = await till.work(second)
    assert (waits["status"], waits["nonce"]) == ("created", None)
    assert (await till.finish(first))["status"] == "confirmed"
    assert (await till.finish(second))["status"] == "confirmed"


async def test_what_reverts_in_its_block_is_told(stack: Stack) -> None:
    """With the fee that it cost."""
    till = await Till.open(stack)
    till.chain.failing = {"0bad"}
    done = await till.finish(await till.ask(0, data="0x0bad"))
    assert (done["status"], done["failure_code"], done["fee"]) == ("reverted", "reverted", str(21_000 * 10))


async def test_only_whoever_may_sends(stack: Stack) -> None:
    """Neither an agent's key nor a wallet without a verified signer does."""
    till = await Till.open(stack)
    agent = replace(till.actor, scopes=AGENT_SCOPES)
    with pytest.raises(InsufficientPermissions):
        await stack.run("wallets.send_transaction", agent, id=till.wallet_id, to=SOMEBODY, value="1")
    watching = await Till.open(stack, signer=WalletSigner.NONE)
    unverified = await Till.open(stack, signer=WalletSigner.REMOTE, verified=False)
    for closed, error in ((watching, WalletWatchOnly), (unverified, WalletNotVerified)):
        with pytest.raises(error):
            await closed.ask()


async def test_limits_hold_for_one_and_for_a_day(stack: Stack) -> None:
    """What was kept in the end does not count, nor what was sent a day ago."""
    limits = Limits(max_per_transaction=BaseUnits(60), max_per_day=BaseUnits(100))
    till = await Till.open(stack, limits=limits)
    with pytest.raises(TransactionLimitExceeded):
        await till.ask(61)
    kept = await till.ask(60)
    await stack.run("wallet_transactions.cancel", till.actor, id=kept["id"])
    for value in (60, 40):
        await till.ask(value)
    with pytest.raises(DailyLimitExceeded):
        await till.ask(1)


async def test_block_lists_hold_when_asking_and_when_sending(stack: Stack) -> None:
    """Whoever is listed in between gets nothing either."""
    till = await Till.open(stack)
    asked = await till.ask()
    await stack.run("wallets.update_blocklist", till.actor, address=SOMEBODY, listed=True)
    assert (await till.work(asked))["failure_code"] == "address_blocked"
    with pytest.raises(AddressBlocked):
        await till.ask()
    assert till.chain.broadcasts == []


async def test_a_deleted_wallet_sends_nothing_new_and_ends_what_it_began(stack: Stack) -> None:
    """A number that was given away is used up all the same."""
    till = await Till.open(stack)
    begun, new = await till.ask(1), await till.ask(2)
    await till.work(begun)
    await stack.run("wallets.delete", till.actor, id=till.wallet_id)
    assert (await till.work(new))["failure_code"] == "wallet_deleted"
    assert (await till.finish(begun))["status"] == "confirmed"


class _Hearing:
    """Whoever asked, and what they heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object, str | None]] = []

    async def __call__(self, name: str, command: object, call: object) -> object:
        self.heard.append((name, command, getattr(call, "idempotency_key", None)))
        return None


async def test_who_asked_hears_of_the_end(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a job of the same database transaction, under a key that makes twice once."""
    monkeypatch.setattr(origins, "HEARERS", {})
    monkeypatch.setattr("application.wallets.enqueue.HEARERS", origins.HEARERS)
    origins.hears_of("beans", "beans.conclude", lambda *, id, transaction_id: (id, transaction_id))
    till, origin = await Till.open(stack, ModelChain(confirmations=1, mines=True)), Origin(kind="beans", id=UUID(int=5))
    intent = Intent(to=read_address(SOMEBODY), value=BaseUnits(5))
    async with stack.units(till.actor, use_case="beans.pay", request_id="beans") as uow:
        made = await enqueue(uow, till.wallet.id, intent, origin=origin, now=stack.clock.now(), ids=stack.ids)
        await uow.commit()
    hearing, asked = _Hearing(), cast("Body", {"id": encode_id("tx", made.id)})
    reports = origins.Reports(stack.units, cast("IDispatch", hearing))
    worker = JobWorker(stack.relay_database, {origins.REPORT: reports.report}, clock=stack.clock)
    await till.work(asked)
    assert (await worker.run_due_once(), hearing.heard) == (0, [])
    assert (await till.work(asked))["status"] == "confirmed"
    assert await worker.run_due_once() == 1
    assert hearing.heard == [("beans.conclude", (origin.id, made.id), str(made.id))]
    assert await worker.run_due_once() == 0


async def test_nobody_asks_without_hearing(stack: Stack) -> None:
    """A kind of origin that nobody declared is a mistake that shows at once."""
    till = await Till.open(stack)
    intent, origin = Intent(to=read_address(SOMEBODY)), Origin(kind="nobody", id=UUID(int=5))
    async with stack.units(till.actor, use_case="beans.pay", request_id="beans") as uow:
        with pytest.raises(LookupError):
            await enqueue(uow, till.wallet.id, intent, origin=origin, now=stack.clock.now(), ids=stack.ids)


async def test_fifty_at_once_get_fifty_places(stack: Stack) -> None:
    """Asked for at once, sent by three workers on nodes that refuse gaps: consecutive nonces, one receipt for each."""
    till = await Till.open(stack, ModelChain(takes_gaps=False, confirmations=1))
    asked = await asyncio.gather(*(till.ask(1000 + n) for n in range(50)))
    shaky = ModelChains(cast("IChain", Jittery(till.chain)))
    workers = [till.jobs(shaky) for _ in range(3)]
    done: list[Body] = []
    async with asyncio.timeout(300):
        while len(done) < len(asked):
            await asyncio.gather(*(worker.run_due_once() for worker in workers))
            till.chain.mine()
            await asyncio.sleep(0.2)
            done = [each for each in await till.all() if each["status"] == "confirmed"]
    assert [each["nonce"] for each in done] == list(range(50))
    assert sorted(sent.value for sent in till.chain.mined) == [1000 + n for n in range(50)]
    assert len(till.chain.broadcasts) == 50


async def test_many_workers_on_one_transaction_send_it_once(stack: Stack) -> None:
    """Four at a time take the same steps in any order; one of them is mined, and they agree on which."""
    till = await Till.open(stack)
    for value in range(1, 6):
        asked = await till.ask(value)
        id, shaky = WalletTransactionId(decode_id("tx", str(asked["id"]))), cast("IChain", Jittery(till.chain))
        workers = [Sending(stack.units, stack.dispatcher, ModelChains(shaky), till.signer) for _ in range(4)]
        for _ in range(8):
            await asyncio.gather(*(worker.send(till.actor.organization_id, id) for worker in workers))
            till.chain.mine()
        assert (await till.look(asked))["status"] == "confirmed"
    assert [sent.value for sent in till.chain.mined] == list(range(1, 6))
