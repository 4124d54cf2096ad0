"""The mails of one person's account, written by the worker: it makes the secret, so that no request ever waits for it.

A job's subject is the person; of somebody nobody knows there is nothing to say, which is how an address that nobody has
costs a request as much as one that somebody has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from annotated_types import Len

from application.identity.mail_texts import (
    finish_sign_up_mail,
    known_address_mail,
    password_changed_mail,
    recovery_mail,
    verification_mail,
)
from application.identity.ports import ILinks, ISingleUseTokens
from application.kernel.actor import PLATFORM, Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import IClock, IIds, Mail
from application.kernel.unit_of_work import IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.single_use_token import SingleUseToken, TokenPurpose
from domain.identity.user import User, UserStatus
from domain.shared.errors import NotFound
from domain.shared.ids import OrganizationId, SingleUseTokenId, UserId

VERIFY_EMAIL = "mail.verify_email"
RECOVER_PASSWORD = "mail.recover_password"  # noqa: S105 - a kind of job
FINISH_SIGN_UP = "mail.finish_sign_up"
KNOWN_ADDRESS = "mail.known_address"
PASSWORD_CHANGED = "mail.password_changed"  # noqa: S105 - as above

MAILS: Mapping[str, str] = {
    VERIFY_EMAIL: "verify_email",
    RECOVER_PASSWORD: "recover_password",
    FINISH_SIGN_UP: "finish_sign_up",
    KNOWN_ADDRESS: "known_address",
    PASSWORD_CHANGED: "password_changed",
}
"""Kind of job to the method of ``PersonMails`` that writes its mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView(View[SingleUseToken]):
    """A token, without its secret."""

    id: SingleUseTokenId
    version: int
    purpose: TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken:
    """Whose token, for what, and the hash that it will be recognised by."""

    user_id: UserId
    purpose: TokenPurpose
    hash: Annotated[str, Len(64, 64)]


@use_case(
    "account.issue_token",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker makes the secrets that mails carry.",
    example={"purpose": "verify_email", "hash": "0f" * 32},
    statements=9,
)
async def issue_token(cmd: IssueToken, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> TokenView:
    """Keep a person's new token beside those that still work; those that do not are forgotten.

    Errors: `not_found`.
    """
    await uow.become(cmd.user_id)
    # The person is the lock of all their tokens.
    user, now = await uow.users.get(cmd.user_id, lock=True), clock.now()
    await uow.single_use_tokens.discard_ended(user.id, cmd.purpose, now)
    token = SingleUseToken.issue(
        id=SingleUseTokenId(ids.new()),
        organization_id=PLATFORM,
        user_id=user.id,
        purpose=cmd.purpose,
        hash=cmd.hash,
        now=now,
    )
    uow.single_use_tokens.add(token)
    return TokenView.of(token)


class PersonMails:
    """Writes the mails of accounts; each method is a :class:`~application.identity.mail_jobs.Compose`."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch, tokens: ISingleUseTokens, links: ILinks) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._tokens = tokens
        self._links = links

    async def verify_email(self, _: OrganizationId, user_id: UUID) -> Mail | None:
        """Return the mail by which an address is verified, unless it is."""
        user = await self._user(UserId(user_id), VERIFY_EMAIL)
        if user is None or user.is_verified:
            return None
        secret = await self._issued(user, TokenPurpose.VERIFY_EMAIL)
        return verification_mail(to=user.email, link=self._links.verify_email(secret), secret=secret)

    async def recover_password(self, _: OrganizationId, user_id: UUID) -> Mail | None:
        """Return the mail by which another password is chosen."""
        user = await self._user(UserId(user_id), RECOVER_PASSWORD)
        if user is None:
            return None
        secret = await self._issued(user, TokenPurpose.RECOVER_PASSWORD)
        link = self._links.recover_password(secret)
        return recovery_mail(to=user.email, name=_known_name(user), link=link, secret=secret)

    async def finish_sign_up(self, _: OrganizationId, user_id: UUID) -> Mail | None:
        """Return the mail by which the owner of an address that nobody has verified yet takes the account over."""
        user = await self._user(UserId(user_id), FINISH_SIGN_UP)
        if user is None or user.is_verified:
            return None
        secret = await self._issued(user, TokenPurpose.RECOVER_PASSWORD)
        return finish_sign_up_mail(to=user.email, link=self._links.recover_password(secret), secret=secret)

    async def known_address(self, _: OrganizationId, user_id: UUID) -> Mail | None:
        """Return the mail to whoever has the address that somebody registered with."""
        user, link = await self._user(UserId(user_id), KNOWN_ADDRESS), self._links.ask_recovery()
        return None if user is None else known_address_mail(to=user.email, name=_known_name(user), link=link)

    async def password_changed(self, _: OrganizationId, user_id: UUID) -> Mail | None:
        """Return the mail that tells of a changed password."""
        user, link = await self._user(UserId(user_id), PASSWORD_CHANGED), self._links.ask_recovery()
        return None if user is None else password_changed_mail(to=user.email, name=_known_name(user), link=link)

    async def _user(self, user_id: UserId, job: str) -> User | None:
        """Return the person, unless nobody is that or they are kept out."""
        actor = replace(worker(PLATFORM), user_id=user_id)
        async with self._units(actor, use_case=job, request_id=str(user_id), read_only=True) as uow:
            try:
                user = await uow.users.get(user_id)
            except NotFound:
                return None
        return user if user.status is UserStatus.ACTIVE else None

    async def _issued(self, user: User, purpose: TokenPurpose) -> str:
        """Make a secret and store its hash."""
        issued = self._tokens.issue()
        command = IssueToken(user_id=user.id, purpose=purpose, hash=issued.hash)
        await self._dispatch("account.issue_token", command, Call(actor=worker(PLATFORM), request_id=str(user.id)))
        return issued.secret


def _known_name(user: User) -> str | None:
    """Return how to greet a person: before the address is verified, the name may be a stranger's message to it."""
    return user.name if user.is_verified else None
