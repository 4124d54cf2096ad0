"""The steps of executions: rows that are written many at once, under the lock of their execution's row."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar, cast

from sqlalchemy import ColumnElement, Executable, Integer, Table, bindparam, or_, select, update

from domain.shared.ids import TaskId, WorkflowExecutionId
from domain.work.workflow_errors import WorkflowStepNotFound
from domain.work.workflow_repositories import IWorkflowStepRepository
from domain.work.workflow_step import OPEN, StepStatus, WorkflowStep
from infrastructure.persistence import bulk, tenancy
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.tasks import TaskRow
from infrastructure.persistence.models.workflows import WorkflowStepRow
from infrastructure.persistence.reader import Query, SqlReader
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf, UtcDateTime, text

_TASKS = cast("Table", TaskRow.__table__)
# What changes while an execution runs; the counter of open dependencies has a statement of its own.
_WRITTEN = (
    "id", "status", "input", "output", "error", "task_id", "due_at", "attempts", "failures", "started_at", "ended_at",
    "concluded_by",
)  # fmt: skip


class SqlWorkflowStepRepository(SqlReader[WorkflowStep], IWorkflowStepRepository):
    """The steps of the organization's executions."""

    mapper: ClassVar[Mapper[WorkflowStep]] = Mapper(WorkflowStep, WorkflowStepRow)

    async def get_step(self, execution_id: WorkflowExecutionId, key: str) -> WorkflowStep:
        """Return one step."""
        statement = self._prepare("by_key", lambda: self._of_execution(self._table.c.key == _text("this_key")))
        found = await self._load(statement, {"this_execution": execution_id, "this_key": key})
        if not found:
            raise WorkflowStepNotFound
        return found[0]

    async def executions_of(self, task_ids: Collection[TaskId]) -> dict[TaskId, WorkflowExecutionId]:
        """Return for tasks that are the latest attempt of a step the execution of that step."""
        if not task_ids:
            return {}
        rows = await self._session.rows(self._prepare("of_tasks", self._executions_of), {"tasks": sorted(task_ids)})
        return {cast("TaskId", task): cast("WorkflowExecutionId", execution) for task, execution in rows}

    async def of_task(self, task_id: TaskId) -> WorkflowStep | None:
        """Return the step that a task is the latest attempt of, or None."""
        statement = self._prepare("of_task", lambda: self._select().where(self._this_task))
        found = await self._load(statement, {"this_task": task_id})
        return found[0] if found else None

    async def insert(self, steps: Sequence[WorkflowStep]) -> None:
        """Write the steps of a new execution, in one statement."""
        rows = [self.mapper.dehydrate(step) for step in steps]
        await bulk.insert(self._session, self._table, self.mapper.column_names, rows)

    async def write(self, steps: Sequence[WorkflowStep]) -> None:
        """Write the present state of steps, in one statement."""
        at = [self.mapper.column_names.index(name) for name in _WRITTEN]
        rows = [self.mapper.dehydrate(step) for step in steps]
        if rows:
            await bulk.overwrite(self._session, self._table, _WRITTEN, [[row[n] for n in at] for row in rows])

    async def release(self, execution_id: WorkflowExecutionId, positions: Collection[int]) -> list[WorkflowStep]:
        """Count one open dependency less for each of these steps, and return those that wait for none any more."""
        if not positions:
            return []
        params = {"this_execution": execution_id, "positions": sorted(positions)}
        rows = await self._session.rows(self._prepare("release", self._release), params)
        counter, place = (self.mapper.column_names.index(name) for name in ("open_dependencies", "position"))
        return await self._keep(sorted((row for row in rows if row[counter] == 0), key=lambda row: row[place]))

    async def outputs(self, execution_id: WorkflowExecutionId, keys: Collection[str]) -> dict[str, dict[str, object]]:
        """Return the outputs of completed steps by key."""
        found = await self.completed(execution_id, keys)
        return {step.key: step.output for step in found if step.output is not None}

    async def completed(self, execution_id: WorkflowExecutionId, keys: Collection[str]) -> list[WorkflowStep]:
        """Return those of some steps that have an output, in the order of their positions."""
        if not keys:
            return []
        wanted = AnyOf(self._table.c.key, bindparam("keys", type_=ListOf(text())))
        statement = self._prepare("outputs", lambda: self._of_execution(wanted, self._table.c.output.is_not(None)))
        found = await self._load(statement, {"this_execution": execution_id, "keys": sorted(keys)})
        return sorted(found, key=lambda step: step.position)

    async def to_begin(self, execution_id: WorkflowExecutionId) -> list[WorkflowStep]:
        """Return the steps that failed, and those that may begin and have not."""
        c = self._table.c
        ready = (c.status == StepStatus.PENDING.value) & (c.open_dependencies == 0)
        statement = self._prepare(
            "to_begin",
            lambda: self._of_execution(or_(c.status == StepStatus.FAILED.value, ready)).order_by(c.position),
        )
        return await self._load(statement, {"this_execution": execution_id})

    async def due(self, execution_id: WorkflowExecutionId, now: datetime, limit: int) -> list[WorkflowStep]:
        """Return waiting steps that Stoa is to look at by now, the longest overdue first."""
        due_at = self._table.c.due_at
        statement = self._prepare(
            "due",
            lambda: (
                self._of_execution(due_at <= bindparam("by_now", type_=UtcDateTime()))
                .order_by(due_at, self._id)
                .limit(bindparam("limit", type_=Integer()))
            ),
        )
        return await self._load(statement, {"this_execution": execution_id, "by_now": now, "limit": limit})

    async def next_due(self, execution_id: WorkflowExecutionId) -> datetime | None:
        """Return when Stoa is to look at a waiting step next."""
        due_at = self._table.c.due_at
        statement = self._prepare(
            "next_due",
            lambda: self._of_execution(due_at.is_not(None)).with_only_columns(due_at).order_by(due_at).limit(1),
        )
        rows = await self._session.rows(statement, {"this_execution": execution_id})
        return cast("datetime", rows[0][0]) if rows else None

    async def cancel_open(self, execution_id: WorkflowExecutionId, now: datetime, by: str) -> list[TaskId]:
        """End every step that is not over, in one statement, and return the tasks of those that were running."""
        params = {"this_execution": execution_id, "at": now, "by": by}
        rows = await self._session.rows(self._prepare("cancel", self._cancel), params)
        return [cast("TaskId", row[0]) for row in rows if row[0] is not None]

    # -- statements ------------------------------------------------------------------------------

    @property
    def _table(self) -> Table:
        return self.mapper.table

    @property
    def _this_task(self) -> ColumnElement[bool]:
        return self._table.c.task_id == bindparam("this_task", type_=Guid())

    def _of_execution(self, *conditions: ColumnElement[bool]) -> Query:
        this = self._table.c.execution_id == bindparam("this_execution", type_=Guid())
        return self._select().where(this, *conditions)

    def _executions_of(self) -> Executable:
        c = self._table.c
        these = AnyOf(c.task_id, bindparam("tasks", type_=ListOf(Guid())))
        return select(c.task_id, c.execution_id).where(tenancy.wall(self._table), these)

    def _release(self) -> Executable:
        c = self._table.c
        this = c.execution_id == bindparam("this_execution", type_=Guid())
        these = AnyOf(c.position, bindparam("positions", type_=ListOf(Integer())))
        fewer = update(self._table).where(tenancy.wall(self._table), this, these)
        return fewer.values(open_dependencies=c.open_dependencies - 1).returning(*self.mapper.columns)

    def _cancel(self) -> Executable:
        c = self._table.c
        open_ = or_(*(c.status == status.value for status in (StepStatus.PENDING, *sorted(OPEN))))
        this = c.execution_id == bindparam("this_execution", type_=Guid())
        values = {
            "status": StepStatus.CANCELLED.value, "ended_at": bindparam("at", type_=UtcDateTime()), "due_at": None,
            "concluded_by": bindparam("by", type_=text()),
        }  # fmt: skip
        return update(self._table).where(tenancy.wall(self._table), this, open_).values(values).returning(c.task_id)


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=text())
