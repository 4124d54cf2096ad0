"""A sign-up: what somebody typed to register, kept until the worker has found out whether the address is known."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, UserId
from domain.shared.text import NAME, check_email


@frozen(kw_only=True)
class SignUpRequestedEvent(DomainEvent):
    """Somebody asked for an account. The address stays out: events travel further than personal data should."""

    verb: ClassVar[str] = "requested"


@define(kw_only=True, eq=False)
class SignUp(Entity):
    """A wish to register, under the id that its person will have if nobody has the address yet.

    ``hash`` is the password's. It is stored alike for known and unknown addresses, so that the answer tells neither by
    its words nor by its time; what becomes of it is decided later, and the mail tells.
    """

    kind: ClassVar[str] = "sign_up"

    id: UserId
    email: str
    name: str
    hash: str = field(repr=False)

    @classmethod
    def request(
        cls,
        *,
        id: UserId,
        organization_id: OrganizationId,
        email: str,
        name: str,
        hash: str,  # noqa: A002 - the field's name in rows and code alike
        now: datetime,
    ) -> Self:
        """Ask for an account.

        Raises:
            InvalidEmail: the address is not acceptable.
            InvalidText: the name is not acceptable.
        """
        sign_up = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            email=check_email(email),
            name=NAME.check(name),
            hash=hash,
        )
        sign_up.record(SignUpRequestedEvent(), now)
        return sign_up
