"""Several endpoints of one chain: who lies is found out, who hangs is left, and none is believed against another."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from application.wallets.ports import BroadcastResult, ChainCall, IChain
from domain.shared.evm_types import Address
from domain.wallets.errors import BlockchainError, EndpointsDisagree
from infrastructure.chain.endpoint import Endpoint, EndpointFailure
from tests.support.chain import ETHER, DevChain
from tests.support.chain_keys import mined, signed
from tests.support.lying_endpoint import TIMEOUT, Lie, LyingEndpoint, through
from tests.support.receiver import silence

NOBODY = Address(f"0x{0xDEAD:040x}")
OTHER_HASH = f"0x{5:064x}"
ZEROS = f"0x{0:064x}"


async def test_two_that_agree_are_believed(dev_chain: DevChain, pair: IChain) -> None:
    """Each answer is the chain's."""
    account = await dev_chain.account(ETHER)

    assert (await pair.balances(account.address)).native == ETHER
    assert (await pair.head()).number == await dev_chain.head()
    transaction = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)
    assert await pair.broadcast(transaction) is BroadcastResult.ACCEPTED
    assert (await mined(pair, transaction)).succeeded
    assert await pair.nonce(account.address, pending=True) == 1


def changed(**fields: object) -> Lie:
    return lambda _params, true: true and {**true, **fields}


LIES: dict[str, tuple[str, Lie, Callable[[IChain, Address, Any], Any]]] = {
    "balance": (
        "eth_getBalance", lambda _params, _true: hex(10**30), lambda pair, address, _: pair.balances(address)
    ),
    "hash of a block": (
        "eth_getBlockByNumber", changed(hash=OTHER_HASH), lambda pair, _, _sent: pair.head()
    ),
    "hash of an older block": (
        "eth_getBlockByNumber", changed(hash=OTHER_HASH), lambda pair, _, _sent: pair.block(0)
    ),
    "time of a block": (
        "eth_getBlockByNumber", changed(timestamp="0x1"), lambda pair, _, _sent: pair.head()
    ),
    "head far above": (
        "eth_getBlockByNumber",
        lambda params, true: {**true, "number": hex(10**6)} if params[0] == "latest" else true,
        lambda pair, _, _sent: pair.head(),
    ),
    "a block left out": (
        "eth_getBlockByNumber",
        lambda params, true: true if params[0] == "latest" else None,
        lambda pair, _, _sent: pair.block(0),
    ),
    "nonce": ("eth_getTransactionCount", lambda _params, _true: "0x63", lambda pair, address, _: pair.nonce(address)),
    "code": ("eth_getCode", lambda _params, _true: "0x60", lambda pair, address, _: pair.code(address)),
    "answer": (
        "eth_call", lambda _params, _true: ZEROS,
        lambda pair, address, _: pair.call(ChainCall(sender=address, to=address)),
    ),
    "failure in a receipt": (
        "eth_getTransactionReceipt", changed(status="0x0"), lambda pair, _, sent: pair.receipt(sent.hash)
    ),
    "price in a receipt": (
        "eth_getTransactionReceipt", changed(effectiveGasPrice="0x1"), lambda pair, _, sent: pair.receipt(sent.hash)
    ),
    "receipt left out": (
        "eth_getTransactionReceipt", lambda _params, _true: None, lambda pair, _, sent: pair.receipt(sent.hash)
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_found_out(dev_chain: DevChain, liar: LyingEndpoint, pair: IChain, lie: str) -> None:
    """Where one of two tells something else, neither is believed."""
    account = await dev_chain.account(ETHER)
    sent = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)
    await dev_chain.broadcast(sent.raw)
    method, told, question = LIES[lie]
    assert await question(pair, account.address, sent) is not None
    liar.lies[method] = told

    with pytest.raises(EndpointsDisagree):
        await question(pair, account.address, sent)


async def test_a_made_up_transfer_is_found_out(dev_chain: DevChain, liar: LyingEndpoint, pair: IChain) -> None:
    """History is compared as a whole: a transaction that one endpoint leaves out is missed."""
    account = await dev_chain.account(ETHER)
    head = (await pair.head()).number
    assert len(await pair.transfers(account.address, [], first=head, last=head)) == 1
    liar.lies["eth_getBlockByNumber"] = changed(transactions=[])

    with pytest.raises(EndpointsDisagree):
        await pair.transfers(account.address, [], first=head, last=head)


async def test_who_is_a_little_late_contradicts_nobody(dev_chain: DevChain, liar: LyingEndpoint, pair: IChain) -> None:
    """The head is the last block that both have; what only one has is not there yet."""
    account = await dev_chain.account(ETHER)
    behind = await dev_chain.head()
    late = await dev_chain.ask("eth_getBlockByNumber", "latest", False)
    sent = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)
    await dev_chain.broadcast(sent.raw)
    liar.lies["eth_getBlockByNumber"] = lambda params, true: (
        late if params[0] == "latest" else true if int(params[0], 16) <= behind else None
    )
    liar.lies["eth_getTransactionReceipt"] = lambda _params, _true: None

    assert (await pair.head()).number == behind
    assert await pair.block(behind + 1) is None
    assert await pair.receipt(sent.hash) is None
    assert (await pair.balances(account.address)).native == ETHER
    assert await pair.nonce(account.address) == 0


