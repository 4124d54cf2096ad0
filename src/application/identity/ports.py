"""What signing in and mailing need from the outside world, besides the kernel's ports."""

from dataclasses import dataclass, field
from typing import Protocol

from application.kernel.ports import IssuedKey
from domain.shared.ids import UserId


class ISessionTokens(Protocol):
    """Makes session tokens and recognises them; a token is a secret like an API key, and looks different."""

    def issue(self) -> IssuedKey:
        """Return a fresh token of 192 random bits."""
        ...

    def digest(self, secret: str) -> str | None:
        """Return what would be stored for this token, or None when its checksum is wrong."""
        ...


class ISingleUseTokens(Protocol):
    """Makes the secrets that are sent by mail and used once, and recognises them."""

    def issue(self) -> IssuedKey:
        """Return a fresh token of 192 random bits."""
        ...

    def digest(self, secret: str) -> str | None:
        """Return what would be stored for this token, or None when its checksum is wrong."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPassword:
    """A password that was right: whose it is, and which version of the stored one it was compared with.

    ``rehashed`` is the same password hashed with today's parameters, None when it was already.
    """

    user_id: UserId
    email: str
    version: int
    rehashed: str | None = field(default=None, repr=False)


class ISignIns(Protocol):
    """Compares passwords, slowly and not too often. Never called inside a transaction: it has short ones of its own."""

    async def verify(self, email: str, password: str) -> VerifiedPassword:
        """Compare the password of whoever has this canonical address.

        Raises:
            CredentialsInvalid: wrong, or nobody has the address; both take as long.
            SignInLocked: too many attempts; this one was not compared.
        """
        ...

    async def verify_person(self, user_id: UserId, password: str) -> VerifiedPassword:
        """Compare the password of a person who is known already; the errors are those of :meth:`verify`."""
        ...

    async def verify_mailed(self, digest: str, password: str) -> VerifiedPassword | None:
        """Compare the password of whom a mailed token was sent to; None when they never chose one.

        Raises:
            TokenInvalid: nobody was sent such a token, or it is gone.
            CredentialsInvalid: as :meth:`verify`.
            SignInLocked: as :meth:`verify`, counted together with attempts to sign in.
        """
        ...


class ILinks(Protocol):
    """Addresses of the pages that mails lead to. Pages work without scripts, so that a secret is a query parameter."""

    def verify_email(self, secret: str) -> str:
        """Return where an address is verified."""
        ...

    def recover_password(self, secret: str) -> str:
        """Return where another password is chosen."""
        ...

    def accept_invitation(self, secret: str) -> str:
        """Return where an invitation is accepted."""
        ...

    def ask_recovery(self) -> str:
        """Return where a mail to choose another password is asked for; no secret is in it."""
        ...
