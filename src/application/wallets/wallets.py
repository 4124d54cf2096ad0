"""Wallets: addresses of chains that the organization watches, owns or signs for."""

from dataclasses import dataclass, field
from typing import Annotated

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.wallet_view import ChainId, MultiSig, Tokens, WalletView
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import UserId, WalletId
from domain.wallets.multi_sig import MultiSigConfig
from domain.wallets.wallet import LABEL, Limits, Wallet, WalletType

Label = Annotated[str, LABEL]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWallet:
    """An address of a chain, of a member (`user_id`) or else of the organization. A `multi_sig` says who owns it.

    Limits are in the smallest unit of the chain's own coin.
    """

    chain_id: ChainId
    address: Address
    type: WalletType = WalletType.EOA
    label: Label = ""
    user_id: UserId | None = None
    max_per_transaction: BaseUnits | None = None
    max_per_day: BaseUnits | None = None
    tokens: Tokens = field(default_factory=list)
    multi_sig: MultiSig | None = None


@use_case(
    "wallets.create",
    scope=Scope.WALLETS_WRITE,
    example={
        "chain_id": 8453,
        "address": "0x52908400098527886E0F7030069857D2E4169EE7",
        "label": "Till",
        "max_per_transaction": "250000000000000000",
        "tokens": ["0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"],
    },
    statements=5,
)
async def create_wallet(cmd: CreateWallet, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WalletView:
    """Watch an address of a chain, whose key is elsewhere. Nothing can be sent from it here.

    Errors: `not_found` for the user, `wallet_address_taken`, `address_invalid`, `wallet_invalid`, `text_invalid`.
    """
    if cmd.user_id is not None:
        await uow.users.get(cmd.user_id)
    wallet = Wallet.create(
        id=WalletId(ids.new()), organization_id=uow.actor.organization_id, chain_id=cmd.chain_id, address=cmd.address,
        type=cmd.type, label=cmd.label, user_id=cmd.user_id, tokens=cmd.tokens, multi_sig=_multi_sig(cmd.multi_sig),
        limits=Limits(max_per_transaction=cmd.max_per_transaction, max_per_day=cmd.max_per_day), now=clock.now(),
    )  # fmt: skip
    uow.wallets.add(wallet)
    return WalletView.of(wallet)


def _multi_sig(said: MultiSig | None) -> MultiSigConfig | None:
    return None if said is None else MultiSigConfig.of(said.owners, said.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateWallet:
    """New values for what is mentioned; the rest stays. Null takes a limit away, or the member whose wallet it is."""

    id: WalletId
    expected_version: Version
    label: Maybe[Label] = UNSET
    user_id: Maybe[UserId | None] = UNSET
    max_per_transaction: Maybe[BaseUnits | None] = UNSET
    max_per_day: Maybe[BaseUnits | None] = UNSET
    tokens: Maybe[Tokens] = UNSET


@use_case(
    "wallets.update",
    scope=Scope.WALLETS_WRITE,
    example={"expected_version": 1, "label": "Till, front desk", "max_per_day": "1000000000000000000"},
    statements=5,
)
async def update_wallet(cmd: UpdateWallet, uow: IUnitOfWork, *, clock: IClock) -> WalletView:
    """Change a wallet's label, member, limits or tokens; its address, chain and signer stay.

    Errors: `not_found`, also for the user, `version_stale`, `wallet_invalid`, `text_invalid`.
    """
    wallet = await uow.wallets.get(cmd.id, lock=True)
    wallet.expect_version(cmd.expected_version)
    user_id = given(cmd.user_id, wallet.user_id)
    if user_id not in (None, wallet.user_id):
        await uow.users.get(user_id)
    limits = Limits(
        max_per_transaction=given(cmd.max_per_transaction, wallet.max_per_transaction),
        max_per_day=given(cmd.max_per_day, wallet.max_per_day),
    )
    label, tokens = given(cmd.label, wallet.label), given(cmd.tokens, list(map(Address, wallet.tokens)))
    wallet.edit(clock.now(), label=label, user_id=user_id, limits=limits, tokens=tokens)
    return WalletView.of(wallet)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWallet:
    """Which wallet, and optionally the version the caller read."""

    id: WalletId
    expected_version: Version | None = None


@use_case("wallets.delete", scope=Scope.WALLETS_WRITE, example={}, destructive=True, statements=4)
async def delete_wallet(cmd: DeleteWallet, uow: IUnitOfWork) -> WalletView:
    """Hide a wallet. Its key is kept, for what is at the address needs it: a restored wallet signs as before.

    Errors: `not_found`, `version_stale`.
    """
    wallet = await uow.wallets.get(cmd.id, lock=True)
    wallet.expect_version(cmd.expected_version)
    uow.wallets.remove(wallet)
    return WalletView.of(wallet)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWallet:
    """Which deleted wallet, and optionally the version the caller read."""

    id: WalletId
    expected_version: Version | None = None


@use_case("wallets.restore", scope=Scope.WALLETS_WRITE, example={}, statements=4)
async def restore_wallet(cmd: RestoreWallet, uow: IUnitOfWork) -> WalletView:
    """Bring a deleted wallet back.

    Errors: `not_found`, `version_stale`, `transition_invalid` when the wallet is not deleted, `wallet_address_taken`
    when another one has its address by now.
    """
    wallet = await uow.wallets.get(cmd.id, lock=True, with_deleted=True)
    wallet.expect_version(cmd.expected_version)
    uow.wallets.restore(wallet)
    return WalletView.of(wallet)
