"""Showing that an address is one's own, and choosing another password: what people do with the mails they ask for.

None of it tells whether anybody has an address. The mail does, and reaches only its owner.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.identity.person_mails import PASSWORD_CHANGED, RECOVER_PASSWORD, VERIFY_EMAIL
from application.identity.ports import ISignIns, ISingleUseTokens
from application.identity.sign_up import MailedView, Password
from application.kernel.actor import PLATFORM
from application.kernel.fields import Email
from application.kernel.ports import IClock, IIds, IPasswordHasher
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.identity.credential import Credential
from domain.identity.passwords import check_password
from domain.identity.single_use_token import TokenInvalid, TokenPurpose
from domain.identity.user import User
from domain.shared.errors import NotFound
from domain.shared.ids import SingleUseTokenId, UserId
from domain.shared.text import check_email

MailedToken = Annotated[str, Len(1, 100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMail:
    """Whose mail."""

    email: Email


@use_case(
    "account.request_verification",
    scope=None,
    public=True,
    keyed_by=("email",),
    example={"email": "ines@harbour.example"},
    statements=5,
)
async def request_verification(cmd: RequestMail, uow: IUnitOfWork, *, ids: IIds) -> MailedView:
    """Have another token to verify the address mailed; those before keep their time.

    The answer is the same when nobody has the address, it is verified already, or it got 5 such mails within the last
    hour: then there is no mail.

    Errors: `email_invalid`.
    """
    return await _have_mailed(VERIFY_EMAIL, cmd, uow, ids)


@use_case(
    "account.request_recovery",
    scope=None,
    public=True,
    keyed_by=("email",),
    example={"email": "ines@harbour.example"},
    statements=5,
)
async def request_recovery(cmd: RequestMail, uow: IUnitOfWork, *, ids: IIds) -> MailedView:
    """Have a token mailed with which another password can be chosen; those before keep their time.

    The answer is the same when nobody has the address, or it got 5 such mails within the last hour: then there is no
    mail.

    Errors: `email_invalid`.
    """
    return await _have_mailed(RECOVER_PASSWORD, cmd, uow, ids)


async def _have_mailed(kind: str, cmd: RequestMail, uow: IUnitOfWork, ids: IIds) -> MailedView:
    """Schedule a mail; one too many is scheduled to nobody, so that the answer takes as long."""
    email, nobody = check_email(cmd.email), UserId(ids.new())
    reached = await _reached(email, uow, nobody)
    allowed = await uow.mail_limits.take(kind, str(reached))
    await uow.jobs.schedule(kind, reached if allowed else nobody)
    return MailedView(email=email)


async def _reached(email: str, uow: IUnitOfWork, nobody: UserId) -> UserId:
    """Go on for whoever has the address, or for somebody made up: the same is done for both, in the same time."""
    try:
        return UserId(await uow.enter_by("user_email", email))
    except NotFound:
        await uow.become(nobody)
        return nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEmail:
    """The token from the mail, and the account's password if it has one."""

    token: MailedToken
    password: Password | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedView:
    """The address that is verified now; sign in with it."""

    email: str


@use_case(
    "account.verify_email",
    scope=None,
    public=True,
    keyed_by=("token",),
    example={"token": "stoa_tok_…", "password": "four green boats at noon"},
    statements=16,
)
async def verify_email(
    cmd: VerifyEmail, uow: IUnitOfWork, *, clock: IClock, tokens: ISingleUseTokens, sign_ins: ISignIns
) -> VerifiedView:
    """Show that the address is yours, with the token that was mailed to it and the password you registered with.

    If you did not choose the account's password, somebody else registered with your address: recover the account, which
    verifies the address too. A token works once; a wrong password leaves it as it is.

    Errors: `token_invalid`, `credentials_invalid`, `sign_in_locked`.
    """
    digest = _digest(cmd.token, tokens)
    # Else whoever registers with a stranger's address would have their own password activated by the stranger.
    await uow.aside(sign_ins.verify_mailed(digest, cmd.password or ""))
    user = await _redeemed(digest, TokenPurpose.VERIFY_EMAIL, uow, clock)
    await uow.single_use_tokens.discard(user.id, TokenPurpose.VERIFY_EMAIL)
    user.verify_email(clock.now())
    return VerifiedView(email=user.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverPassword:
    """The token from the mail, and another password."""

    token: MailedToken
    password: Password


@use_case(
    "account.recover_password",
    scope=None,
    public=True,
    keyed_by=("token",),
    example={"token": "stoa_tok_…", "password": "seven red kites at dawn"},
    statements=19,
)
async def recover_password(
    cmd: RecoverPassword, uow: IUnitOfWork, *, clock: IClock, hasher: IPasswordHasher, tokens: ISingleUseTokens
) -> VerifiedView:
    """Choose another password with the token that was mailed to you; every session is signed out.

    The address counts as verified from then on. A token works once.

    Errors: `token_invalid`, `password_invalid`.
    """
    digest = _digest(cmd.token, tokens)
    encoded = await uow.aside(hasher.hash(check_password(cmd.password, "")))
    user = await _redeemed(digest, TokenPurpose.RECOVER_PASSWORD, uow, clock)
    check_password(cmd.password, user.email)
    user.verify_email(clock.now())
    await _recovered(user, encoded, uow, clock)
    return VerifiedView(email=user.email)


async def _recovered(user: User, encoded: str, uow: IUnitOfWork, clock: IClock) -> None:
    now = clock.now()
    credential = await uow.credentials.find_own(user.id, lock=True)
    if credential is None:
        uow.credentials.add(Credential.create(id=user.id, organization_id=PLATFORM, hash=encoded, now=now))
    else:
        credential.replace(encoded, now)
    user.note_password_change(now, recovered=True)
    await uow.single_use_tokens.discard(user.id, *TokenPurpose)
    await uow.sessions.revoke_all(user.id, now)
    # Whoever tried the old password must not keep the owner out with the new one.
    await uow.sign_in_attempts.forgive(user.email)
    await uow.jobs.schedule(PASSWORD_CHANGED, user.id)


def _digest(token: str, tokens: ISingleUseTokens) -> str:
    """Return what a token is found by; a mistyped one is refused before anything slow is done."""
    digest = tokens.digest(token)
    if digest is None:
        raise TokenInvalid
    return digest


async def _redeemed(digest: str, purpose: TokenPurpose, uow: IUnitOfWork, clock: IClock) -> User:
    """Use up a token and go on as its person, whose row is locked first: it is the lock of all their tokens."""
    try:
        found = await uow.enter_by("single_use_token", digest)
        user = await uow.users.get(await uow.single_use_tokens.owner_of(SingleUseTokenId(found)), lock=True)
        token = await uow.single_use_tokens.get(found, lock=True)
    except NotFound:
        raise TokenInvalid from None
    token.use(purpose, clock.now())
    return user
