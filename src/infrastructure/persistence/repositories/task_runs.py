"""The repository of task runs: rows that claims make and ends close, each in one statement for any number."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, cast

import msgspec

from domain.shared.documents import Document
from domain.shared.ids import AgentId, TaskId, TaskRunId
from domain.work.task import Task
from domain.work.task_repositories import Beat, ITaskRunRepository
from domain.work.task_run import Lease, RunOutcome, TaskRun
from infrastructure.persistence import bulk
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.tasks import TaskRunRow
from infrastructure.persistence.reader import SqlReader
from infrastructure.persistence.repositories import task_statements as statements
from infrastructure.persistence.statement import Build, Params
from infrastructure.persistence.transaction import Rows

_TOKEN_BYTES = 16
_NEW = (
    "organization_id", "id", "task_id", "agent_id", "worker", "attempt", "token", "lease_seconds", "started_at",
    "lease_until", "times_out_at",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class SqlTaskRunRepository(SqlReader[TaskRun], ITaskRunRepository):
    """The organization's runs."""

    mapper: ClassVar[Mapper[TaskRun]] = Mapper(TaskRun, TaskRunRow)

    async def open(
        self, tasks: Sequence[Task], *, agent_id: AgentId, worker: str, lease: timedelta, at: datetime
    ) -> dict[TaskId, Lease]:
        """Insert the runs, each under a token of its own that nobody can guess."""
        leases = {task.id: self._lease(task, lease, at) for task in tasks}
        seconds = round(lease.total_seconds())
        rows = [
            (
                self._session.organization_id, of.run_id, task.id, agent_id, worker, task.attempt, of.token, seconds,
                of.started_at, of.lease_until, of.times_out_at,
            )
            for task in tasks for of in (leases[task.id],)
        ]  # fmt: skip
        if rows:
            await bulk.insert_later(self._session, self.mapper.table, _NEW, rows)
        return leases

    def _lease(self, task: Task, lease: timedelta, at: datetime) -> Lease:
        limit = None if task.timeout_seconds is None else at + timedelta(seconds=task.timeout_seconds)
        return Lease(
            run_id=TaskRunId(self._session.ids.new()), token=secrets.token_hex(_TOKEN_BYTES), started_at=at,
            lease_until=at + lease if limit is None else min(limit, at + lease), times_out_at=limit,
        )  # fmt: skip

    async def extend(self, task_id: TaskId, token: str) -> Beat | None:
        """Reckon with the clock of the database."""
        rows = await self._execute("extend", statements.extend, {"this_task": task_id, "mine": token})
        if not rows:
            return None
        return Beat(lease_until=cast("datetime", rows[0][0]), at=cast("datetime", rows[0][1]))

    async def end(
        self, task_id: TaskId, token: str, outcome: RunOutcome, error: Document | None = None
    ) -> TaskRunId | None:
        """Close the row, if it is open and the token its own."""
        params = {"this_task": task_id, "mine": token, **_outcome(outcome, error)}
        rows = await self._execute("end", statements.end, params)
        return cast("TaskRunId", rows[0][0]) if rows else None

    async def end_open(self, task_ids: Collection[TaskId], outcome: RunOutcome, error: Document | None = None) -> None:
        """Close the rows, whoever holds them."""
        if task_ids:
            await self._execute("end-open", statements.end_open, {"tasks": list(task_ids), **_outcome(outcome, error)})

    async def has_ended(self, task_id: TaskId, token: str, outcome: RunOutcome) -> bool:
        """Look for the closed row."""
        params = {"this_task": task_id, "mine": token, "wanted_outcome": outcome.value}
        return bool(await self._session.rows(self._prepare("has-ended", statements.has_ended), params))

    async def _execute(self, name: str, build: Build, params: Params) -> Rows:
        postgres = self._session.database.is_postgres
        statement = self._prepare(name, lambda: build(postgres=postgres))
        return await self._session.rows(statement, {"now": self._session.now(), **params})


def _outcome(outcome: RunOutcome, error: Document | None) -> dict[str, object]:
    return {"new_outcome": outcome.value, "new_error": None if error is None else _encode(error).decode()}
