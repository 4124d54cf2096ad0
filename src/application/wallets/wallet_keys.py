"""Wallets that sign here: with a key that is made and kept encrypted, or by asking a signer that has it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.signing_ports import IKeystore
from application.wallets.wallet_view import ChainId, Tokens, WalletView
from application.wallets.wallets import Label
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import UserId, WalletId
from domain.wallets.errors import InvalidWallet
from domain.wallets.wallet import Limits, Wallet, WalletSigner


class KeyHolder(StrEnum):
    """Who has the key."""

    KEYSTORE = "keystore"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateKey:
    """A wallet that sends. With the `keystore` its address follows from a fresh key; a `remote` signer's is named.

    Limits are in the smallest unit of the chain's own coin.
    """

    chain_id: ChainId
    signer: KeyHolder = KeyHolder.KEYSTORE
    address: Address | None = None
    label: Label = ""
    user_id: UserId | None = None
    max_per_transaction: BaseUnits | None = None
    max_per_day: BaseUnits | None = None
    tokens: Tokens = field(default_factory=list)


@use_case(
    "wallets.create_key",
    scope=Scope.WALLETS_SEND,
    example={
        "chain_id": 8453,
        "label": "Payroll",
        "max_per_transaction": "250000000000000000",
        "max_per_day": "1000000000000000000",
        "tokens": ["0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"],
    },
    statements=6,
)
async def create_key(cmd: CreateKey, uow: IUnitOfWork, *, clock: IClock, ids: IIds, keystore: IKeystore) -> WalletView:
    """Open a wallet that sends. Its key is made here and kept encrypted, or it is a remote signer's; nobody sees one.

    Errors: `not_found` for the user, `wallet_invalid` when a keystore's address is named or a remote signer's is not,
    `wallet_address_taken`, `wallet_signer_taken`, `signer_unavailable`, `address_invalid`, `text_invalid`.
    """
    if cmd.user_id is not None:
        await uow.users.get(cmd.user_id)
    wallet = _wallet(cmd, uow, WalletId(ids.new()), keystore, clock.now())
    uow.wallets.add(wallet)
    return WalletView.of(wallet)


def _wallet(cmd: CreateKey, uow: IUnitOfWork, id: WalletId, keystore: IKeystore, now: datetime) -> Wallet:
    if (cmd.address is None) is (cmd.signer is KeyHolder.REMOTE):
        raise InvalidWallet(
            "A remote signer's address is named, a fresh key's is not.", reason="address", path="address"
        )
    address, sealed = cmd.address, None
    if address is None:
        kept = keystore.create(uow.actor.organization_id, id)
        address, sealed = kept.address, kept.sealed
    return Wallet.create(
        id=id, organization_id=uow.actor.organization_id, chain_id=cmd.chain_id, address=address, label=cmd.label,
        user_id=cmd.user_id, tokens=cmd.tokens, signer=WalletSigner(cmd.signer.value), sealed_key=sealed,
        limits=Limits(max_per_transaction=cmd.max_per_transaction, max_per_day=cmd.max_per_day), now=now,
    )  # fmt: skip
