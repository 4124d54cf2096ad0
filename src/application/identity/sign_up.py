"""Registering, verifying an address, and choosing another password: what people do before they can sign in.

None of it tells whether anybody has an address. The mail does, and reaches only its owner.
"""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.identity.person_mails import KNOWN_ADDRESS, PASSWORD_CHANGED, RECOVER_PASSWORD, VERIFY_EMAIL
from application.identity.ports import ISingleUseTokens
from application.kernel.actor import PLATFORM
from application.kernel.dispatcher import TransactionAborted
from application.kernel.fields import Email
from application.kernel.ports import IClock, IIds, IPasswordHasher
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.identity.credential import Credential
from domain.identity.passwords import LONGEST, check_password
from domain.identity.single_use_token import TokenInvalid, TokenPurpose
from domain.identity.user import User, UserEmailTaken
from domain.shared.errors import NotFound
from domain.shared.ids import UserId
from domain.shared.text import NAME, check_email

Password = Annotated[str, Len(1, LONGEST)]
"""A password as it was typed; which ones may be chosen is the domain's rule."""

MailedToken = Annotated[str, Len(1, 100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedView:
    """What was asked for is under way: look into the mail of this address."""

    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser:
    """Who you are, and the password that you choose."""

    email: Email
    name: Annotated[str, NAME]
    password: Password


@use_case(
    "users.register",
    scope=None,
    public=True,
    example={"email": "ines@harbour.example", "name": "Inês Duarte", "password": "four green boats at noon"},
    statements=10,
)
async def register_user(
    cmd: RegisterUser, uow: IUnitOfWork, *, clock: IClock, ids: IIds, hasher: IPasswordHasher
) -> MailedView:
    """Register with an address and a password; a mail with a token to verify the address follows.

    The answer is the same when somebody has the address already: then the mail says so.

    Errors: `password_invalid`, `email_invalid`, `text_invalid`.
    """
    email, name = check_email(cmd.email), NAME.check(cmd.name)
    encoded = await uow.aside(hasher.hash(check_password(cmd.password, email)))
    if not await _is_known(email, uow):
        user = User.register(id=UserId(ids.new()), organization_id=PLATFORM, email=email, name=name, now=clock.now())
        await _added(user, encoded, uow)
    return MailedView(email=email)


async def _is_known(email: str, uow: IUnitOfWork) -> bool:
    """Say whether somebody has the address, and then have them told."""
    try:
        known = await uow.enter_by("user_email", email)
    except NotFound:
        return False
    await uow.jobs.schedule(KNOWN_ADDRESS, known)
    return True


async def _added(user: User, encoded: str, uow: IUnitOfWork) -> None:
    await uow.become(user.id)
    uow.users.add(user)
    uow.credentials.add(
        Credential.create(id=user.id, organization_id=PLATFORM, hash=encoded, now=user.created_at)
    )  # fmt: skip
    await uow.jobs.schedule(VERIFY_EMAIL, user.id)
    try:
        await uow.flush()
    except UserEmailTaken:
        # Somebody was quicker with the same address. Run again, this finds them and answers as always.
        raise TransactionAborted from None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMail:
    """Whose mail."""

    email: Email


@use_case(
    "account.request_verification",
    scope=None,
    public=True,
    example={"email": "ines@harbour.example"},
    statements=4,
)
async def request_verification(cmd: RequestMail, uow: IUnitOfWork, *, ids: IIds) -> MailedView:
    """Have another token to verify the address mailed; the token before opens nothing any more.

    The answer is the same when nobody has the address, or it is verified already: then there is no mail.

    Errors: `email_invalid`.
    """
    email = check_email(cmd.email)
    await uow.jobs.schedule(VERIFY_EMAIL, await _reached(email, uow, ids))
    return MailedView(email=email)


@use_case(
    "account.request_recovery",
    scope=None,
    public=True,
    example={"email": "ines@harbour.example"},
    statements=4,
)
async def request_recovery(cmd: RequestMail, uow: IUnitOfWork, *, ids: IIds) -> MailedView:
    """Have a token mailed with which another password can be chosen; the token before opens nothing any more.

    The answer is the same when nobody has the address: then there is no mail.

    Errors: `email_invalid`.
    """
    email = check_email(cmd.email)
    await uow.jobs.schedule(RECOVER_PASSWORD, await _reached(email, uow, ids))
    return MailedView(email=email)


async def _reached(email: str, uow: IUnitOfWork, ids: IIds) -> UserId:
    """Go on for whoever has the address, or for somebody made up: the same is done for both, in the same time."""
    try:
        return UserId(await uow.enter_by("user_email", email))
    except NotFound:
        nobody = UserId(ids.new())
        await uow.become(nobody)
        return nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEmail:
    """The token from the mail."""

    token: MailedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedView:
    """The address that is verified now; sign in with it."""

    email: str


@use_case("account.verify_email", scope=None, public=True, example={"token": "stoa_tok_…"}, statements=9)
async def verify_email(cmd: VerifyEmail, uow: IUnitOfWork, *, clock: IClock, tokens: ISingleUseTokens) -> VerifiedView:
    """Show that the address is yours, with the token that was mailed to it. A token works once.

    Errors: `token_invalid`.
    """
    user = await _redeemed(_digest(cmd.token, tokens), TokenPurpose.VERIFY_EMAIL, uow, clock)
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
    example={"token": "stoa_tok_…", "password": "seven red kites at dawn"},
    statements=16,
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
    await uow.sessions.revoke_all(user.id, now)
    await uow.jobs.schedule(PASSWORD_CHANGED, user.id)


def _digest(token: str, tokens: ISingleUseTokens) -> str:
    """Return what a token is found by; a mistyped one is refused before anything slow is done."""
    digest = tokens.digest(token)
    if digest is None:
        raise TokenInvalid
    return digest


async def _redeemed(digest: str, purpose: TokenPurpose, uow: IUnitOfWork, clock: IClock) -> User:
    """Use up a token and go on as its person, whose row is locked."""
    try:
        found = await uow.enter_by("single_use_token", digest)
        token = await uow.single_use_tokens.get(found, lock=True)
    except NotFound:
        raise TokenInvalid from None
    token.use(purpose, clock.now())
    return await uow.users.get(token.user_id, lock=True)
