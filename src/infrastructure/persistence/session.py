"""What the repositories of one unit of work share."""

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Executable

from application.kernel.actor import PLATFORM, Actor, ActorKind
from application.kernel.ports import IClock, IIds
from domain.shared.errors import StaleVersion
from domain.shared.ids import UserId, encode_id
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.held import Held
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.tenancy import NOBODY, PERSON, TENANT
from infrastructure.persistence.transaction import Rows, Transaction


class Session:
    """One open transaction, the tenant and the person it is under, and who is behind it."""

    def __init__(
        self, database: Database, transaction: Transaction, actor: Actor, *,
        clock: IClock, ids: IIds, cursor_secret: CursorSecret, flush: Callable[[], Awaitable[None]],
        read_only: bool,
    ) -> None:  # fmt: skip
        """Start under the actor's own organization."""
        self.database = database
        self.transaction = transaction
        self.actor = actor
        self.author = actor.id
        self.organization_id: UUID = actor.organization_id
        self.person: UUID | None = actor.user_id
        self.clock = clock
        self.ids = ids
        self.cursor_secret = cursor_secret
        self.flush = flush
        self.read_only = read_only
        self._held: list[Held] = []

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()

    def prepare(self, key: Hashable, build: Callable[[], Executable]) -> Statement:
        """Return a statement kept by the database under ``key``."""
        return self.database.prepare(key, build)

    async def rows(self, statement: Statement, params: Params) -> Rows:
        """Run a statement under the current tenant and person, after those that were held."""
        if self._held:
            await self.settle()
        walls = {TENANT: self.organization_id, PERSON: self.person or NOBODY}
        return await self.transaction.rows(statement, {**walls, **params})

    async def hold(self, write: Held) -> None:
        """Run a write with the next statement, at the latest when the unit of work flushes or ends.

        Whatever is sent meanwhile goes after it, so only errors come later than they would. SQLite has no statement
        for several writes, and runs it at once.
        """
        self._held.append(write)
        if not self.database.is_postgres:
            await self.settle()

    def take_held(self) -> list[Held]:
        """Return what is held, for whoever sends it along."""
        held, self._held = self._held, []
        return held

    async def settle(self) -> None:
        """Run what is held, one after the other.

        Raises:
            StaleVersion: somebody else wrote the row first.
        """
        for write in self.take_held():
            statement = self.prepare(write.key, partial(write.build, ""))
            if not await self.rows(statement, write.params()) and write.counted:
                raise StaleVersion

    async def enter(self, organization_id: UUID) -> None:
        """Go on under another tenant."""
        await self.settle()
        await self.transaction.set_tenant(organization_id)
        self.organization_id = organization_id

    async def become(self, person: UserId) -> None:
        """Go on above the tenants, for one person. Whoever has shown to be them by a secret is named as them."""
        await self.settle()
        await self.transaction.set_tenant(PLATFORM, person)
        self.organization_id, self.person = PLATFORM, person
        if self.actor.kind is ActorKind.PUBLIC:
            self.author = encode_id("usr", person)