@pytest.mark.parametrize("how", ["hangs", "drips", "closes", "refuses", "babbles", "errs", "is empty"])
async def test_who_does_not_answer_is_left(dev_chain: DevChain, liar: LyingEndpoint, pair: IChain, how: str) -> None:
    """The other one answers in its place, and after a few failures nobody waits for it any more."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(20):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    def reply(text: bytes) -> Callable[[asyncio.StreamWriter], Any]:
        async def write(writer: asyncio.StreamWriter) -> None:
            writer.write(text)
            await writer.drain()

        return write

    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
    liar.broken = {
        "hangs": silence, "drips": drip, "closes": reply(b""),
        "refuses": reply(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"),
        "babbles": reply(whole % (9, b"<html></>")), "errs": None, "is empty": reply(whole % (2, b"{}")),
    }[how]  # fmt: skip
    if how == "errs":
        liar.errors = {"eth_chainId": {"code": -32603, "message": "internal error"}}
    account = await dev_chain.account(ETHER)

    started = time.monotonic()
    assert (await pair.balances(account.address)).native == ETHER
    assert time.monotonic() - started < 10 * TIMEOUT

    for _ in range(5):
        assert (await pair.balances(account.address)).native == ETHER
    assert len(liar.asked) == 3, "its breaker is open"


async def test_nobody_who_answers_is_an_error_after_a_few_attempts(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Reads are tried again, each time a little later, and then given up."""
    sleeps: list[float] = []
    chain = through(dev_chain, liar.url, sleeps=sleeps)
    liar.errors = {"eth_getBlockByNumber": {"code": -32000, "message": "header not found"}}

    with pytest.raises(BlockchainError):
        await chain.head()

    assert len(sleeps) == 2
    assert sleeps[0] < sleeps[1]
    assert liar.asked.count("eth_getBlockByNumber") == 3
    await chain.close()


async def test_an_endpoint_that_comes_to_itself_is_heard_again(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Its breaker rests for a while, then lets one question through."""
    now = [0.0]
    endpoint = Endpoint(liar.url, dev_chain.chain_id, timeout=TIMEOUT, monotonic=lambda: now[0])
    liar.broken = silence
    for _ in range(4):
        with pytest.raises(EndpointFailure):
            await endpoint.ask("eth_blockNumber")
    assert len(liar.asked) == 3
    liar.broken = None
    with pytest.raises(EndpointFailure):
        await endpoint.ask("eth_blockNumber")

    now[0] += 16

    assert await endpoint.ask("eth_blockNumber") == hex(await dev_chain.head())
    await endpoint.close()


async def test_an_endpoint_of_another_chain_is_refused(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Nothing that it says is heard, and nothing is sent to it."""
    chain = through(dev_chain, liar.url)
    liar.lies["eth_chainId"] = lambda _params, _true: "0x1"
    account = await dev_chain.account(ETHER)

    with pytest.raises(BlockchainError):
        await chain.balances(account.address)
    with pytest.raises(BlockchainError):
        await chain.broadcast(await signed(dev_chain, account, NOBODY, value=1))

    assert set(liar.asked) == {"eth_chainId"}
    await chain.close()
