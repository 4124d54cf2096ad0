"""Ports to people and to what is theirs alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from domain.identity.auth_identity import AuthIdentity
from domain.identity.credential import Credential
from domain.identity.repositories import OrganizationOfPerson
from domain.identity.session import Session
from domain.identity.sign_up import SignUp
from domain.identity.single_use_token import SingleUseToken, TokenPurpose
from domain.identity.user import User
from domain.shared.ids import SessionId, SingleUseTokenId, UserId
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository
from domain.shared.specification import Spec


@frozen(kw_only=True)
class UserWithOrganizations:
    """A person, and all they belong to."""

    user: User
    organizations: Sequence[OrganizationOfPerson]


class IUserRepository(IRepository[User], Protocol):
    """Users, who stand above tenants. One shows to themselves, within their organizations, and to the operator."""

    async def get_by_email(self, email: str) -> User | None:
        """Return the person registered with this canonical address, if they show here."""
        ...

    async def get_by_email_with_organizations(self, email: str) -> UserWithOrganizations | None:
        """Return the same with all organizations of the person."""
        ...

    async def get_by_username(self, username: str) -> User | None:
        """Return the person of this canonical username, if they show here."""
        ...

    async def get_by_auth_provider(self, provider: str, subject: str) -> User | None:
        """Return the person who is this subject at the provider, if they show here."""
        ...

    async def get_by_wallet_address(self, address: str) -> User | None:
        """Return who registered first of those who name this canonical wallet as theirs and show here.

        It is their claim. Nobody has shown that the wallet is theirs, so that this finds people and proves nothing.
        """
        ...

    async def get_organizations(self, user_id: UserId) -> list[OrganizationOfPerson]:
        """Return all organizations of a person, by name."""
        ...

    async def get_by_organization(self, spec: Spec[User], request: PageRequest) -> Page[User]:
        """Return one page of the present organization's members that satisfy ``spec``, however many users there are.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...

    async def search(self, query: str, request: PageRequest) -> Page[User]:
        """Return one page of the present organization's members whose name or address holds a text, in any case."""
        ...

    async def update_last_login(self, user_id: UserId, at: datetime) -> None:
        """Note that a person signed in; it makes no version, for nobody could be in conflict with it."""
        ...


class ICredentialRepository(IRepository[Credential], Protocol):
    """The person's own password."""

    async def find_own(self, user_id: UserId, *, lock: bool = False) -> Credential | None:
        """Return the person's password, or None when they never chose one."""
        ...


class ISessionRepository(IRepository[Session], Protocol):
    """The person's own sessions."""

    async def revoke_all(self, user_id: UserId, now: datetime, *, but: SessionId | None = None) -> int:
        """Take back every session of the person except one; returns how many, in a bounded number of statements."""
        ...


class IAuthIdentityRepository(IRepository[AuthIdentity], Protocol):
    """Who the person is at providers of sign-ins, as the operator recorded it."""


class ISingleUseTokenRepository(IRepository[SingleUseToken], Protocol):
    """The tokens that were mailed to the person."""

    async def owner_of(self, id: SingleUseTokenId) -> UserId:
        """Return whose a token is, so that the person can be locked before what is theirs.

        Raises:
            EntityNotFoundError: there is no such token, or not here.
        """
        ...

    async def discard(self, user_id: UserId, *purposes: TokenPurpose) -> None:
        """Delete all the person's tokens of these purposes, in a bounded number of statements."""
        ...

    async def discard_ended(self, user_id: UserId, purpose: TokenPurpose, now: datetime) -> None:
        """Delete the person's tokens of a purpose that open nothing any more, in the same way."""
        ...


class ISignUpRepository(IRepository[SignUp], Protocol):
    """What people typed to register, each shown under the id that its person is to have."""
