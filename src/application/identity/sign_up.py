"""Registering: anybody asks for an account, and the worker finds out what comes of it.

The answer is the same, and takes as long, whether or not somebody has the address: the request only stores what was
typed. The mail tells, and reaches only the address's owner.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from annotated_types import Len

from application.identity.person_mails import FINISH_SIGN_UP, KNOWN_ADDRESS, VERIFY_EMAIL
from application.kernel.actor import PLATFORM, Scope, worker
from application.kernel.dispatcher import Call, IDispatch, TransactionAborted
from application.kernel.fields import Email
from application.kernel.ports import IClock, IIds, IPasswordHasher
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.identity.credential import Credential
from domain.identity.passwords import LONGEST, check_password
from domain.identity.sign_up import SignUp
from domain.identity.user import User, UserEmailTaken
from domain.shared.errors import NotFound
from domain.shared.ids import OrganizationId, UserId
from domain.shared.text import NAME, check_email

SIGN_UP = "sign_up"
"""The kind of job that decides what comes of a sign-up."""

Password = Annotated[str, Len(1, LONGEST)]
"""A password as it was typed; which ones may be chosen is the domain's rule."""


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
    keyless=True,
    example={"email": "ines@harbour.example", "name": "Inês Duarte", "password": "four green boats at noon"},
    statements=6,
)
async def register_user(
    cmd: RegisterUser, uow: IUnitOfWork, *, clock: IClock, ids: IIds, hasher: IPasswordHasher
) -> MailedView:
    """Register with an address and a password; a mail with a token to verify the address follows.

    The answer is the same when somebody has the address already: then the mail says so. An `Idempotency-Key` changes
    nothing here, for an answer kept under it would tell whether a password is the one that was given; registering again
    has another mail sent.

    Errors: `password_invalid`, `email_invalid`, `text_invalid`.
    """
    email, name = check_email(cmd.email), NAME.check(cmd.name)
    encoded = await uow.aside(hasher.hash(check_password(cmd.password, email)))
    id_ = UserId(ids.new())
    await uow.become(id_)
    uow.sign_ups.add(
        SignUp.request(
            id=id_, organization_id=PLATFORM, email=email, name=name, hash=encoded, now=clock.now()
        )
    )  # fmt: skip
    await uow.jobs.schedule(SIGN_UP, id_)
    return MailedView(email=email)


class SignUpOutcome(StrEnum):
    """What came of a sign-up."""

    REGISTERED = "registered"
    UNVERIFIED = "unverified"
    KNOWN = "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishSignUp:
    """Which sign-up, by the id that its person would have."""

    id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedSignUpView:
    """Who has the address, and whether they were there before."""

    id: UserId
    outcome: SignUpOutcome


@use_case(
    "users.finish_sign_up",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker finds out whether somebody has an address, apart from every request.",
    example={},
    statements=12,
)
async def finish_sign_up(cmd: FinishSignUp, uow: IUnitOfWork, *, clock: IClock) -> FinishedSignUpView:
    """Register the person and have their address verified; if somebody has the address, have a mail sent to them.

    Whose address it is nobody knows before it is verified, neither of the person there is nor of the one who asks now.
    Hence nothing of an unverified account changes, but a mail lets the address's owner choose its password.

    Errors: `not_found`.
    """
    await uow.become(cmd.id)
    sign_up = await uow.sign_ups.get(cmd.id, lock=True)
    uow.sign_ups.purge(sign_up)
    await uow.flush()
    known = await _known(sign_up.email, uow)
    if known is None:
        await _registered(sign_up, uow, clock)
        return FinishedSignUpView(id=sign_up.id, outcome=SignUpOutcome.REGISTERED)
    kind = KNOWN_ADDRESS if known.is_verified else FINISH_SIGN_UP
    if await uow.mail_limits.take(kind, str(known.id)):
        await uow.jobs.schedule(kind, known.id)
    outcome = SignUpOutcome.KNOWN if known.is_verified else SignUpOutcome.UNVERIFIED
    return FinishedSignUpView(id=known.id, outcome=outcome)


async def _known(email: str, uow: IUnitOfWork) -> User | None:
    """Go on as whoever has the address, if anybody has."""
    try:
        return await uow.users.get(await uow.enter_by("user_email", email))
    except NotFound:
        return None


async def _registered(sign_up: SignUp, uow: IUnitOfWork, clock: IClock) -> None:
    now = clock.now()
    user = User.register(
        id=sign_up.id, organization_id=PLATFORM, email=sign_up.email, name=sign_up.name, now=now
    )  # fmt: skip
    uow.users.add(user)
    uow.credentials.add(Credential.create(id=user.id, organization_id=PLATFORM, hash=sign_up.hash, now=now))
    await uow.mail_limits.take(VERIFY_EMAIL, str(user.id))
    await uow.jobs.schedule(VERIFY_EMAIL, user.id)
    try:
        await uow.flush()
    except UserEmailTaken:
        # Somebody was quicker with the same address. Run again, this finds them.
        raise TransactionAborted from None


class SignUpJob:
    """The handler of the job: what it decides is committed together with the mail jobs that follow."""

    def __init__(self, dispatch: IDispatch) -> None:
        """Keep the dispatcher."""
        self._dispatch = dispatch

    async def __call__(self, _: OrganizationId, subject_id: UUID) -> None:
        """Finish one sign-up, unless it is finished."""
        call = Call(actor=worker(PLATFORM), request_id=str(subject_id))
        try:
            await self._dispatch("users.finish_sign_up", FinishSignUp(id=UserId(subject_id)), call)
        except NotFound:
            return
