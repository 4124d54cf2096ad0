"""Several endpoints of one chain: who lies is found out, who hangs is left, and none is believed against another."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from secrets import token_hex
from typing import Any

import pytest

from application.wallets.ports import BroadcastResult, ChainCall, IChain
from domain.shared.evm_types import Address, BaseUnits
from domain.wallets.errors import BlockchainError, ChainNotSupported, EndpointsDisagree
from infrastructure.chain.agreement import Agreement
from infrastructure.chain.chains import Chains
from infrastructure.chain.endpoint import Endpoint, EndpointFailure
from infrastructure.chain.node import Node
from infrastructure.chain.web3_chain import Web3Chain
from infrastructure.settings_chain import ChainSettings
from tests.support.chain import ETHER, DevChain
from tests.support.chain_keys import mined, signed
from tests.support.lying_endpoint import Lie, LyingEndpoint, lying_endpoint
from tests.support.receiver import silence

NOBODY = Address(f"0x{0xDEAD:040x}")
TIMEOUT = 0.5
OTHER_HASH = f"0x{5:064x}"
ZEROS = f"0x{0:064x}"


@pytest.fixture
async def liar(dev_chain: DevChain) -> AsyncIterator[LyingEndpoint]:
    async with lying_endpoint(dev_chain) as opened:
        yield opened


def opened(chain: DevChain, *urls: str, sleeps: list[float] | None = None) -> Web3Chain:
    """Return the chain as the application sees it through these endpoints."""

    async def sleep(seconds: float) -> None:
        (sleeps if sleeps is not None else []).append(seconds)

    nodes = [Node(Endpoint(url, chain.chain_id, timeout=TIMEOUT)) for url in urls]
    return Web3Chain(chain.chain_id, 3, Agreement(nodes, sleep=sleep))


@pytest.fixture
async def there(dev_chain: DevChain, liar: LyingEndpoint) -> AsyncIterator[Web3Chain]:
    """Return the chain through two endpoints, one of which may lie."""
    chain = opened(dev_chain, dev_chain.url, liar.url)
    yield chain
    await chain.close()


async def test_two_that_agree_are_believed(dev_chain: DevChain, there: IChain) -> None:
    """Each answer is the chain's."""
    account = await dev_chain.account(ETHER)

    assert (await there.balances(account.address)).native == ETHER
    assert (await there.head()).number == await dev_chain.head()
    transaction = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)
    assert await there.broadcast(transaction) is BroadcastResult.ACCEPTED
    assert (await mined(there, transaction)).succeeded
    assert await there.nonce(account.address, pending=True) == 1


def changed(**fields: object) -> Lie:
    return lambda _params, true: true and {**true, **fields}


