"""Questions about wallets, listed addresses and challenges."""

from collections.abc import Mapping
from uuid import UUID

from domain.shared.evm_types import Address
from domain.shared.ids import UserId, WalletId
from domain.shared.specification import Equal, Everything, IsNull, Spec
from domain.wallets.address_listing import AddressList, AddressListing
from domain.wallets.wallet import Wallet, WalletSigner, WalletType
from domain.wallets.wallet_challenge import ChallengeStatus, WalletChallenge


def wallets_matching(
    *,
    chain_id: int | None = None,
    address: Address | None = None,
    user_id: UserId | None = None,
    type: WalletType | None = None,
    signer: WalletSigner | None = None,
) -> Spec[Wallet]:
    """Wallets for which everything holds that is given."""
    exact = {"chain_id": chain_id, "address": address, "user_id": user_id, "type": type, "signer": signer}
    return _all_of(exact)


def wallets_of_organization(chain_id: int | None = None) -> Spec[Wallet]:
    """Wallets that belong to nobody in particular, but to the organization."""
    return IsNull("user_id") & _all_of({"chain_id": chain_id})


def listings_matching(*, on: AddressList | None = None, address: Address | None = None) -> Spec[AddressListing]:
    """Listed addresses for which everything holds that is given."""
    return _all_of({"list": on, "address": address})


def challenges_matching(
    *, wallet_id: WalletId | None = None, status: ChallengeStatus | None = None
) -> Spec[WalletChallenge]:
    """Challenges for which everything holds that is given."""
    return _all_of({"wallet_id": wallet_id, "status": status})


def _all_of(exact: Mapping[str, str | int | UUID | None]) -> Spec[object]:
    found: Spec[object] = Everything()
    for field, value in exact.items():
        if value is not None:
            found &= Equal(field, value)
    return found
