"""What the application sees of a chain is what is on it: over real JSON-RPC, on chains of both kinds."""

import pytest

from application.wallets.ports import BroadcastResult, ChainCall, IChain
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.wallets.errors import BlockchainError, TransactionWouldRevert
from tests.support.chain import ETHER, DevChain
from tests.support.chain_keys import mined, signed

NOBODY = Address(f"0x{0xDEAD:040x}")
# Code that returns the code of a contract whose answer is always the largest number.
ANSWERS_MAXIMUM = bytes.fromhex("600b600c600039600b6000f3" + "60001960005260206000f3")


def reverting(data: bytes) -> bytes:
    """Return code that creates a contract which reverts with some bytes."""
    runtime = _copied(data, then="fd") + data
    return _copied(runtime, then="f3") + runtime


def _copied(what: bytes, *, then: str) -> bytes:
    """Copy what follows this code to memory, and end with it."""
    return bytes.fromhex(f"61{len(what):04x}61000f60003961{len(what):04x}6000{then}")


async def test_the_head_is_a_block_of_its_number(chain: DevChain, there: IChain) -> None:
    """Head and block tell the same; above the head there is none."""
    await chain.mine(2)

    head = await there.head()

    assert head.number == await chain.head()
    assert await there.block(head.number) == head
    assert await there.block(head.number + 1) is None
    assert head.time.tzinfo is not None


async def test_coins_are_read_at_a_stated_block(chain: DevChain, there: IChain) -> None:
    """An older block still says what there was then."""
    account = await chain.account(2 * ETHER)
    before = await there.head()
    await chain.send(account.address, value=ETHER)

    then, now = await there.balances(account.address, block=before.number), await there.balances(account.address)

    assert (then.native, then.block) == (2 * ETHER, before)
    assert (now.native, now.block.number) == (3 * ETHER, before.number + 1)


async def test_a_block_that_is_not_there_yet_has_no_balances(there: IChain) -> None:
    """Asking for the future is no question that can be answered."""
    with pytest.raises(BlockchainError):
        await there.balances(NOBODY, block=(await there.head()).number + 100)


async def test_256_bits_come_through_unchanged(chain: DevChain, there: IChain) -> None:
    """The largest number is read as a balance and as an answer, to the last bit."""
    token = await chain.deploy(ANSWERS_MAXIMUM)

    held = await there.balances(NOBODY, [token])
    answered = await there.call(ChainCall(sender=NOBODY, to=token))

    assert held.tokens == (2**256 - 1,)
    assert int.from_bytes(answered) == 2**256 - 1


async def test_what_is_no_token_has_no_balance_of_it(there: IChain) -> None:
    """An address without code answers nothing, and nothing is not zero."""
    with pytest.raises(TransactionWouldRevert) as refused:
        await there.balances(NOBODY, [NOBODY])

    assert refused.value.details["reason"] == "the contract is no token"


async def test_an_estimate_is_enough_to_send(chain: DevChain, there: IChain) -> None:
    """Gas of a plain transfer is exact, and the fees are above the base fee."""
    account = await chain.account()

    estimate = await there.estimate(ChainCall(sender=account.address, to=NOBODY, value=BaseUnits(5)))

    assert estimate.gas == 21_000
    assert estimate.base_fee > 0
    assert estimate.fees.max_fee > estimate.base_fee + estimate.fees.priority_fee - 1
    assert estimate.fees.priority_fee > 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes.fromhex("08c379a0") + (32).to_bytes(32) + (9).to_bytes(32) + b"too much!" + bytes(23), "too much!"),
        (bytes.fromhex("4e487b71") + (0x11).to_bytes(32), "panic 0x11: a number overflowed"),
        (bytes.fromhex("deadbeef") + (7).to_bytes(32), f"0xdeadbeef{7:064x}"),
    ],
    ids=["text", "panic", "custom"],
)
async def test_a_simulation_tells_the_contracts_reason(
    chain: DevChain, there: IChain, data: bytes, reason: str
) -> None:
    """Calls and estimates name it alike."""
    contract = await chain.deploy(reverting(data))
    call = ChainCall(sender=chain.bank, to=contract)

    for simulated in (there.call, there.estimate):
        with pytest.raises(TransactionWouldRevert) as refused:
            await simulated(call)
        assert refused.value.details["reason"] == reason


