"""What use-cases about wallets need to be there before them."""

import secrets

from domain.shared.evm import checksummed
from domain.shared.ids import AddressListingId, WalletChallengeId, WalletId
from tests.support.chain import new_account
from tests.support.chain_keys import signed_text
from tests.support.ground import Ground, Prepare, first


def an_address() -> str:
    """Return an address that nobody has the key of, as people are shown it."""
    return checksummed(f"0x{secrets.token_hex(20)}")


async def _new_address(world: Ground) -> dict[str, object]:
    return {"address": an_address(), "user_id": world.person.id}


async def _of_a_member(world: Ground) -> dict[str, object]:
    return {"user_id": world.person.id}


async def _changed_wallet(world: Ground) -> dict[str, object]:
    wallet = await world.fresh(WalletId)
    return {"id": wallet["id"], "expected_version": wallet["version"], **await _of_a_member(world)}


async def _known_address(world: Ground) -> dict[str, object]:
    wallet = await world.fresh(WalletId)
    return {"address": wallet["address"], "chain_id": wallet["chain_id"]}


async def _deleted_wallet(world: Ground) -> dict[str, object]:
    deleted = await world.run("wallets.delete")
    return {"id": deleted["id"], "expected_version": deleted["version"]}


async def _new_listing(world: Ground) -> dict[str, object]:
    return {"address": an_address()}


async def _signed_challenge(world: Ground) -> dict[str, object]:
    account = new_account()
    wallet = await world.run("wallets.create", address=account.address)
    challenge = await world.run("wallets.request_challenge", id=wallet["id"])
    signature = signed_text(account, str(challenge["message"]))
    return {"id": wallet["id"], "challenge_id": challenge["id"], "signature": signature}


async def _challenge_to_contract(world: Ground) -> dict[str, object]:
    wallet = await world.run("wallets.create", type="smart_wallet")
    challenge = await world.run("wallets.request_challenge", id=wallet["id"])
    answered = {"id": wallet["id"], "challenge_id": challenge["id"], "signature": "0x"}
    return {"id": (await world.send("wallets.verify_ownership", answered))["id"]}


async def _unwatched_wallet(world: Ground) -> dict[str, object]:
    return {"id": (await world.fresh(WalletId))["id"]}


async def _watched_wallet(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("wallets.watch"))["wallet_id"]}


async def _opened_watch(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("wallets.open_watch"))["wallet_id"]}


async def allowed_address(world: Ground) -> str:
    """Return an address that nobody has the key of, and with which this world does business whatever its lists say."""
    address = an_address()
    await world.run("wallets.update_allowlist", address=address)
    return address


async def specimens(world: Ground) -> dict[object, str]:
    """Give the organization two wallets of its own, challenges to a member's, and an address on each list."""
    for _ in range(2):
        await world.run("wallets.create", user_id=None)
        await world.run("wallets.request_challenge", id=await world.id_of(WalletId))
        await world.run("wallets.update_blocklist")
        await world.run("wallets.open_watch")
    await world.run("wallets.watch", id=await world.id_of(WalletId))
    challenge = first(await world.run("wallet_challenges.list"))
    listing = first(await world.run("address_listings.list", address=None))
    return {WalletChallengeId: str(challenge["id"]), AddressListingId: str(listing["id"])}


PREPARATIONS: dict[str, Prepare] = {
    "wallets.create": _new_address,
    "wallets.create_key": _of_a_member,
    "wallets.get_by_address": _known_address,
    "wallets.get_by_user": _of_a_member,
    "wallets.list": _of_a_member,
    "wallets.update_allowlist": _new_listing,
    "wallets.update_blocklist": _new_listing,
    "wallets.restore": _deleted_wallet,
    "wallets.update": _changed_wallet,
    "wallets.verify_ownership": _signed_challenge,
    "wallet_challenges.record_answer": _challenge_to_contract,
    "wallets.watch": _unwatched_wallet,
    "wallets.unwatch": _watched_wallet,
    "wallets.get_watch": _watched_wallet,
    "wallets.open_watch": _watched_wallet,
    "wallets.record_arrivals": _opened_watch,
    "wallets.record_balances": _opened_watch,
}