LIES: dict[str, tuple[str, Lie, Callable[[IChain, Address, Any], Any]]] = {
    "balance": (
        "eth_getBalance", lambda _params, _true: hex(10**30), lambda there, address, _: there.balances(address)
    ),
    "hash of a block": (
        "eth_getBlockByNumber", changed(hash=OTHER_HASH), lambda there, _, _sent: there.head()
    ),
    "hash of an older block": (
        "eth_getBlockByNumber", changed(hash=OTHER_HASH), lambda there, _, _sent: there.block(0)
    ),
    "time of a block": (
        "eth_getBlockByNumber", changed(timestamp="0x1"), lambda there, _, _sent: there.head()
    ),
    "head far above": (
        "eth_getBlockByNumber",
        lambda params, true: {**true, "number": hex(10**6)} if params[0] == "latest" else true,
        lambda there, _, _sent: there.head(),
    ),
    "a block left out": (
        "eth_getBlockByNumber",
        lambda params, true: true if params[0] == "latest" else None,
        lambda there, _, _sent: there.block(0),
    ),
    "nonce": ("eth_getTransactionCount", lambda _params, _true: "0x63", lambda there, address, _: there.nonce(address)),
    "code": ("eth_getCode", lambda _params, _true: "0x60", lambda there, address, _: there.code(address)),
    "answer": (
        "eth_call", lambda _params, _true: ZEROS,
        lambda there, address, _: there.call(ChainCall(sender=address, to=address)),
    ),
    "failure in a receipt": (
        "eth_getTransactionReceipt", changed(status="0x0"), lambda there, _, sent: there.receipt(sent.hash)
    ),
    "price in a receipt": (
        "eth_getTransactionReceipt", changed(effectiveGasPrice="0x1"), lambda there, _, sent: there.receipt(sent.hash)
    ),
    "receipt left out": (
        "eth_getTransactionReceipt", lambda _params, _true: None, lambda there, _, sent: there.receipt(sent.hash)
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_found_out(dev_chain: DevChain, liar: LyingEndpoint, there: IChain, lie: str) -> None:
    """Where one of two tells something else, neither is believed."""
    account = await dev_chain.account(ETHER)
    sent = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)
    await dev_chain.broadcast(sent.raw)
    method, told, question = LIES[lie]
    assert await question(there, account.address, sent) is not None
    liar.lies[method] = told

    with pytest.raises(EndpointsDisagree):
        await question(there, account.address, sent)


async def test_a_made_up_transfer_is_found_out(dev_chain: DevChain, liar: LyingEndpoint, there: IChain) -> None:
    """History is compared as a whole: a transaction that one endpoint leaves out is missed."""
    account = await dev_chain.account(ETHER)
    head = (await there.head()).number
    assert len(await there.transfers(account.address, [], first=head, last=head)) == 1
    liar.lies["eth_getBlockByNumber"] = changed(transactions=[])

    with pytest.raises(EndpointsDisagree):
        await there.transfers(account.address, [], first=head, last=head)


async def test_who_is_a_little_late_contradicts_nobody(dev_chain: DevChain, liar: LyingEndpoint, there: IChain) -> None:
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

    assert (await there.head()).number == behind
    assert await there.block(behind + 1) is None
    assert await there.receipt(sent.hash) is None
    assert (await there.balances(account.address)).native == ETHER
    assert await there.nonce(account.address) == 0


@pytest.mark.parametrize("how", ["hangs", "drips", "closes", "refuses", "babbles", "errs", "is empty"])
async def test_who_does_not_answer_is_left(dev_chain: DevChain, liar: LyingEndpoint, there: IChain, how: str) -> None:
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
    assert (await there.balances(account.address)).native == ETHER
    assert time.monotonic() - started < 10 * TIMEOUT

    for _ in range(5):
        assert (await there.balances(account.address)).native == ETHER
    assert len(liar.asked) == 3, "its breaker is open"


async def test_nobody_who_answers_is_an_error_after_a_few_attempts(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Reads are tried again, each time a little later, and then given up."""
    sleeps: list[float] = []
    chain = opened(dev_chain, liar.url, sleeps=sleeps)
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
    chain = opened(dev_chain, liar.url)
    liar.lies["eth_chainId"] = lambda _params, _true: "0x1"
    account = await dev_chain.account(ETHER)

    with pytest.raises(BlockchainError):
        await chain.balances(account.address)
    with pytest.raises(BlockchainError):
        await chain.broadcast(await signed(dev_chain, account, NOBODY, value=1))

    assert set(liar.asked) == {"eth_chainId"}
    await chain.close()


async def test_a_broadcast_is_sent_once(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Whether it arrived is open when nobody answers, and it is not sent again behind the caller's back."""
    chain = opened(dev_chain, liar.url)
    account = await dev_chain.account(ETHER)
    transaction = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)
    await chain.head()
    liar.errors = {"eth_sendRawTransaction": {"code": -32603, "message": "internal error"}}

    with pytest.raises(BlockchainError):
        await chain.broadcast(transaction)

    assert liar.asked.count("eth_sendRawTransaction") == 1
    await chain.close()


async def test_an_endpoint_that_names_another_hash_has_not_accepted(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """A transaction is known by the hash of its own bytes."""
    chain = opened(dev_chain, liar.url)
    account = await dev_chain.account(ETHER)
    liar.lies["eth_sendRawTransaction"] = lambda _params, _true: OTHER_HASH

    with pytest.raises(BlockchainError):
        await chain.broadcast(await signed(dev_chain, account, NOBODY, value=1, gas=21_000))
    await chain.close()


async def test_one_that_takes_a_transaction_is_enough(dev_chain: DevChain, liar: LyingEndpoint, there: IChain) -> None:
    """It is sent to all, so a single endpoint cannot keep it back."""
    liar.errors = {"eth_sendRawTransaction": {"code": -32000, "message": "nonce too low"}}
    account = await dev_chain.account(ETHER)
    transaction = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)

    assert await there.broadcast(transaction) is BroadcastResult.ACCEPTED
    assert (await mined(there, transaction)).succeeded


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("already known", BroadcastResult.ALREADY_KNOWN),
        ("transaction already imported", BroadcastResult.ALREADY_KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", BroadcastResult.NONCE_TOO_LOW),
        ("replacement transaction underpriced", BroadcastResult.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x…", BroadcastResult.UNDERPRICED),
        ("insufficient funds for gas * price + value", BroadcastResult.INSUFFICIENT_FUNDS),
        ("exceeds block gas limit", BroadcastResult.REFUSED),
        ("nonce too high", None),
        ("txpool is full", None),
    ],
)
async def test_refusals_are_told_apart(
    dev_chain: DevChain, liar: LyingEndpoint, message: str, result: BroadcastResult | None
) -> None:
    """In the words of several nodes; what may yet be taken is no answer."""
    chain = opened(dev_chain, liar.url)
    transaction = await signed(dev_chain, await dev_chain.account(), NOBODY, value=1)
    liar.errors = {"eth_sendRawTransaction": {"code": -32000, "message": message}}

    if result is None:
        with pytest.raises(BlockchainError):
            await chain.broadcast(transaction)
    else:
        assert await chain.broadcast(transaction) is result
    await chain.close()


@pytest.mark.parametrize(
    "nonsense", [None, 5, "", "0x", "0x_1", "-0x1", "0xg", "0x" + "f" * 65, [], {}, True, "5", " 0x1", "0x1\n", 1.5]
)
async def test_nonsense_is_no_answer(dev_chain: DevChain, liar: LyingEndpoint, nonsense: object) -> None:
    """What is not just a number of 256 bits is not read as one."""
    chain = opened(dev_chain, liar.url)
    liar.lies["eth_getBalance"] = lambda _params, _true: nonsense

    with pytest.raises(BlockchainError):
        await chain.balances(NOBODY)
    await chain.close()


async def test_the_largest_balance_comes_through(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """2^256-1 to the last bit, from JSON to the port."""
    chain = opened(dev_chain, liar.url)
    liar.lies["eth_getBalance"] = lambda _params, _true: f"0x{'f' * 64}"

    assert (await chain.balances(NOBODY)).native == BaseUnits(2**256 - 1)
    await chain.close()


async def test_the_keys_in_addresses_are_never_logged(
    dev_chain: DevChain, liar: LyingEndpoint, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither by us nor by web3, at any level, whether it answers or fails; nor are they in an error."""
    caplog.set_level(logging.DEBUG)
    canary = token_hex(12)
    settings = ChainSettings(chain_id=dev_chain.chain_id, endpoints=(f"{liar.url}/v2/{canary}",), confirmations=1)
    chains = Chains([settings], timeout=TIMEOUT)
    await chains.of(dev_chain.chain_id).head()
    liar.broken = silence

    with pytest.raises(BlockchainError) as failed:
        await chains.of(dev_chain.chain_id).head()
    await chains.close()

    printed = capsys.readouterr()
    shown = f"{caplog.text}{printed.out}{printed.err}{failed.getrepr(style='native')}{settings!r}"
    assert "chain_endpoint_failed" in shown
    assert canary not in shown


async def test_a_question_can_be_cancelled_at_any_time(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Whoever asks next is answered: nothing stays locked, and no connection is left open."""
    chain = opened(dev_chain, liar.url)
    await dev_chain.mine(20)
    cancelled = 0
    for moment in range(25):
        task = asyncio.create_task(chain.transfers(NOBODY, [], first=0, last=20))
        await asyncio.sleep(moment / 1000)
        task.cancel()
        with suppress(asyncio.CancelledError, BlockchainError):
            await task
        cancelled += task.cancelled()

    assert cancelled >= 5
    async with asyncio.timeout(5):
        assert (await chain.head()).number == await dev_chain.head()
    await chain.close()


def test_a_chain_that_is_not_configured_is_refused() -> None:
    """Its id is told."""
    chains = Chains([ChainSettings(chain_id=each, endpoints=("https://rpc.example",)) for each in (8453, 1)])

    with pytest.raises(ChainNotSupported) as refused:
        chains.of(5)
    assert refused.value.details == {"chain_id": 5}
