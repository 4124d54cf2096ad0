"""What is shown of a wallet. Of its key nothing is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.view import View
from domain.shared.evm_types import MAX_CHAIN_ID, Address, BaseUnits
from domain.shared.ids import UserId, WalletId
from domain.wallets.multi_sig import MOST_OWNERS
from domain.wallets.wallet import MOST_TOKENS, Wallet, WalletSigner, WalletType

ChainId = Annotated[int, Interval(ge=1, le=MAX_CHAIN_ID)]
"""The id of a chain, as EIP-155 has it."""

Tokens = Annotated[list[Address], Len(0, MOST_TOKENS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiSig:
    """Owners, each named once, of whom `threshold` have to agree."""

    owners: Annotated[list[Address], Len(1, MOST_OWNERS)]
    threshold: Annotated[int, Interval(ge=1, le=MOST_OWNERS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView(View[Wallet]):
    """An address of a chain, which `chain` names as CAIP-2 does. Without a `user_id` it is the organization's own.

    With `signer` `none` it is only watched. Limits are in the smallest unit of the chain's own coin; `max_per_day` is
    for any 24 hours. `tokens` are looked at besides the coin.
    """

    id: WalletId
    version: int
    chain_id: int
    chain: str
    address: Address
    type: WalletType
    label: str
    user_id: UserId | None
    signer: WalletSigner
    verified_at: datetime | None
    max_per_transaction: BaseUnits | None
    max_per_day: BaseUnits | None
    tokens: list[Address]
    multi_sig: MultiSig | None
    deployed_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
