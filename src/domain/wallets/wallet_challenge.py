"""A challenge: a text that only the holder of a wallet's key can sign, once, and not for long."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.evm import checksummed
from domain.shared.ids import OrganizationId, WalletChallengeId, WalletId
from domain.wallets.errors import ChallengeOver
from domain.wallets.wallet import Wallet

LIFETIME = timedelta(minutes=10)
_STATEMENT = "Show that this wallet is yours. This costs nothing and sends nothing."


class ChallengeStatus(StrEnum):
    """How far it is. A contract's signature is being checked on its chain."""

    OPEN = "open"
    CHECKING = "checking"
    VERIFIED = "verified"
    REFUSED = "refused"


@frozen(kw_only=True)
class WalletChallengeCreatedEvent(DomainEvent):
    """Somebody wants to show that a wallet is theirs."""

    verb: ClassVar[str] = "created"
    wallet_id: WalletId


@frozen(kw_only=True)
class WalletChallengeAnsweredEvent(DomainEvent):
    """A contract wallet's signature came in; its chain is asked."""

    verb: ClassVar[str] = "answered"


@frozen(kw_only=True)
class WalletChallengeConcludedEvent(DomainEvent):
    """The challenge is over: the wallet is theirs, or was not shown to be."""

    verb: ClassVar[str] = "concluded"
    status: ChallengeStatus


@frozen(kw_only=True)
class SignInOrigin:
    """Who asks for the signature, as EIP-4361 has it: a host, with its port, and an address below it."""

    domain: str
    uri: str


@define(kw_only=True, eq=False)
class WalletChallenge(Entity):
    """A text of EIP-4361. ``signature`` is what a contract wallet is said to accept, kept while its chain is asked."""

    kind: ClassVar[str] = "wallet_challenge"

    id: WalletChallengeId
    wallet_id: WalletId
    message: str
    expires_at: datetime
    status: ChallengeStatus = ChallengeStatus.OPEN
    signature: str | None = None
    concluded_at: datetime | None = None

    @classmethod
    def issue(
        cls, wallet: Wallet, origin: SignInOrigin, nonce: str, *, id: WalletChallengeId,
        organization_id: OrganizationId, now: datetime,
    ) -> Self:  # fmt: skip
        """Write a fresh text for a wallet's holder to sign; ``nonce`` is alphanumeric and unguessable."""
        expires_at = now + LIFETIME
        challenge = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, wallet_id=wallet.id,
            message=_message(wallet, origin, nonce, now, expires_at), expires_at=expires_at,
        )  # fmt: skip
        challenge.record(WalletChallengeCreatedEvent(wallet_id=wallet.id), now)
        return challenge

    def ensure_open(self, now: datetime) -> None:
        """Let it be answered, or refuse.

        Raises:
            ChallengeOver: it was answered, or its time is over.
        """
        if self.status is not ChallengeStatus.OPEN or now >= self.expires_at:
            raise ChallengeOver

    def check(self, signature: str, now: datetime) -> None:
        """Keep a signature that only the chain can judge.

        Raises:
            ChallengeOver: as for :meth:`ensure_open`.
        """
        self.ensure_open(now)
        self.status, self.signature = ChallengeStatus.CHECKING, signature
        self.record(WalletChallengeAnsweredEvent(), now)

    def conclude(self, now: datetime, *, verified: bool) -> None:
        """Use the challenge up; once it is, nothing changes any more."""
        if self.concluded_at is None:
            self.status = ChallengeStatus.VERIFIED if verified else ChallengeStatus.REFUSED
            self.concluded_at, self.signature = now, None
            self.record(WalletChallengeConcludedEvent(status=self.status), now)


def _message(wallet: Wallet, origin: SignInOrigin, nonce: str, now: datetime, expires_at: datetime) -> str:
    return "\n".join((
        f"{origin.domain} wants you to sign in with your Ethereum account:",
        checksummed(wallet.address), "", _STATEMENT, "", f"URI: {origin.uri}", "Version: 1",
        f"Chain ID: {wallet.chain_id}", f"Nonce: {nonce}", f"Issued At: {_moment(now)}",
        f"Expiration Time: {_moment(expires_at)}",
    ))  # fmt: skip


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
