"""What the repositories of one unit of work share."""

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Executable

from application.kernel.actor import Actor
from application.kernel.ports import IClock, IIds
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.tenancy import TENANT
from infrastructure.persistence.transaction import Rows, Transaction


class Session:
    """One open transaction, the tenant it is under, and who is behind it."""

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
        """Run a statement under the current tenant."""
        return await self.transaction.rows(statement, {TENANT: self.organization_id, **params})

    async def enter(self, organization_id: UUID) -> None:
        """Go on under another tenant."""
        await self.transaction.set_tenant(organization_id)
        self.organization_id = organization_id
