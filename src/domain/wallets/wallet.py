"""A wallet: an address of a chain that the organization watches, owns or signs for."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import SoftDeletable
from domain.shared.events import DomainEvent
from domain.shared.evm_types import MAX_CHAIN_ID, NOTHING, Address, BaseUnits, caip_2, check_units
from domain.shared.ids import OrganizationId, UserId, WalletId
from domain.shared.text import TextRule
from domain.wallets.errors import InvalidWallet, WalletWatchOnly
from domain.wallets.multi_sig import MultiSigConfig
from domain.wallets.transaction_errors import WalletNotDeployed, WalletOwnerUnknown
from domain.wallets.wallet_watch import WatchedAsset

LABEL = TextRule(max_length=200, min_length=0)
MOST_TOKENS = 20


class WalletType(StrEnum):
    """What is at the address: a key, a contract of one owner, or a contract of several."""

    EOA = "eoa"
    SMART_WALLET = "smart_wallet"
    MULTI_SIG = "multi_sig"


class WalletSigner(StrEnum):
    """Who signs for the wallet: nobody here, the encrypted keystore, or a signer elsewhere that is asked."""

    NONE = "none"
    KEYSTORE = "keystore"
    REMOTE = "remote"


@frozen(kw_only=True)
class WalletCreatedEvent(DomainEvent):
    """The organization has a wallet."""

    verb: ClassVar[str] = "created"
    chain_id: int
    address: Address
    wallet_type: WalletType
    signer: WalletSigner


@frozen(kw_only=True)
class WalletVerifiedEvent(DomainEvent):
    """Whoever holds the wallet's key has shown it by a signature."""

    verb: ClassVar[str] = "verified"


@frozen(kw_only=True)
class WalletDeployedEvent(DomainEvent):
    """The wallet's contract is on its chain, for good."""

    verb: ClassVar[str] = "deployed"


@frozen(kw_only=True)
class WalletDeploymentFailedEvent(DomainEvent):
    """The transaction that was to make the wallet's contract is at its end, and there is none."""

    verb: ClassVar[str] = "deployment_failed"


@frozen(kw_only=True)
class WalletDriftDetectedEvent(DomainEvent):
    """The chain has another balance after ``block`` than what is recorded comes to; equal ones mean it is over.

    Without a ``token`` it is about the chain's own coin. ``expected`` is text, as it may be below zero.
    """

    verb: ClassVar[str] = "drift_detected"
    token: Address | None
    expected: str
    found: BaseUnits
    block: int


@frozen(kw_only=True)
class Limits:
    """The most that may leave a wallet, of the chain's own coin: with one transaction, and within any 24 hours."""

    max_per_transaction: BaseUnits | None = None
    max_per_day: BaseUnits | None = None

    def __attrs_post_init__(self) -> None:
        for limit in (self.max_per_transaction, self.max_per_day):
            if limit is not None:
                check_units(limit)


NO_LIMITS = Limits()


