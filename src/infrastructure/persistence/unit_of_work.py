"""The unit of work: the only place that commits."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import cast
from uuid import UUID

from application.kernel.actor import PLATFORM, Actor, ActorKind
from application.kernel.deadline import no_way_back
from application.kernel.ports import IClock, IIds
from application.kernel.query_cache import IChanges
from application.kernel.unit_of_work import ITransaction, IUnitOfWorkFactory
from domain.shared.errors import Forbidden, NotFound
from domain.shared.ids import OrganizationId, UserId
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.idempotency import IdempotencyStore
from infrastructure.persistence.journal import Journal
from infrastructure.persistence.lookups import find_statement, stored_value
from infrastructure.persistence.mail_limits import MailLimits
from infrastructure.persistence.reporting.tally import Tally
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.repository_set import RepositorySet
from infrastructure.persistence.session import Session
from infrastructure.persistence.sign_ins import SignInAttempts
from infrastructure.persistence.tracking import Change
from infrastructure.persistence.transaction import Transaction
from infrastructure.persistence.work_tables import Jobs, Numbers


class SqlUnitOfWork(RepositorySet):
    """One transaction with all repositories; the dispatcher ends it, handlers only use it."""

    def __init__(
        self, database: Database, transaction: Transaction, actor: Actor, *, use_case: str, request_id: str,
        read_only: bool, clock: IClock, ids: IIds, cursor_secret: CursorSecret, changes: IChanges | None = None,
    ) -> None:  # fmt: skip
        """Take over an open transaction; ``changes`` hears of its commit."""
        super().__init__()
        self.session = Session(
            database, transaction, actor, clock=clock, ids=ids, cursor_secret=cursor_secret, flush=self.flush,
            read_only=read_only,
        )  # fmt: skip
        self.journal = Journal(self.session, use_case=use_case, request_id=request_id)
        self.tally = Tally(self.session)
        self.idempotency = IdempotencyStore(self.session)
        self.jobs = Jobs(self.session)
        self.numbers = Numbers(self.session)
        self.mail_limits = MailLimits(self.session)
        self.sign_in_attempts = SignInAttempts(self.session)
        self._open = True
        self._changes = changes
        self._commit_begun = False
        self.committed = False

    @property
    def actor(self) -> Actor:
        """Return who is calling."""
        return self.session.actor

    @property
    def organization_id(self) -> UUID:
        """Return whose rows are read and written now."""
        return self.session.organization_id

    async def flush(self) -> None:
        """Write what changed: inserts and updates parent first, deletes child first."""
        await self._write_changes()
        await self.session.settle()

    async def _write_changes(self) -> None:
        made = [self.made[name] for name in self.ORDER if name in self.made]
        repositories = [r for r in made if isinstance(r, SqlRepository)]
        for each in repositories:
            self._note(await each.write_inserts())
        for each in repositories:
            self._note(await each.write_updates())
        for each in reversed(repositories):
            self._note(await each.write_deletes())

    def _note(self, changes: Sequence[Change]) -> None:
        if changes:
            self.tally.note(changes)
            self.journal.note(changes)

    async def enter(self, organization_id: OrganizationId) -> None:
        """Go on in another organization; what was done so far stays where it was done."""
        if self.actor.kind is not ActorKind.OPERATOR:
            raise Forbidden
        await self._move(organization_id)

    async def enter_own(self, organization_id: OrganizationId, *, fresh: bool = False) -> None:
        """Go on in an organization of the person's own; what is fresh has no members yet, nor anything else."""
        person = self.actor.person
        if not fresh and organization_id not in {own.id for own in await self.memberships.organizations_of(person)}:
            raise NotFound
        await self._move(organization_id)

    async def enter_by(self, lookup: str, value: str) -> UUID:
        """Go on in the organization that owns a public value."""
        session = self.session
        postgres = session.database.is_postgres
        statement = session.prepare(("find", lookup), lambda: find_statement(lookup, postgres=postgres))
        rows = await session.rows(statement, {"lookup_value": stored_value(lookup, value)})
        if not rows:
            raise NotFound
        organization_id, subject_id, *person = rows[0]
        if person:
            await self.become(UserId(cast("UUID", person[0])))
        else:
            await self._move(cast("UUID", organization_id))
        return cast("UUID", subject_id)

    async def become(self, user_id: UserId) -> None:
        """Go on above the tenants, for one person: oneself, or whom a secret or a machine of ours names."""
        session = self.session
        if self.actor.kind is ActorKind.API_KEY or self.actor.user_id not in (None, user_id):
            raise Forbidden
        if (session.organization_id, session.person) != (PLATFORM, user_id):
            await self.checkpoint()
            await session.become(user_id)

    async def aside[T](self, work: Awaitable[T]) -> T:
        """Await slow work with no transaction open and no connection held, then begin anew."""
        session = self.session
        if self.made or self.jobs.scheduled:
            raise RuntimeError("slow work comes before anything is read or written")
        self._open = False
        await session.transaction.rollback()
        done = await work
        session.transaction = await session.database.begin(
            session.organization_id, session.person, read_only=session.read_only
        )
        self._open = True
        await self.idempotency.claim_again()
        return done

    async def _move(self, organization_id: UUID) -> None:
        """Leave what was done where it was done, and forget what was read there."""
        await self.checkpoint()
        await self.session.enter(organization_id)

    async def _write_all(self, answer: tuple[UUID, str, str] | None = None) -> None:
        await self._write_changes()
        await self.jobs.write(self.journal.cause_of)
        await self.tally.write()
        await self.journal.write(answer)
        await self.session.settle()

    async def take_time(self) -> None:
        """Lift the limit of other transactions for this one."""
        await self.session.transaction.take_time()

    async def checkpoint(self) -> None:
        """Write everything so far, and forget what was loaded."""
        await self._write_all()
        self.made.clear()

    async def commit(self) -> None:
        """Write everything that is left, and commit."""
        await self._write_all(self.idempotency.answer)
        no_way_back()
        self._open, self._commit_begun = False, True
        if self._changes is not None:
            self._changes.begin(self.journal.touched)
        await self.session.transaction.commit()
        self.committed = True

    async def close(self) -> None:
        """Roll back unless committed."""
        if self._open:
            self._open = False
            await self.session.transaction.rollback()
        # Of a commit that was cancelled, or not answered, nobody knows here that it changed nothing.
        if self._commit_begun and self._changes is not None:
            self._changes.end(self.journal.touched)


