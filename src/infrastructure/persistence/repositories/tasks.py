"""The repository of tasks."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import Executable, bindparam

from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import TaskId
from domain.work.task import Task
from domain.work.task_repositories import ITaskRepository, Taken
from infrastructure.persistence import bulk
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.tasks import TaskRow
from infrastructure.persistence.repositories import task_statements as statements
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.transaction import Rows
from infrastructure.persistence.types import Guid, ListOf


class SqlTaskRepository(SqlRepository[Task], ITaskRepository):
    """Tasks, their lanes and their dependencies."""

    mapper: ClassVar[Mapper[Task]] = Mapper(Task, TaskRow)

    async def lock_many(self, ids: Iterable[UUID]) -> dict[UUID, Task]:
        """Lock in the order of their ids, so that two who lock the same tasks never wait for each other."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        statement = self._prepare("lock-many", self._lock_many)
        return {task.id: task for task in await self._load(statement, {"ids": wanted}, lock=True)}

    async def newest_of_conversations(self, ids: Collection[UUID], each: int) -> list[Task]:
        """Number the tasks of each conversation and read the first of them, in one statement."""
        if not ids:
            return []
        build = lambda: statements.newest_of_conversations(self.mapper.columns)  # noqa: E731 - one statement, kept
        return await self._load(self._prepare("of_conversations", build), {"ids": sorted(ids), "each": each})

    async def find_pending_for_agent(self, lanes: Collection[str], now: datetime, limit: int) -> list[Task]:
        """Read what :meth:`take_pending` would lock."""
        return await self._keep(_tasks_of(await self._pending(lanes, now, limit, lock=False)))

    async def take_pending(self, lanes: Collection[str], now: datetime, limit: int) -> Taken:
        """Lock and load them, in the order of urgency."""
        return await self._take(await self._pending(lanes, now, limit, lock=True), now)

    async def take_expired(self, limit: int, lanes: Collection[str] | None = None) -> Taken:
        """Lock and load them, the one that has been over for longest first."""
        laned, postgres, now = lanes is not None, self._session.database.is_postgres, self._session.now()
        build = lambda: statements.expired(self.mapper.columns, postgres=postgres, laned=laned)  # noqa: E731 - one statement, kept
        params = {"lanes": list(lanes or ()), "now": now, "limit": limit}
        return await self._take(await self._session.rows(self._prepare(("expired", laned), build), params), now)

    async def get_dependencies(self, id: TaskId) -> list[Task]:
        """Return all of them; there are few."""
        statement = self._prepare("dependencies", lambda: statements.dependencies(self.mapper.columns))
        return await self._load(statement, {"this_task": id})

    async def lock_dependants(self, id: TaskId) -> list[Task]:
        """Lock those that are not over, in the order of their ids."""
        statement = self._prepare("dependants", lambda: statements.dependants(self.mapper.columns))
        return await self._load(statement, {"this_task": id}, lock=True)

    async def count_dependencies(self, id: TaskId) -> int:
        """Count the edges."""
        rows = await self._session.rows(self._prepare("edges", statements.dependency_count), {"this_task": id})
        return cast("int", rows[0][0])

    async def waits_for(self, id: TaskId, other: TaskId) -> bool:
        """Walk through all that the task waits for, in one statement."""
        params = {"this_task": id, "other_task": other}
        return bool((await self._session.rows(self._prepare("reaches", statements.reaches), params))[0][0])

    async def add_dependencies(self, id: TaskId, others: Collection[TaskId]) -> None:
        """Insert the edges in one statement; the tasks themselves go first."""
        if others:
            await self._session.flush()
            session = self._session
            rows = [(session.organization_id, session.ids.new(), id, other) for other in others]
            await bulk.insert(session, statements.EDGES, ("organization_id", "id", "task_id", "depends_on_id"), rows)

    async def remove_dependency(self, id: TaskId, other: TaskId) -> None:
        """Delete the edge."""
        params = {"this_task": id, "other_task": other}
        if not await self._session.rows(self._prepare("forget-edge", statements.forget_dependency), params):
            raise EntityNotFoundError

    async def _pending(self, lanes: Collection[str], now: datetime, limit: int, *, lock: bool) -> Rows:
        columns, postgres = self.mapper.columns, self._session.database.is_postgres
        build = lambda: statements.pending(columns, limit=limit, postgres=postgres, lock=lock)  # noqa: E731 - as above
        statement = self._prepare(("pending", lock, limit), build)
        return await self._session.rows(statement, {"lanes": list(lanes), "now": now})

    async def _take(self, rows: Rows, now: datetime) -> Taken:
        at = cast("datetime", rows[0][-1]) if rows else now
        return Taken(tasks=await self._keep(_tasks_of(rows), lock=True), at=at)

    def _lock_many(self) -> Executable:
        some = AnyOf(self._id, bindparam("ids", type_=ListOf(Guid())))
        return self._select().where(some).order_by(self._id).with_for_update(key_share=True)


def _tasks_of(rows: Rows) -> list[Sequence[Any]]:  # reason: positional rows
    """Return rows without the time, which is their last column."""
    return [tuple(row)[:-1] for row in rows]