@define(kw_only=True, eq=False)
class Wallet(SoftDeletable):
    """An address of one chain. Without a ``user_id`` it is the organization's own.

    ``sealed_key`` is of use to the signer only. ``tokens`` are the contracts whose tokens are looked at besides the
    chain's coin. ``owners`` and ``threshold`` are a contract's; whoever holds a key is no owner but the wallet itself.
    """

    kind: ClassVar[str] = "wallet"

    id: WalletId
    chain_id: int
    address: Address
    type: WalletType
    label: str
    user_id: UserId | None = None
    signer: WalletSigner = WalletSigner.NONE
    sealed_key: str | None = field(default=None, repr=False)
    verified_at: datetime | None = None
    max_per_transaction: BaseUnits | None = None
    max_per_day: BaseUnits | None = None
    tokens: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    threshold: int | None = None
    deployed_at: datetime | None = None

    @classmethod
    def create(
        cls, *, id: WalletId, organization_id: OrganizationId, chain_id: int, address: Address,
        type: WalletType = WalletType.EOA, label: str = "", user_id: UserId | None = None, limits: Limits = NO_LIMITS,
        tokens: Sequence[Address] = (), signer: WalletSigner = WalletSigner.NONE, sealed_key: str | None = None,
        multi_sig: MultiSigConfig | None = None, owner: Address | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Get to know a wallet. Of a key that was made here nobody has to show anything.

        Raises:
            InvalidWallet: chain, signer and owners do not fit together, or too many tokens are named.
            InvalidText: the label is not acceptable.
        """
        _check_signer(type, signer, sealed_key)
        owners, threshold = _check_owners(type, multi_sig, owner)
        wallet = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, chain_id=_check_chain(chain_id),
            address=address, type=type, label=LABEL.check(label), user_id=user_id, signer=signer,
            sealed_key=sealed_key, verified_at=now if signer is WalletSigner.KEYSTORE else None,
            max_per_transaction=limits.max_per_transaction, max_per_day=limits.max_per_day,
            tokens=_check_tokens(tokens), owners=owners, threshold=threshold,
        )  # fmt: skip
        created = WalletCreatedEvent(chain_id=chain_id, address=address, wallet_type=type, signer=signer)
        wallet.record(created, now)
        return wallet

    @property
    def chain(self) -> str:
        """Return the chain's name of CAIP-2."""
        return caip_2(self.chain_id)

    @property
    def can_sign(self) -> bool:
        """Whether transactions can be sent from here."""
        return self.signer is not WalletSigner.NONE

    @property
    def signing_name(self) -> str | None:
        """Return what no two signing wallets of all organizations share: two would give out one nonce twice."""
        return f"{self.chain_id}:{self.address}" if self.can_sign else None

    @property
    def multi_sig(self) -> MultiSigConfig | None:
        """Return who has to agree, None unless it is a wallet of several owners."""
        if self.type is not WalletType.MULTI_SIG or self.threshold is None:
            return None
        return MultiSigConfig(owners=tuple(Address(owner) for owner in self.owners), threshold=self.threshold)

    def ensure_can_sign(self) -> None:
        """Let the wallet send, or refuse.

        Raises:
            WalletWatchOnly: nobody here can sign for it.
        """
        if not self.can_sign:
            raise WalletWatchOnly

    def ensure_commanded_by(self, owner: Self) -> None:
        """Let an owner command a contract of several owners, or refuse.

        Raises:
            WalletNotDeployed: it is none, or its deployment is not known to be done.
            WalletOwnerUnknown: the other wallet owns no part of it.
        """
        if self.type is not WalletType.MULTI_SIG or self.deployed_at is None:
            raise WalletNotDeployed
        if owner.address not in self.owners or owner.chain_id != self.chain_id:
            raise WalletOwnerUnknown

    def edit(self, now: datetime, *, label: str, user_id: UserId | None, limits: Limits, tokens: Sequence[str]) -> None:
        """Describe the wallet anew, whose address, chain and signer stay.

        Raises:
            InvalidText: the label is not acceptable.
            InvalidWallet: too many tokens are named.
        """
        self.amend(
            now, label=LABEL.check(label), user_id=user_id, max_per_transaction=limits.max_per_transaction,
            max_per_day=limits.max_per_day, tokens=_check_tokens(tokens),
        )  # fmt: skip

    def verify(self, now: datetime) -> None:
        """Take note that whoever holds the key has shown it; the first time counts."""
        if self.verified_at is None:
            self.verified_at = now
            self.record(WalletVerifiedEvent(), now)

    def note_drift(self, asset: WatchedAsset, now: datetime) -> None:
        """Have people hear that what is recorded and what the chain says differ by another amount than before."""
        drift = WalletDriftDetectedEvent(
            token=asset.token, expected=asset.expected or "0", found=asset.found or NOTHING,
            block=asset.drift_block or asset.since_block,
        )  # fmt: skip
        self.record(drift, now)

    def conclude_deployment(self, now: datetime, *, deployed: bool) -> None:
        """Take note whether the contract is where its address was predicted; once it is, that stays."""
        if self.deployed_at is not None:
            return
        self.deployed_at = now if deployed else None
        self.record(WalletDeployedEvent() if deployed else WalletDeploymentFailedEvent(), now)


def _check_chain(chain_id: int) -> int:
    if not 0 < chain_id <= MAX_CHAIN_ID:
        raise InvalidWallet(reason="chain_id", path="chain_id")
    return chain_id


def _check_signer(type: WalletType, signer: WalletSigner, sealed_key: str | None) -> None:
    if signer is not WalletSigner.NONE and type is not WalletType.EOA:
        raise InvalidWallet("A contract has no key to sign with.", reason="signer", path="signer")
    if (sealed_key is None) is (signer is WalletSigner.KEYSTORE):
        raise InvalidWallet(reason="signer", path="signer")


def _check_owners(
    type: WalletType, multi_sig: MultiSigConfig | None, owner: Address | None
) -> tuple[tuple[str, ...], int | None]:
    if (multi_sig is None) is (type is WalletType.MULTI_SIG):
        raise InvalidWallet("Several owners make a multi_sig, and nothing else.", reason="multi_sig", path="multi_sig")
    if owner is not None and type is not WalletType.SMART_WALLET:
        raise InvalidWallet(reason="owner", path="owner")
    if multi_sig is None:
        return (() if owner is None else (owner,)), None
    return multi_sig.owners, multi_sig.threshold


def _check_tokens(tokens: Sequence[str]) -> tuple[str, ...]:
    once = tuple(dict.fromkeys(tokens))
    if len(once) > MOST_TOKENS:
        raise InvalidWallet(reason="tokens", path="tokens")
    return once
