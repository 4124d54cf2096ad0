"""What wallets need from whoever holds keys, and from whoever can tell who signed.

A signer is never called inside a transaction; the others only compute.
"""

from dataclasses import dataclass, field
from typing import Protocol

from application.wallets.ports import SignedTransaction, UnsignedTransaction
from domain.shared.evm_types import Address
from domain.shared.ids import OrganizationId, WalletId
from domain.wallets.wallet_challenge import SignInOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """A fresh key: its address, and itself encrypted for the wallet that holds it."""

    address: Address
    sealed: str = field(repr=False)


class IKeystore(Protocol):
    """Makes keys that only :class:`ISigner` can use; nobody ever sees one."""

    def create(self, organization_id: OrganizationId, wallet_id: WalletId) -> KeptKey:
        """Make a key and encrypt it; organization and wallet are authenticated with it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """Which key signs: an encrypted one, or, with ``sealed`` None, the one that a remote signer has for the address."""

    organization_id: OrganizationId
    wallet_id: WalletId
    address: Address
    sealed: str | None = field(default=None, repr=False)


class ISigner(Protocol):
    """Signs for wallets. Deterministic: the same transaction always gets the same signature."""

    async def sign(self, key: SigningKey, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign a transaction, and check that the signature is the address's.

        Raises:
            SignerUnavailable: the key cannot be had now.
            SignerRefused: it never will sign this.
        """
        ...


class ISignatures(Protocol):
    """Says who signed."""

    def signer_of_text(self, message: str, signature: bytes) -> Address | None:
        """Return who signed a text as EIP-191 says; None when nobody can have."""
        ...

    def signer_of_digest(self, digest: bytes, signature: bytes) -> Address | None:
        """Return who signed a digest of 32 bytes, as EIP-712 makes them; None when nobody can have."""
        ...


class ISignInOrigin(Protocol):
    """Knows where people meet this installation."""

    def of_challenges(self) -> SignInOrigin:
        """Return who asks for signatures."""
        ...