class UnitOfWorkFactory(IUnitOfWorkFactory):
    """Opens units of work on one database.

    ``committed`` hears of commits that left events or jobs behind, ``changes`` of what each commit changes.
    """

    def __init__(
        self, database: Database, *, clock: IClock, ids: IIds, cursor_secret: CursorSecret,
        committed: Callable[[], None], changes: IChanges | None = None,
    ) -> None:  # fmt: skip
        """Keep what every unit of work needs."""
        self._database = database
        self._clock = clock
        self._ids = ids
        self._cursor_secret = cursor_secret
        self._committed = committed
        self._changes = changes

    def __call__(
        self, actor: Actor, *, use_case: str, request_id: str, read_only: bool = False
    ) -> AbstractAsyncContextManager[ITransaction]:
        """Open one transaction for the actor's organization."""
        return _Opened(self, actor, use_case=use_case, request_id=request_id, read_only=read_only)

    async def open(self, actor: Actor, *, use_case: str, request_id: str, read_only: bool) -> SqlUnitOfWork:
        """Begin; whoever calls this must close what it returns."""
        transaction = await self._database.begin(actor.organization_id, actor.user_id, read_only=read_only)
        return SqlUnitOfWork(
            self._database, transaction, actor, use_case=use_case, request_id=request_id, read_only=read_only,
            clock=self._clock, ids=self._ids, cursor_secret=self._cursor_secret, changes=self._changes,
        )  # fmt: skip

    def tell(self, uow: SqlUnitOfWork) -> None:
        """Pass on that a commit left something to do."""
        if uow.committed and (uow.journal.published or uow.jobs.scheduled):
            self._committed()


class _Opened(AbstractAsyncContextManager[ITransaction]):
    """One unit of work around a block. A class, because a generator would cost as much as the rest of opening."""

    __slots__ = ("_actor", "_arguments", "_factory", "_uow")

    def __init__(
        self, factory: UnitOfWorkFactory, actor: Actor, *, use_case: str, request_id: str, read_only: bool
    ) -> None:
        self._factory = factory
        self._actor = actor
        self._arguments = (use_case, request_id, read_only)

    async def __aenter__(self) -> ITransaction:
        use_case, request_id, read_only = self._arguments
        self._uow = await self._factory.open(self._actor, use_case=use_case, request_id=request_id, read_only=read_only)
        return self._uow

    async def __aexit__(self, *_: object) -> None:
        await self._uow.close()
        self._factory.tell(self._uow)
