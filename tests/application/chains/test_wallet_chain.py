"""What is said of wallets by a real chain, over JSON-RPC: balances, histories and estimates."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from application.wallets.wallet_ownership import OwnershipChecks
from domain.shared.errors import ValidationError
from domain.shared.evm import checksummed
from domain.shared.evm_types import MAX_UNITS, Address
from domain.shared.ids import WalletChallengeId, decode_id
from domain.shared.keccak import keccak_256
from domain.wallets.errors import BlockUnknown, ChainNotSupported, ChainReorganized, TransactionWouldRevert
from infrastructure.chain.chains import Chains
from infrastructure.persistence.cursor import InvalidCursor
from infrastructure.settings_chain import ChainSettings
from tests.support.chain import ETHER, DevAccount, DevChain, open_chain
from tests.support.stack import Body, Stack, open_stack
from tests.support.world_wallets import an_address

_TOPIC = keccak_256(b"Transfer(address,address,uint256)")
# Asked with one argument, as by balanceOf, it answers the largest number; it logs three arguments as a transfer.
TOKEN = bytes.fromhex(
    "6048600c60003960486000f3"
    f"36602414603a576040356000526020356000357f{_TOPIC.hex()}60206000a300"
    "5b600160000360005260206000f3"
)
REVERTS = bytes.fromhex("6005600c60003960056000f3" + "60006000fd")
# Accepts whatever it is asked.
ACCEPTS = bytes.fromhex("6010600c60003960106000f3" + "631626ba7e60e01b60005260206000f3")


@pytest.fixture
async def there(stack: Stack, dev_chain: DevChain) -> AsyncIterator[Stack]:
    """Return the core, with a real chain."""
    async with core_with(stack, dev_chain) as opened:
        yield opened


@asynccontextmanager
async def core_with(stack: Stack, chain: DevChain) -> AsyncIterator[Stack]:
    """Wire a core with a chain."""
    chains = Chains([ChainSettings(chain_id=chain.chain_id, endpoints=(chain.url,), confirmations=1)])
    async with open_stack(stack.urls, pool_size=4, chains=chains) as opened:
        yield opened
    await chains.close()


async def watched(there: Stack, chain: DevChain, account: DevAccount, **given: object) -> dict[str, object]:
    """Return a wallet and who asks about it."""
    actor = await there.organization()
    wallet = await there.run("wallets.create", actor, chain_id=chain.chain_id, address=account.address, **given)
    return {"id": wallet["id"], "actor": actor}


async def ask(there: Stack, name: str, wallet: dict[str, object], **given: object) -> Body:
    """Run a read of a wallet."""
    return await there.run(name, wallet["actor"], id=wallet["id"], **given)  # type: ignore[arg-type]  # reason: made above


def moved(sender: Address, recipient: Address, amount: int) -> bytes:
    """Return the input by which the token logs a transfer."""
    return b"".join(bytes(12) + bytes.fromhex(each[2:]) for each in (sender, recipient)) + amount.to_bytes(32)


async def test_a_balance_is_the_chains_at_one_block(there: Stack, dev_chain: DevChain) -> None:
    """Coins now and before, and 256 bits of a token, with the block's own number and hash."""
    account, token = await dev_chain.account(2 * ETHER), await dev_chain.deploy(TOKEN)
    wallet = await watched(there, dev_chain, account, tokens=[token])
    before = await dev_chain.head()
    await dev_chain.send(account.address, value=ETHER)

    now = await ask(there, "wallets.get_balance", wallet)
    then = await ask(there, "wallets.get_balance", wallet, block=before)

    held = [{"token": checksummed(token), "amount": str(MAX_UNITS)}]
    assert (now["native"], now["tokens"]) == (str(3 * ETHER), held)
    assert (then["native"], then["tokens"]) == (str(2 * ETHER), held)
    assert then["block"]["number"] == before  # type: ignore[index]  # reason: a block
    assert now["block"]["hash"] == (await dev_chain.ask("eth_getBlockByNumber", "latest", False))["hash"]  # type: ignore[index]  # reason: a block
    assert (await ask(there, "wallets.get_balance", wallet, tokens=[]))["tokens"] == []
    with pytest.raises(BlockUnknown):
        await ask(there, "wallets.get_balance", wallet, block=before + 1_000)


async def test_an_unknown_chain_is_refused_by_name(there: Stack) -> None:
    actor = await there.organization()
    wallet = await there.run("wallets.create", actor, chain_id=4_242, address=an_address())
    for name in ("wallets.get_balance", "wallets.get_transactions"):
        with pytest.raises(ChainNotSupported):
            await there.run(name, actor, id=wallet["id"])


async def test_an_estimate_is_the_simulations(there: Stack, dev_chain: DevChain) -> None:
    account, contract = await dev_chain.account(ETHER), await dev_chain.deploy(REVERTS)
    wallet = await watched(there, dev_chain, account)
    plain = await ask(there, "wallets.estimate_gas", wallet, to=an_address(), value="5")
    assert plain["gas"] == 21_000
    assert int(str(plain["max_cost"])) == 21_000 * int(str(plain["max_fee"])) > 21_000 * int(str(plain["base_fee"]))
    with pytest.raises(TransactionWouldRevert):
        await ask(there, "wallets.estimate_gas", wallet, to=contract, data="0x1234")