async def test_a_transaction_from_its_signature_to_its_receipt(chain: DevChain, there: IChain) -> None:
    """Broadcast, known, mined, and paid for: gas used times its price is missing from the sender's coins."""
    account = await chain.account(ETHER)
    transaction = await signed(chain, account, NOBODY, value=7, gas=21_000)
    assert not await there.knows(transaction.hash)
    assert await there.receipt(transaction.hash) is None

    assert await there.broadcast(transaction) is BroadcastResult.ACCEPTED

    receipt = await mined(there, transaction)
    assert (receipt.hash, receipt.succeeded, receipt.gas_used) == (transaction.hash, True, 21_000)
    assert receipt.block == await there.block(receipt.block.number)
    assert await chain.balance(account.address) == ETHER - 7 - receipt.fee
    assert await there.knows(transaction.hash)
    assert await there.nonce(account.address) == await there.nonce(account.address, pending=True) == 1


async def test_a_nonce_is_used_once(chain: DevChain, there: IChain) -> None:
    """The same transaction again, and another one with its nonce, are both refused for it."""
    account = await chain.account(ETHER)
    first, other = [await signed(chain, account, NOBODY, value=each, gas=21_000) for each in (7, 8)]
    assert await there.broadcast(first) is BroadcastResult.ACCEPTED
    await mined(there, first)

    assert await there.broadcast(other) is BroadcastResult.NONCE_TOO_LOW
    assert await there.broadcast(first) in (BroadcastResult.NONCE_TOO_LOW, BroadcastResult.ALREADY_KNOWN)


async def test_who_cannot_pay_is_told_so(chain: DevChain, there: IChain) -> None:
    """Coins for value and gas have to be there."""
    account = await chain.account(1000)

    assert await there.broadcast(await signed(chain, account, NOBODY, value=1)) is BroadcastResult.INSUFFICIENT_FUNDS


async def test_a_created_contract_is_named_by_its_receipt(chain: DevChain, there: IChain) -> None:
    """A transaction without a recipient creates, and the receipt says where."""
    account = await chain.account()
    transaction = await signed(chain, account, None, data=ANSWERS_MAXIMUM)
    await there.broadcast(transaction)

    receipt = await mined(there, transaction)

    assert receipt.contract is not None
    assert await there.code(receipt.contract) == ANSWERS_MAXIMUM[12:]
    assert await there.code(NOBODY) == b""


async def test_a_reverted_transaction_still_costs(chain: DevChain, there: IChain) -> None:
    """Its receipt says that it failed, and what it took."""
    account = await chain.account()
    contract = await chain.deploy(reverting(b""))
    transaction = await signed(chain, account, contract, value=3)
    await there.broadcast(transaction)

    receipt = await mined(there, transaction)

    assert not receipt.succeeded
    assert await chain.balance(account.address) == ETHER - receipt.fee


async def test_coins_that_moved_are_in_the_history(chain: DevChain, there: IChain) -> None:
    """In and out, in the chain's order, without what failed and what others did."""
    first = (await there.head()).number + 1
    account = await chain.account(ETHER)
    await chain.account()
    reverts = await chain.deploy(reverting(b""))
    for to, value in ((reverts, 3), (NOBODY, 4)):
        transaction = await signed(chain, account, to, value=value)
        await there.broadcast(transaction)
        await mined(there, transaction)

    moved = await there.transfers(account.address, [], first=first, last=(await there.head()).number)

    assert [(each.sender, each.recipient, each.amount) for each in moved] == [
        (chain.bank, account.address, ETHER),
        (account.address, NOBODY, 4),
    ]
    assert {(each.token, each.log_index) for each in moved} == {(None, -1)}


async def test_a_transaction_nobody_sent_is_unknown(there: IChain) -> None:
    """A made-up hash has neither receipt nor place in a mempool."""
    made_up = TransactionHash(f"0x{5:064x}")

    assert await there.receipt(made_up) is None
    assert not await there.knows(made_up)
