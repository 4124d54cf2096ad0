"""What endpoints say of transactions, what they refuse, and what is no answer at all."""

import asyncio
import logging
from contextlib import suppress
from secrets import token_hex

import pytest

from application.wallets.ports import BroadcastResult, IChain
from domain.shared.evm_types import Address, BaseUnits
from domain.wallets.errors import BlockchainError, ChainNotSupported
from infrastructure.chain.chains import Chains
from infrastructure.settings_chain import ChainSettings
from tests.support.chain import ETHER, DevChain
from tests.support.chain_keys import mined, signed
from tests.support.lying_endpoint import TIMEOUT, LyingEndpoint, through
from tests.support.receiver import silence

NOBODY = Address(f"0x{0xDEAD:040x}")
OTHER_HASH = f"0x{5:064x}"
ZEROS = f"0x{0:064x}"


async def test_a_broadcast_is_sent_once(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """Whether it arrived is open when nobody answers, and it is not sent again behind the caller's back."""
    chain = through(dev_chain, liar.url)
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
    chain = through(dev_chain, liar.url)
    account = await dev_chain.account(ETHER)
    liar.lies["eth_sendRawTransaction"] = lambda _params, _true: OTHER_HASH

    with pytest.raises(BlockchainError):
        await chain.broadcast(await signed(dev_chain, account, NOBODY, value=1, gas=21_000))
    await chain.close()


async def test_one_that_takes_a_transaction_is_enough(dev_chain: DevChain, liar: LyingEndpoint, pair: IChain) -> None:
    """It is sent to all, so a single endpoint cannot keep it back."""
    liar.errors = {"eth_sendRawTransaction": {"code": -32000, "message": "nonce too low"}}
    account = await dev_chain.account(ETHER)
    transaction = await signed(dev_chain, account, NOBODY, value=1, gas=21_000)

    assert await pair.broadcast(transaction) is BroadcastResult.ACCEPTED
    assert (await mined(pair, transaction)).succeeded


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
    chain = through(dev_chain, liar.url)
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
    chain = through(dev_chain, liar.url)
    liar.lies["eth_getBalance"] = lambda _params, _true: nonsense

    with pytest.raises(BlockchainError):
        await chain.balances(NOBODY)
    await chain.close()


async def test_the_largest_balance_comes_through(dev_chain: DevChain, liar: LyingEndpoint) -> None:
    """2^256-1 to the last bit, from JSON to the port."""
    chain = through(dev_chain, liar.url)
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
    chain = through(dev_chain, liar.url)
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
