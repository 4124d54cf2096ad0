"""Finding wallets."""

from dataclasses import dataclass
from typing import Literal

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.wallet_view import ChainId, WalletView
from domain.shared.errors import EntityNotFoundError
from domain.shared.evm_types import Address
from domain.shared.ids import UserId
from domain.shared.specification import Spec
from domain.wallets.specifications import wallets_matching, wallets_of_organization
from domain.wallets.wallet import Wallet, WalletSigner, WalletType

Sort = Literal["created_at", "-created_at"]

get_use_case(
    "wallets.get", lambda uow: uow.wallets, WalletView, "Return one wallet that is not deleted.",
    scope=Scope.WALLETS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWallets(PageQuery):
    """Which wallets: everything that is given has to hold."""

    chain_id: ChainId | None = None
    address: Address | None = None
    user_id: UserId | None = None
    type: WalletType | None = None
    signer: WalletSigner | None = None
    sort: Sort = "-created_at"


def _listed(cmd: ListWallets) -> Spec[Wallet]:
    return wallets_matching(
        chain_id=cmd.chain_id, address=cmd.address, user_id=cmd.user_id, type=cmd.type, signer=cmd.signer
    )


list_use_case(
    "wallets.list", ListWallets, lambda uow: uow.wallets, WalletView, "List the wallets that are not deleted.",
    where=_listed, scope=Scope.WALLETS_READ, example={"limit": 20, "chain_id": 8453, "type": "eoa"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletByAddress:
    """An address of a chain, in lower case or with the capitals of its checksum."""

    chain_id: ChainId
    address: Address


@use_case(
    "wallets.get_by_address",
    scope=Scope.WALLETS_READ,
    example={"chain_id": 8453, "address": "0x52908400098527886E0F7030069857D2E4169EE7"},
    read_only=True,
    statements=1,
)
async def get_wallet_by_address(cmd: GetWalletByAddress, uow: IUnitOfWork) -> WalletView:
    """Return the organization's wallet with an address on a chain.

    Errors: `not_found`, `address_invalid`.
    """
    wallet = await uow.wallets.get_by_address(cmd.chain_id, cmd.address)
    if wallet is None:
        raise EntityNotFoundError
    return WalletView.of(wallet)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletsByUser(PageQuery):
    """Whose wallets, and of which chain."""

    user_id: UserId
    chain_id: ChainId | None = None
    sort: Sort = "-created_at"


list_use_case(
    "wallets.get_by_user", GetWalletsByUser, lambda uow: uow.wallets, WalletView,
    "List the wallets of one member that are not deleted.",
    where=lambda cmd: wallets_matching(user_id=cmd.user_id, chain_id=cmd.chain_id), scope=Scope.WALLETS_READ,
    example={"limit": 20}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletsByOrganization(PageQuery):
    """Of which chain."""

    chain_id: ChainId | None = None
    sort: Sort = "-created_at"


list_use_case(
    "wallets.get_by_organization", GetWalletsByOrganization, lambda uow: uow.wallets, WalletView,
    "List the organization's own wallets, which belong to no member, unless they are deleted.",
    where=lambda cmd: wallets_of_organization(cmd.chain_id), scope=Scope.WALLETS_READ,
    example={"limit": 20, "chain_id": 8453}, statements=2,
)  # fmt: skip
