"""Smart wallets are made where it was said before, and multi-signature wallets do what enough owners confirmed."""

from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from application.wallets.deployments import CHECK_DEPLOYMENT, Deployments
from application.wallets.origins import REPORT, Reports
from domain.shared.evm import checksummed
from domain.shared.evm_types import BaseUnits
from domain.wallets.errors import WalletAddressTaken
from domain.wallets.transaction_errors import WalletNotDeployed, WalletOwnerUnknown
from domain.wallets.wallet import WalletType
from infrastructure.workers.jobs import JobWorker
from tests.support.chain import DevChain, new_account
from tests.support.dev_till import DevTill, dev_till
from tests.support.stack import Body, Stack
from tests.support.wallet_contracts import deploy_token, deploy_wallet_contracts, has_code, mint, number

pytestmark = pytest.mark.usefixtures("no_other_jobs")


async def deployed(till: DevTill, **fields: object) -> Body:
    """Deploy a wallet, have everybody hear of it, and return the wallet as it is then."""
    asked = await till.stack.run("wallets.deploy_smart_wallet", till.actor, id=till.wallet_id, **fields)
    assert (await till.finish({"id": asked["transaction_id"]}))["status"] == "confirmed"
    handlers: dict[str, Any] = {  # reason: each takes ids of its own
        REPORT: Reports(till.stack.units, till.stack.dispatcher).report,
        CHECK_DEPLOYMENT: Deployments(till.stack.units, till.stack.dispatcher, till.chains).check,
    }
    await JobWorker(till.stack.relay_database, handlers, clock=till.stack.clock).run_due_once()
    wallet = cast("Body", asked["wallet"])
    found = await till.stack.run("wallets.get", till.actor, id=wallet["id"])
    assert found["address"] == wallet["address"]
    return found


async def test_a_smart_wallet_is_where_it_was_predicted(stack: Stack, dev_chain: DevChain) -> None:
    """With code at its address, noted once the transaction is final; the same one twice is refused."""
    await deploy_wallet_contracts(dev_chain)
    async with dev_till(stack, dev_chain) as till:
        salt = f"0x{9:064x}"
        wallet = await deployed(till, salt=salt, label="Treasury")
        assert (wallet["type"], wallet["signer"]) == (WalletType.SMART_WALLET, "none")
        assert wallet["deployed_at"] is not None
        address = str(wallet["address"]).lower()
        assert await has_code(dev_chain, type(till.wallet.address)(address))
        with pytest.raises(WalletAddressTaken):
            await stack.run("wallets.deploy_smart_wallet", till.actor, id=till.wallet_id, salt=salt)


async def test_a_chain_without_the_factory_deploys_nothing(pg_stack: Stack, anvil: DevChain) -> None:
    """A call of an address without code succeeds there; that nothing came of it is noticed."""
    async with dev_till(pg_stack, anvil) as till:
        wallet = await deployed(till)
        assert wallet["deployed_at"] is None
        with pytest.raises(WalletNotDeployed):
            await pg_stack.run(
                "wallets.confirm_proposal", till.actor, id=wallet["id"], owner_id=till.wallet_id, proposal=0
            )


async def test_two_of_two_owners_move_coins_and_tokens(stack: Stack, dev_chain: DevChain) -> None:
    """One confirmation is too few and fails before it is sent; with both, the recipient is paid once."""
    await deploy_wallet_contracts(dev_chain)
    token, payee = await deploy_token(dev_chain), new_account().address
    async with AsyncExitStack() as opened:
        first = await opened.enter_async_context(dev_till(stack, dev_chain))
        second = await opened.enter_async_context(dev_till(stack, dev_chain, actor=first.actor))
        stranger = await opened.enter_async_context(dev_till(stack, dev_chain, actor=first.actor))
        owners = [checksummed(till.wallet.address) for till in (first, second)]
        shared = await deployed(first, multi_sig={"owners": owners, "threshold": 2})
        address = type(payee)(str(shared["address"]).lower())
        await dev_chain.send(address, value=1000)
        await mint(dev_chain, token, address, 50)

        async def does(till: DevTill, what: str, **fields: object) -> Body:
            given = {"id": shared["id"], "owner_id": till.wallet_id, **fields}
            return await till.finish(await stack.run(f"wallets.{what}", till.actor, **given))

        assert (await does(first, "propose_transaction", to=payee, value="700"))["status"] == "confirmed"
        tokens = {"token_address": token, "token_amount": "30"}
        assert (await does(second, "propose_transaction", to=payee, **tokens))["status"] == "confirmed"
        early = await does(first, "execute_proposal", proposal=0)
        assert (early["status"], early["failure_reason"]) == ("failed", "not enough confirmations")
        with pytest.raises(WalletOwnerUnknown):
            await does(stranger, "confirm_proposal", proposal=0)
        assert (await does(second, "confirm_proposal", proposal=0))["status"] == "confirmed"
        assert (await does(first, "confirm_proposal", proposal=1))["status"] == "confirmed"
        for proposal in (0, 1):
            assert (await does(second, "execute_proposal", proposal=proposal))["status"] == "confirmed"
        again = await does(first, "execute_proposal", proposal=0)
        assert (again["status"], again["failure_reason"]) == ("failed", "already executed")
        assert await dev_chain.balance(payee) == 700
        assert await number(dev_chain, token, "balanceOf(address)", payee) == BaseUnits(30)
