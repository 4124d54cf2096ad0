"""Users: people, above all organizations, as the operator and their organizations see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.identity.account import AuthIdentityView
from application.kernel.actor import PLATFORM, Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Email
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.auth_identity import AuthIdentity, AuthProvider
from domain.identity.user import User, UserStatus
from domain.identity.user_specifications import users_with
from domain.shared.ids import AuthIdentityId, UserId
from domain.shared.text import NAME, check_email


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView(View[User]):
    """A person."""

    id: UserId
    version: int
    email: str
    name: str
    username: str | None
    status: UserStatus
    email_verified_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUser:
    """A person to know."""

    email: Email
    name: Annotated[str, NAME]


@use_case(
    "users.create",
    scope=Scope.PLATFORM_OPERATE,
    internal="People register themselves; this is how the operator does it for them, at the machine itself.",
    example={"email": "ines@harbour.example", "name": "Inês Duarte"},
    statements=6,
)
async def create_user(cmd: CreateUser, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> UserView:
    """Register a person under one e-mail address. They choose a password by recovering it.

    Errors: `user_email_taken`, `email_invalid`, `text_invalid`.
    """
    user = User.register(
        id=UserId(ids.new()), organization_id=PLATFORM, email=cmd.email, name=cmd.name, now=clock.now()
    )
    uow.users.add(user)
    return UserView.of(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers(PageQuery):
    """Which people of the organization."""

    status: UserStatus | None = None
    verified: bool | None = None
    sort: Literal["created_at", "-created_at", "name", "-name", "email", "-email"] = "-created_at"


@use_case("users.list", scope=Scope.USERS_READ, example={"limit": 20, "status": "active"}, read_only=True, statements=2)
async def list_users(cmd: ListUsers, uow: IUnitOfWork) -> ListView[UserView]:
    """List the people who are members of the organization."""
    spec = users_with(status=cmd.status, verified=cmd.verified)
    return ListView.of(await uow.users.get_by_organization(spec, cmd.request(cmd.sort)), UserView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchUsers(PageQuery):
    """What to look for."""

    query: Annotated[str, Len(1, 200)]
    sort: Literal["created_at", "-created_at", "name", "-name", "email", "-email"] = "-created_at"


@use_case(
    "users.search", scope=Scope.USERS_READ, example={"query": "harbour", "limit": 20}, read_only=True, statements=2
)
async def search_users(cmd: SearchUsers, uow: IUnitOfWork) -> ListView[UserView]:
    """Find members of the organization whose name or address holds a text, in any case."""
    return ListView.of(await uow.users.search(cmd.query, cmd.request(cmd.sort)), UserView.of)


get_use_case(
    "users.get", lambda uow: uow.users, UserView, "Return one person who is a member of the organization.",
    scope=Scope.USERS_READ,
)  # fmt: skip


_FOR_THE_OPERATOR = "Whether a person may sign in at all is for the operator, above every organization."

change_use_case(
    "users.suspend", lambda uow: uow.users, UserView, User.suspend,
    "Keep a person out: their sessions open nothing from the next request on. Doing it twice changes nothing.",
    scope=Scope.PLATFORM_OPERATE, internal=_FOR_THE_OPERATOR, versioned=False, statements=6,
)  # fmt: skip
change_use_case(
    "users.reactivate", lambda uow: uow.users, UserView, User.reactivate,
    "Let a suspended person in again, also with the sessions they still have. Doing it twice changes nothing.",
    scope=Scope.PLATFORM_OPERATE, internal=_FOR_THE_OPERATOR, versioned=False, statements=6,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIdentity:
    """A person, a provider, and the stable id that they have there."""

    id: UserId
    provider: AuthProvider
    subject: Annotated[str, Len(1, 255)]


@use_case(
    "users.link_identity",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only the provider can show who somebody is there; until people sign in with one, the operator vouches.",
    example={"provider": "google", "subject": "104857600000000000001"},
    statements=6,
)
async def link_identity(cmd: LinkIdentity, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> AuthIdentityView:
    """Record who a person is at a provider of sign-ins. By itself it signs nobody in.

    Errors: `not_found`, `auth_identity_taken`, `text_invalid`.
    """
    user = await uow.users.get(cmd.id)
    await uow.become(user.id)
    identity = AuthIdentity.link(
        id=AuthIdentityId(ids.new()),
        organization_id=PLATFORM,
        user_id=user.id,
        provider=cmd.provider,
        subject=cmd.subject,
        now=clock.now(),
    )
    uow.auth_identities.add(identity)
    return AuthIdentityView.of(identity)


async def found_or_registered(email: str, name: str, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> User:
    """Return the user with this address as they are, or register one."""
    user = await uow.users.get_by_email(check_email(email))
    if user is None:
        user = User.register(
            id=UserId(ids.new()), organization_id=PLATFORM, email=email, name=name, now=clock.now()
        )  # fmt: skip
        uow.users.add(user)
    return user
