"""Contracts of wallets: made at addresses that are known before, by a transaction of a wallet that pays for it."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.wallets.enqueue import enqueue
from application.wallets.origins import hears_of
from application.wallets.ports import IChains
from application.wallets.transaction_steps import INSIDE
from application.wallets.wallet_contracts import IWalletContracts
from application.wallets.wallet_view import MultiSig, WalletView
from domain.shared.evm_types import Address
from domain.shared.ids import OrganizationId, WalletId, WalletTransactionId
from domain.wallets.contracts import WalletContracts, make_multi_sig, make_smart_wallet
from domain.wallets.deployment import read_salt
from domain.wallets.multi_sig import MultiSigConfig
from domain.wallets.transaction_intent import Intent, Origin
from domain.wallets.wallet import LABEL, Wallet, WalletType

DEPLOYMENT, CHECK_DEPLOYMENT = "wallet_deployment", "wallets.check_deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySmartWallet:
    """Which wallet pays, and whose the new one is: one owner's, by default the paying wallet itself, or several ones'.

    The same owners and `salt` (0x and 64 hexadecimal digits) have the same address on all chains; without a salt it is
    an address of its own.
    """

    id: WalletId
    owner: Address | None = None
    multi_sig: MultiSig | None = None
    salt: Annotated[str, Len(66, 66)] | None = None
    label: Annotated[str, LABEL] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartWalletDeployment:
    """A wallet whose contract is on its way: its address is certain, `deployed_at` follows with the transaction."""

    wallet: WalletView
    factory: Address
    salt: str
    transaction_id: WalletTransactionId


@use_case(
    "wallets.deploy_smart_wallet", scope=Scope.WALLETS_SEND, money=True, statements=13,
    example={"label": "Treasury", "salt": f"0x{7:064x}"},
)  # fmt: skip
async def deploy_smart_wallet(
    cmd: DeploySmartWallet, uow: IUnitOfWork, *, clock: IClock, ids: IIds, code: IWalletContracts
) -> SmartWalletDeployment:
    """Have a smart wallet of one owner, or a multi-signature wallet of several, made on the paying wallet's chain.

    Its address follows from the owners, the threshold and the salt (CREATE2) and is told at once; it can receive before
    the contract is there. Making the same one twice on a chain is refused.

    Errors: `not_found`, `wallet_watch_only`, `wallet_not_verified`, `wallet_address_taken`, `wallet_invalid`.
    """
    now, contracts = clock.now(), code.contracts()
    payer = await uow.wallets.get(cmd.id, lock=True)
    wallet_id = WalletId(ids.new())
    salt = read_salt(cmd.salt, wallet_id)
    wallet, data = _planned(cmd, payer, wallet_id, contracts, salt=salt, now=now)
    uow.wallets.add(wallet)
    intent = Intent(to=contracts.factory, data=f"0x{data.hex()}", purpose="wallet deployment")
    sent = await enqueue(uow, payer.id, intent, origin=Origin(kind=DEPLOYMENT, id=wallet.id), now=now, ids=ids)
    return SmartWalletDeployment(
        wallet=WalletView.of(wallet), factory=contracts.factory, salt=f"0x{salt.hex()}", transaction_id=sent.id
    )


def _planned(
    cmd: DeploySmartWallet, payer: Wallet, id: WalletId, contracts: WalletContracts, *, salt: bytes, now: datetime
) -> tuple[Wallet, bytes]:
    """Return the wallet at its predicted address, and the factory's call that makes it."""
    make = partial(
        Wallet.create, id=id, organization_id=payer.organization_id, chain_id=payer.chain_id, label=cmd.label, now=now
    )
    if cmd.multi_sig is None:
        owner = cmd.owner or payer.address
        address = contracts.address_of_smart_wallet(owner, salt)
        return make(address=address, type=WalletType.SMART_WALLET, owner=owner), make_smart_wallet(owner, salt)
    config = MultiSigConfig.of(cmd.multi_sig.owners, cmd.multi_sig.threshold)
    address = contracts.address_of_multi_sig(config, salt)
    wallet = make(address=address, type=WalletType.MULTI_SIG, multi_sig=config, owner=cmd.owner)
    return wallet, make_multi_sig(config, salt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcludeDeployment:
    """Whose contract was to be made, and by which transaction."""

    id: WalletId
    transaction_id: WalletTransactionId


@use_case("wallets.conclude_deployment", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, example={}, statements=7)
async def conclude_deployment(cmd: ConcludeDeployment, uow: IUnitOfWork) -> WalletView:
    """Have a worker look whether a wallet's contract is there, now that the transaction is at its end.

    However that was: an identical wallet may have been made by somebody else, and a chain without our factory takes
    every call.

    Errors: `not_found`.
    """
    await uow.wallet_transactions.get(cmd.transaction_id)
    wallet = await uow.wallets.get(cmd.id, with_deleted=True)
    await uow.jobs.schedule(CHECK_DEPLOYMENT, wallet.id)
    return WalletView.of(wallet)


hears_of(DEPLOYMENT, "wallets.conclude_deployment", ConcludeDeployment)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDeployment:
    """Whether the chain has code at a wallet's address."""

    id: WalletId
    deployed: bool


@use_case(
    "wallets.record_deployment", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, example={"deployed": True}, statements=6
)
async def record_deployment(cmd: RecordDeployment, uow: IUnitOfWork, *, clock: IClock) -> WalletView:
    """Note what became of a wallet's deployment; what is there stays there.

    Errors: `not_found`.
    """
    wallet = await uow.wallets.get(cmd.id, lock=True, with_deleted=True)
    wallet.conclude_deployment(clock.now(), deployed=cmd.deployed)
    return WalletView.of(wallet)


class Deployments:
    """The worker's job that asks a chain whether a wallet's contract is there."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, chains: IChains) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._chains = chains

    async def check(self, organization_id: OrganizationId, wallet_id: WalletId) -> None:
        """Look at the address, outside of any transaction.

        Raises:
            BlockchainError: the chain does not answer.
        """
        actor, name = worker(organization_id), str(wallet_id)
        async with self._units(actor, use_case=CHECK_DEPLOYMENT, request_id=name, read_only=True) as uow:
            wallet = await uow.wallets.get(wallet_id, with_deleted=True)
        code = await self._chains.of(wallet.chain_id).code(wallet.address)
        command = RecordDeployment(id=wallet_id, deployed=bool(code))
        await self._dispatch("wallets.record_deployment", command, Call(actor=actor, request_id=name))
