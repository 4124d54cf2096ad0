"""The unit of work: one transaction, one tenant, all repositories."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.kernel.actor import Actor
from application.kernel.idempotency import IIdempotencyStore
from application.kernel.repositories import IRepositories
from domain.shared.ids import OrganizationId, UserId


class IJobs(Protocol):
    """Work to be done outside of any transaction, remembered in this one."""

    async def schedule(self, kind: str, subject_id: UUID, *, delay: timedelta = timedelta()) -> None:
        """Have a worker perform ``kind`` on the subject once this transaction commits, or later."""
        ...

    async def finish(self, kind: str, subject_id: UUID) -> None:
        """Forget the job: its outcome is recorded in this transaction."""
        ...


class INumbers(Protocol):
    """Gapless counters, one per organization, name and day."""

    async def next(self, name: str, day: datetime) -> int:
        """Take the next number, from 1; concurrent takers wait, and a rollback gives it back."""
        ...


class IMailLimits(Protocol):
    """Mails that may still go out, so that nobody's inbox is filled through us."""

    async def take(self, kind: str, subject: str) -> bool:
        """Count one mail of a kind to a subject, or say that there were too many of late.

        Others who count for the same subject wait for this transaction, and a rollback gives the mail back.
        """
        ...


class ISignInAttempts(Protocol):
    """Passwords tried of late; they are counted apart from every unit of work, and forgiven in one."""

    async def forgive(self, email: str) -> None:
        """Open the door again for whoever has this canonical address."""
        ...


class IUnitOfWork(IRepositories, Protocol):
    """What a handler may touch. It never commits: the dispatcher does."""

    @property
    def actor(self) -> Actor:
        """Return who is calling."""
        ...

    @property
    def jobs(self) -> IJobs: ...
    @property
    def numbers(self) -> INumbers: ...
    @property
    def mail_limits(self) -> IMailLimits: ...
    @property
    def sign_in_attempts(self) -> ISignInAttempts: ...

    async def flush(self) -> None:
        """Write what changed so far, so that constraints speak now and later statements see it."""
        ...

    async def enter(self, organization_id: OrganizationId) -> None:
        """Go on in another organization; for operators creating one.

        Raises:
            Forbidden: the caller is not an operator.
        """
        ...

    async def enter_own(self, organization_id: OrganizationId, *, fresh: bool = False) -> None:
        """Go on in an organization of the signed-in person; ``fresh`` is one that they are just making.

        Raises:
            InsufficientPermissions: nobody is signed in.
            NotFound: there is no such organization, or the person is no member of it.
        """
        ...

    async def become(self, user_id: UserId) -> None:
        """Go on above the tenants, for one person: oneself, or whom a secret or a machine of ours names.

        Raises:
            Forbidden: the caller is another person, or an API key.
        """
        ...

    async def aside[T](self, work: Awaitable[T]) -> T:
        """Await slow work, such as hashing a password, with no transaction open and no connection held meanwhile.

        Raises:
            RuntimeError: something was read or written before.
        """
        ...

    async def enter_by(self, lookup: str, value: str) -> UUID:
        """Go on in the organization that owns a public value (a payment link's slug); returns the subject's id.

        A value that leads to a person (an address, a mailed token) goes on above the tenants, for that person.

        Raises:
            NotFound: nobody owns the value.
        """
        ...


class ITransaction(IUnitOfWork, Protocol):
    """The dispatcher's view: the same unit of work, which it ends."""

    @property
    def organization_id(self) -> UUID:
        """Return whose rows are read and written now: the caller's, or those that were entered."""
        ...

    @property
    def idempotency(self) -> IIdempotencyStore:
        """Return the records of requests already answered."""
        ...

    async def take_time(self) -> None:
        """Let this transaction last for minutes, where the database ends others after seconds."""
        ...

    async def checkpoint(self) -> None:
        """Write everything so far, events and entries too, and forget what was loaded: a long transaction stays small.

        What handlers hold from before must not be changed afterwards.
        """
        ...

    async def commit(self) -> None:
        """Flush, write outbox and audit, and commit.

        Raises:
            OutcomeUnknown: the connection broke while committing; retry with the same key.
        """
        ...


class IUnitOfWorkFactory(Protocol):
    """Opens units of work."""

    def __call__(
        self, actor: Actor, *, use_case: str, request_id: str, read_only: bool = False
    ) -> AbstractAsyncContextManager[ITransaction]:
        """Open one transaction for the actor's organization; leaving without commit rolls back."""
        ...