async def test_a_history_is_walked_backwards_page_by_page(there: Stack, dev_chain: DevChain) -> None:
    """Coins and tokens, in and out, newest first, none twice and none left out, whatever fits on a page."""
    account, token = await dev_chain.account(ETHER), await dev_chain.deploy(TOKEN)
    other = Address(an_address().lower())
    wallet = await watched(there, dev_chain, account, tokens=[token])
    first = await dev_chain.head()
    for n in range(1, 4):
        await dev_chain.send(account.address, value=n)
        await dev_chain.send(token, data=moved(account.address, other, MAX_UNITS - n))
    await dev_chain.send(token, data=moved(account.address, account.address, 9))
    await dev_chain.send(token, data=moved(other, other, 1))

    everything = await ask(there, "wallets.get_transactions", wallet, first_block=first, limit=100)
    pages = await walked(there, wallet, first_block=first, limit=2)

    told = [(each["direction"], each["token"] is None, each["amount"]) for each in listed(everything)]
    coins = [[("out", False, str(MAX_UNITS - n)), ("in", True, str(n))] for n in (3, 2, 1)]
    assert told == [("self", False, "9"), *coins[0], *coins[1], *coins[2]]
    assert everything["next_cursor"] is None
    assert [each for page in pages for each in listed(page)] == listed(everything)
    assert len(pages) == 4


async def test_a_page_looks_into_a_hundred_blocks(there: Stack, dev_chain: DevChain) -> None:
    """Further back there are more pages, empty ones among them, down to the block that was named."""
    account = await dev_chain.account(ETHER)
    wallet = await watched(there, dev_chain, account)
    first = await dev_chain.head()
    await dev_chain.mine(150)

    pages = await walked(there, wallet, first_block=first)

    assert [(page["first_block"], page["last_block"]) for page in pages] == [
        (first + 51, first + 150),
        (first, first + 50),
    ]
    assert [len(listed(page)) for page in pages] == [0, 1]


async def test_a_cursor_is_good_for_its_own_list_and_history_only(there: Stack, dev_chain: DevChain) -> None:
    account = await dev_chain.account(ETHER)
    await dev_chain.send(account.address, value=1)
    first = await dev_chain.head() - 1
    wallet = await watched(there, dev_chain, account)
    others = await watched(there, dev_chain, account)
    page = await ask(there, "wallets.get_transactions", wallet, first_block=first, limit=1)
    cursor = str(page["next_cursor"])
    for asker, given in ((others, {"first_block": first}), (wallet, {"first_block": first - 1})):
        with pytest.raises(InvalidCursor):
            await ask(there, "wallets.get_transactions", asker, cursor=cursor, **given)
    with pytest.raises(InvalidCursor):
        await ask(there, "wallets.get_transactions", wallet, first_block=first, cursor=cursor[:-2])


async def test_a_history_that_was_undone_is_begun_anew(stack: Stack, dev_chain: DevChain) -> None:
    """A page after a reorganization would leave something out or show it twice, so that it is refused."""
    with open_chain(dev_chain.kind) as chain:
        async with core_with(stack, chain) as there:
            account = await chain.account(ETHER)
            snapshot = await chain.snapshot()
            await chain.send(account.address, value=1)
            await chain.send(account.address, value=2)
            asked: dict[str, object] = {"first_block": await chain.head() - 1, "limit": 1}
            wallet = await watched(there, chain, account)
            page = await ask(there, "wallets.get_transactions", wallet, **asked)
            await chain.revert(snapshot)
            with pytest.raises(ChainReorganized):
                await ask(there, "wallets.get_transactions", wallet, cursor=page["next_cursor"], **asked)


async def test_blocks_in_the_wrong_order_are_refused(there: Stack, dev_chain: DevChain) -> None:
    wallet = await watched(there, dev_chain, await dev_chain.account(0))
    head = await dev_chain.head()
    with pytest.raises(ValidationError, match="first block"):
        await ask(there, "wallets.get_transactions", wallet, first_block=head, last_block=head - 1)
    with pytest.raises(BlockUnknown):
        await ask(there, "wallets.get_transactions", wallet, last_block=head + 1_000)


@pytest.mark.parametrize(
    ("code", "status"),
    [(ACCEPTS, "verified"), (TOKEN, "refused"), (REVERTS, "refused"), (b"", "refused")],
    ids=["accepts", "answers otherwise", "fails", "is not there"],
)
async def test_a_contract_on_chain_judges_a_signature(
    there: Stack, dev_chain: DevChain, code: bytes, status: str
) -> None:
    """One that accepts is verified; one that answers otherwise, fails or is not there shows nothing."""
    address = await dev_chain.deploy(code) if code else Address(an_address().lower())
    actor = await there.organization()
    wallet = await there.run("wallets.create", actor, chain_id=dev_chain.chain_id, address=address, type="smart_wallet")
    challenge = await there.run("wallets.request_challenge", actor, id=wallet["id"])
    given = {"id": wallet["id"], "challenge_id": challenge["id"], "signature": f"0x{'5a' * 65}"}
    await there.run("wallets.verify_ownership", actor, **given)
    checks = OwnershipChecks(there.units, there.dispatcher, there.chains)
    await checks.check(actor.organization_id, WalletChallengeId(decode_id("wch", str(challenge["id"]))))
    assert (await there.run("wallet_challenges.get", actor, id=challenge["id"]))["status"] == status


async def walked(there: Stack, wallet: dict[str, object], **given: object) -> list[Body]:
    """Return all pages of a history."""
    pages = [await ask(there, "wallets.get_transactions", wallet, **given)]
    while pages[-1]["next_cursor"] is not None:
        pages.append(await ask(there, "wallets.get_transactions", wallet, cursor=pages[-1]["next_cursor"], **given))
    return pages


def listed(page: Body) -> list[Body]:
    """Return what is on a page."""
    return page["data"]  # type: ignore[return-value]  # reason: a list's body
