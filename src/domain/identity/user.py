"""A user: one person, whatever organizations they belong to."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.evm import check_address
from domain.shared.ids import OrganizationId, UserId
from domain.shared.metadata import check_metadata
from domain.shared.text import NAME, check_email

_USERNAME = re.compile("[a-z0-9]+(?:[._-][a-z0-9]+)*")
_SHORTEST_USERNAME, _LONGEST_USERNAME = 3, 32


class UserEmailTaken(DuplicateError):
    """Another person is registered with this address."""

    code = "user_email_taken"
    summary = "A user with this e-mail address exists."


class UsernameTaken(DuplicateError):
    """Another person goes by this name."""

    code = "username_taken"
    summary = "Another user has this username."


class InvalidUsername(ValidationError):
    """No username can be read from the text."""

    code = "username_invalid"
    summary = "A username has 3 to 32 letters a-z and digits, in groups joined by single dots, hyphens or underscores."


class UserStatus(StrEnum):
    """Whether a person may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@frozen(kw_only=True)
class UserCreatedEvent(DomainEvent):
    """A person was registered. The address stays out of it: events travel further than personal data should."""

    verb: ClassVar[str] = "created"


@frozen(kw_only=True)
class UserVerifiedEvent(DomainEvent):
    """A person showed that mail to their address reaches them."""

    verb: ClassVar[str] = "verified"


@frozen(kw_only=True)
class UserWalletLinkedEvent(DomainEvent):
    """A person named their primary wallet, which proves nothing; the address is in lower case."""

    verb: ClassVar[str] = "wallet_linked"
    wallet_address: str


@frozen(kw_only=True)
class UserPasswordChangedEvent(DomainEvent):
    """A person has another password, and with ``recovered`` did not need the one before."""

    verb: ClassVar[str] = "password_changed"
    recovered: bool


@frozen(kw_only=True)
class UserSuspendedEvent(DomainEvent):
    """A person may no longer sign in."""

    verb: ClassVar[str] = "suspended"


@frozen(kw_only=True)
class UserReactivatedEvent(DomainEvent):
    """A person may sign in again."""

    verb: ClassVar[str] = "reactivated"


@define(kw_only=True, eq=False)
class User(Entity):
    """A person. Users stand above tenants, so they all carry the platform's reserved organization id.

    ``wallet_address`` is what the person says. Nobody has shown by a signature that the wallet is theirs, so that any
    number of people may name the same one, and nothing may be opened or paid on the strength of it.
    """

    kind: ClassVar[str] = "user"

    id: UserId
    email: str
    name: str
    username: str | None = None
    wallet_address: str | None = None
    preferences: dict[str, str | int | bool] = field(factory=dict)
    status: UserStatus = UserStatus.ACTIVE
    email_verified_at: datetime | None = None
    last_login_at: datetime | None = None

    @classmethod
    def register(cls, *, id: UserId, organization_id: OrganizationId, email: str, name: str, now: datetime) -> Self:
        """Register a person under one address.

        Raises:
            InvalidEmail: the address is not acceptable.
            InvalidText: the name is not acceptable.
        """
        user = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            email=check_email(email),
            name=NAME.check(name),
        )
        user.record(UserCreatedEvent(), now)
        return user

    @property
    def is_verified(self) -> bool:
        """Whether mail to the address is known to reach the person."""
        return self.email_verified_at is not None

    def edit(self, now: datetime, *, name: str, username: str | None, preferences: Mapping[str, object]) -> None:
        """Describe the person anew.

        Raises:
            InvalidText: the name is not acceptable.
            InvalidUsername: the username is not acceptable.
            InvalidMetadata: the preferences are not acceptable.
        """
        self.amend(
            now,
            name=NAME.check(name),
            username=None if username is None else check_username(username),
            preferences=check_metadata(preferences),
        )

    def verify_email(self, now: datetime) -> None:
        """Note that mail reaches the person; doing it twice changes nothing."""
        if self.email_verified_at is None:
            self.email_verified_at = now
            self.record(UserVerifiedEvent(), now)

    def set_primary_wallet(self, address: str | None, now: datetime) -> None:
        """Name the person's primary wallet, or none; it is a claim and no proof.

        Raises:
            InvalidAddress: it is no address, or mixed capitals are not its checksum.
        """
        canonical = None if address is None else check_address(address)
        if canonical is None or canonical == self.wallet_address:
            self.amend(now, wallet_address=canonical)
            return
        self.wallet_address = canonical
        self.record(UserWalletLinkedEvent(wallet_address=canonical), now)

    def note_password_change(self, now: datetime, *, recovered: bool) -> None:
        """Tell that the password is another one; the password itself is kept elsewhere."""
        self.record(UserPasswordChangedEvent(recovered=recovered), now)

    def suspend(self, now: datetime) -> None:
        """Keep the person out; doing it twice changes nothing."""
        if self.status is UserStatus.ACTIVE:
            self.status = UserStatus.SUSPENDED
            self.record(UserSuspendedEvent(), now)

    def reactivate(self, now: datetime) -> None:
        """Let the person in again; doing it twice changes nothing."""
        if self.status is UserStatus.SUSPENDED:
            self.status = UserStatus.ACTIVE
            self.record(UserReactivatedEvent(), now)


def check_username(value: str) -> str:
    """Return the username in lower case, without surrounding spaces.

    Raises:
        InvalidUsername: it does not read ``[a-z0-9]+([._-][a-z0-9]+)*`` in 3 to 32 characters.
    """
    username = value.strip(" ").lower()
    in_bounds = value.isascii() and _SHORTEST_USERNAME <= len(username) <= _LONGEST_USERNAME
    if not in_bounds or _USERNAME.fullmatch(username) is None:
        raise InvalidUsername(path="username")
    return username
