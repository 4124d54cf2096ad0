"""What use-cases about wallets' transactions need to be there before them."""

from typing import cast
from uuid import uuid4

from domain.shared.evm import checksummed
from domain.shared.evm_types import read_address
from domain.shared.ids import WalletId, WalletTransactionId, encode_id
from domain.wallets.wallet import Wallet, WalletSigner
from tests.support.ground import Ground, Prepare
from tests.support.stack import Body
from tests.support.world_wallets import allowed_address, an_address


async def signing_wallet(world: Ground) -> str:
    """Make a wallet whose key is in a keystore that nobody asks here, and return its id."""
    stack, actor = world.stack, world.actor
    wallet = Wallet.create(
        id=WalletId(stack.ids.new()), organization_id=actor.organization_id, chain_id=31337,
        address=read_address(an_address()), signer=WalletSigner.KEYSTORE, sealed_key="v1.sealed", now=stack.clock.now(),
    )  # fmt: skip
    async with stack.units(actor, use_case="tests.make", request_id=str(uuid4())) as uow:
        uow.wallets.add(wallet)
        await uow.commit()
    return encode_id("wal", wallet.id)


async def _asked_for(world: Ground) -> dict[str, object]:
    return {"id": await signing_wallet(world), "to": await allowed_address(world)}


async def _created(world: Ground) -> Body:
    return await world.run("wallets.send_transaction")


async def _prepared(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("wallet_transactions.allocate"))["id"]}


async def _signed(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("wallet_transactions.record_signed"))["id"]}


async def _waiting(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("wallet_transactions.record_broadcast"))["id"]}


async def _sped_up(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("wallet_transactions.speed_up"))["id"]}


async def _new(world: Ground) -> dict[str, object]:
    return {"id": (await _created(world))["id"]}


async def _to_allocate(world: Ground) -> dict[str, object]:
    made = await _created(world)
    return {"id": made["id"], "wallet_id": made["wallet_id"]}


async def _deploying(world: Ground) -> dict[str, object]:
    return {"id": await signing_wallet(world), "owner": None, "multi_sig": None}


async def _deployed(world: Ground) -> dict[str, object]:
    made = await world.run("wallets.deploy_smart_wallet")
    return {"id": cast("Body", made["wallet"])["id"], "transaction_id": made["transaction_id"]}


async def _looked_for(world: Ground) -> dict[str, object]:
    return {"id": (await _deployed(world))["id"]}


async def _commanded(world: Ground) -> dict[str, object]:
    owner = await signing_wallet(world)
    address = (await world.send("wallets.get", {"id": owner}))["address"]
    asked = {"id": owner, "label": "Till", "multi_sig": {"owners": [address], "threshold": 1}}
    made = cast("Body", (await world.send("wallets.deploy_smart_wallet", asked))["wallet"])
    await world.send("wallets.record_deployment", {"id": made["id"], "deployed": True})
    return {"id": made["id"], "owner_id": owner}


async def _proposing(world: Ground) -> dict[str, object]:
    # The same for all faces, for it is part of the call that they show.
    to = checksummed(f"0x{world.actor.organization_id.hex:0>40}")
    await world.run("wallets.update_allowlist", address=to)
    return {**await _commanded(world), "to": to, "token_address": None}


async def _versioned(world: Ground) -> dict[str, object]:
    made = await world.run("wallet_transactions.record_broadcast")
    return {"id": made["id"], "expected_version": made["version"]}


async def specimens(world: Ground) -> dict[object, str]:
    """Have two transactions signed."""
    await _signed(world)
    return {WalletTransactionId: str((await _signed(world))["id"])}


PREPARATIONS: dict[str, Prepare] = {
    "wallets.send_transaction": _asked_for,
    "wallets.deploy_smart_wallet": _deploying,
    "wallets.propose_transaction": _proposing,
    "wallets.confirm_proposal": _commanded,
    "wallets.revoke_confirmation": _commanded,
    "wallets.execute_proposal": _commanded,
    "wallets.conclude_deployment": _deployed,
    "wallets.record_deployment": _looked_for,
    "wallet_transactions.allocate": _to_allocate,
    "wallet_transactions.fail": _new,
    "wallet_transactions.put_off": _new,
    "wallet_transactions.price": _sped_up,
    "wallet_transactions.record_signed": _prepared,
    "wallet_transactions.record_broadcast": _signed,
    "wallet_transactions.record_refusal": _signed,
    "wallet_transactions.record_sighting": _waiting,
    "wallet_transactions.speed_up": _versioned,
    "wallet_transactions.cancel": _versioned,
}
