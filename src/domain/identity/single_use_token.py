"""A single-use token: a secret sent by mail that opens one thing, once, and not for long."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.errors import Invalid
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, SingleUseTokenId, UserId


class TokenInvalid(Invalid):
    """The token is unknown, used, worthless or too old, or it is for something else; which of them is said nowhere."""

    code = "token_invalid"
    summary = "The token is wrong, used already, or too old; ask for another mail."


class TokenPurpose(StrEnum):
    """What a token opens."""

    VERIFY_EMAIL = "verify_email"
    RECOVER_PASSWORD = "recover_password"  # noqa: S105 - a purpose, no password


LIFETIMES: Mapping[TokenPurpose, timedelta] = {
    TokenPurpose.VERIFY_EMAIL: timedelta(days=1),
    TokenPurpose.RECOVER_PASSWORD: timedelta(hours=1),
}


@frozen(kw_only=True)
class TokenIssuedEvent(DomainEvent):
    """A token was made, to be sent to its person."""

    verb: ClassVar[str] = "issued"
    purpose: str


@frozen(kw_only=True)
class TokenUsedEvent(DomainEvent):
    """A token was used, and opens nothing any more."""

    verb: ClassVar[str] = "used"
    purpose: str


@define(kw_only=True, eq=False)
class SingleUseToken(Entity):
    """A token, of which only a hash is kept.

    Asking for another leaves those before it alone: else whoever asks in a loop would lock the address's owner out.
    When one of them is used, or the password changes, the others of the person go.
    """

    kind: ClassVar[str] = "single_use_token"

    id: SingleUseTokenId
    user_id: UserId
    purpose: TokenPurpose
    hash: str = field(repr=False)
    expires_at: datetime
    used_at: datetime | None = None

    @classmethod
    def issue(
        cls,
        *,
        id: SingleUseTokenId,
        organization_id: OrganizationId,
        user_id: UserId,
        purpose: TokenPurpose,
        hash: str,  # noqa: A002 - the field's name in rows and code alike
        now: datetime,
    ) -> Self:
        """Make a token for a person, which lasts as long as its purpose allows."""
        token = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            user_id=user_id,
            purpose=purpose,
            hash=hash,
            expires_at=now + LIFETIMES[purpose],
        )
        token.record(TokenIssuedEvent(purpose=purpose.value), now)
        return token

    def use(self, purpose: TokenPurpose, now: datetime) -> None:
        """Open what the token is for, this once.

        Raises:
            TokenInvalid: it is for something else, was used before, or is too old.
        """
        if self.purpose is not purpose or self.used_at is not None or self.expires_at <= now:
            raise TokenInvalid
        self.used_at = now
        self.record(TokenUsedEvent(purpose=purpose.value), now)
