"""The account: what people see and change of themselves. Whatever organization they named, it happens above all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.identity.person_mails import PASSWORD_CHANGED
from application.identity.ports import ISignIns
from application.identity.sign_up import Password
from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IPasswordHasher
from application.kernel.reads import list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.auth_identity import AuthIdentity, AuthProvider
from domain.identity.passwords import check_password
from domain.identity.single_use_token import TokenPurpose
from domain.identity.user import User, UserStatus
from domain.shared.ids import AuthIdentityId, UserId
from domain.shared.metadata import MetadataValue
from domain.shared.specification import Equal, Everything
from domain.shared.text import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView(View[User]):
    """You."""

    id: UserId
    version: int
    email: str
    name: str
    username: str | None
    wallet_address: str | None
    preferences: dict[str, MetadataValue]
    status: UserStatus
    email_verified_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccount:
    """No question needed: a session belongs to one person."""


@use_case("account.get", scope=Scope.ACCOUNT_READ, example={}, read_only=True, statements=1)
async def get_account(cmd: GetAccount, uow: IUnitOfWork) -> AccountView:  # noqa: ARG001 - it has no fields
    """Return who is signed in."""
    return AccountView.of(await uow.users.get(uow.actor.person))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccount:
    """New values for what is mentioned; the rest stays."""

    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    username: Maybe[Annotated[str, Len(3, 32)] | None] = UNSET
    preferences: Maybe[dict[str, MetadataValue]] = UNSET


@use_case(
    "account.update",
    scope=Scope.ACCOUNT_WRITE,
    example={"expected_version": 1, "name": "Inês Duarte", "preferences": {"theme": "dark"}},
    statements=6,
)
async def update_account(cmd: UpdateAccount, uow: IUnitOfWork, *, clock: IClock) -> AccountView:
    """Change your name, username or preferences; fields left out stay as they are.

    Errors: `version_stale`, `username_taken`, `username_invalid`, `text_invalid`, `metadata_invalid`.
    """
    user = await _locked(uow)
    user.expect_version(cmd.expected_version)
    user.edit(
        clock.now(),
        name=given(cmd.name, user.name),
        username=given(cmd.username, user.username),
        preferences=given(cmd.preferences, user.preferences),
    )
    return AccountView.of(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrimaryWallet:
    """An address of the Ethereum family, or null for none."""

    address: Annotated[str, Len(42, 42)] | None


@use_case(
    "account.set_primary_wallet",
    scope=Scope.ACCOUNT_WRITE,
    example={"address": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"},
    statements=6,
)
async def set_primary_wallet(cmd: SetPrimaryWallet, uow: IUnitOfWork, *, clock: IClock) -> AccountView:
    """Name your primary wallet. Mixed capitals have to be the address's checksum (EIP-55); it is kept in lower case.

    Nobody checks that it is yours, so that it opens nothing, and others may name the same one.

    Errors: `address_invalid`.
    """
    user = await _locked(uow)
    user.set_primary_wallet(cmd.address, clock.now())
    return AccountView.of(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """The password you have, and the one you want."""

    current_password: Password
    new_password: Password


@use_case(
    "account.change_password",
    scope=Scope.ACCOUNT_WRITE,
    example={"current_password": "four green boats at noon", "new_password": "seven red kites at dawn"},
    statements=17,
)
async def change_password(
    cmd: ChangePassword, uow: IUnitOfWork, *, clock: IClock, hasher: IPasswordHasher, sign_ins: ISignIns
) -> AccountView:
    """Choose another password; all your sessions but this one are signed out, and a mail tells you.

    Errors: `credentials_invalid`, `sign_in_locked`, `password_invalid`.
    """
    version, encoded = await uow.aside(_compared_and_hashed(uow.actor.person, cmd, sign_ins, hasher))
    user, now = await _locked(uow), clock.now()
    credential = await uow.credentials.get(user.id, lock=True)
    credential.expect(version)
    credential.replace(encoded, now)
    user.note_password_change(now, recovered=False)
    await uow.single_use_tokens.discard(user.id, *TokenPurpose)
    await uow.sessions.revoke_all(user.id, now, but=uow.actor.session_id)
    await uow.jobs.schedule(PASSWORD_CHANGED, user.id)
    return AccountView.of(user)


async def _compared_and_hashed(
    person: UserId, cmd: ChangePassword, sign_ins: ISignIns, hasher: IPasswordHasher
) -> tuple[int, str]:
    """Return the version of the password that was compared, and the hash of the new one."""
    verified = await sign_ins.verify_person(person, cmd.current_password)
    return verified.version, await hasher.hash(check_password(cmd.new_password, verified.email))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthIdentityView(View[AuthIdentity]):
    """Who you are at a provider of sign-ins."""

    id: AuthIdentityId
    version: int
    provider: AuthProvider
    subject: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkIdentity:
    """Which identity."""

    id: AuthIdentityId


@use_case("account.unlink_identity", scope=Scope.ACCOUNT_WRITE, example={}, destructive=True, statements=7)
async def unlink_identity(cmd: UnlinkIdentity, uow: IUnitOfWork, *, clock: IClock) -> AuthIdentityView:
    """Take back who you are at a provider, as the operator recorded it; the identity is free again.

    Errors: `not_found`.
    """
    await uow.become(uow.actor.person)
    identity = await uow.auth_identities.get(cmd.id, lock=True)
    identity.unlink(clock.now())
    uow.auth_identities.purge(identity)
    return AuthIdentityView.of(identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIdentities(PageQuery):
    """Which of your identities."""

    provider: AuthProvider | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "account.list_identities", ListIdentities, lambda uow: uow.auth_identities, AuthIdentityView,
    "List who you are at providers of sign-ins.",
    where=lambda cmd: Everything() if cmd.provider is None else Equal("provider", cmd.provider),
    scope=Scope.ACCOUNT_READ, example={"limit": 20}, statements=2,
)  # fmt: skip


async def _locked(uow: IUnitOfWork) -> User:
    """Return the signed-in person to be changed, above all organizations."""
    await uow.become(uow.actor.person)
    return await uow.users.get(uow.actor.person, lock=True)
