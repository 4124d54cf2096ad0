"""What the repositories of one unit of work share."""

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Executable

from application.kernel.actor import PLATFORM, Actor, ActorKind
from application.kernel.ports import IClock, IIds
from domain.shared.ids import UserId, encode_id
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
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

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()

    def prepare(self, key: Hashable, build: Callable[[], Executable]) -> Statement:
        """Return a statement kept by the database under ``key``."""
        return self.database.prepare(key, build)

    async def rows(self, statement: Statement, params: Params) -> Rows:
        """Run a statement under the current tenant and person."""
        walls = {TENANT: self.organization_id, PERSON: self.person or NOBODY}
        return await self.transaction.rows(statement, {**walls, **params})

    async def enter(self, organization_id: UUID) -> None:
        """Go on under another tenant."""
        await self.transaction.set_tenant(organization_id)
        self.organization_id = organization_id

    async def become(self, person: UserId) -> None:
        """Go on above the tenants, for one person. Whoever has shown to be them by a secret is named as them."""
        await self.transaction.set_tenant(PLATFORM, person)
        self.organization_id, self.person = PLATFORM, person
        if self.actor.kind is ActorKind.PUBLIC:
            self.author = encode_id("usr", person)
