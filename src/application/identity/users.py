"""Users: people, above all organizations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from application.kernel.actor import PLATFORM, Scope
from application.kernel.fields import Email
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.user import User
from domain.shared.ids import UserId
from domain.shared.text import NAME, check_email


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView(View[User]):
    """A person."""

    id: UserId
    version: int
    email: str
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser:
    """A person to know."""

    email: Email
    name: Annotated[str, NAME]


@use_case(
    "users.register",
    scope=Scope.PLATFORM_OPERATE,
    internal="Users stand above tenants and are registered at the machine itself.",
    example={"email": "ines@harbour.example", "name": "Inês Duarte"},
)
async def register_user(cmd: RegisterUser, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> UserView:
    """Register a person under one e-mail address.

    Errors: `user_email_taken`, `email_invalid`, `text_invalid`.
    """
    user = User.register(
        id=UserId(ids.new()), organization_id=PLATFORM, email=cmd.email, name=cmd.name, now=clock.now()
    )
    uow.users.add(user)
    return UserView.of(user)


async def found_or_registered(email: str, name: str, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> User:
    """Return the user with this address as they are, or register one."""
    user = await uow.users.get_by_email(check_email(email))
    if user is None:
        user = User.register(
            id=UserId(ids.new()), organization_id=PLATFORM, email=email, name=name, now=clock.now()
        )  # fmt: skip
        uow.users.add(user)
    return user
