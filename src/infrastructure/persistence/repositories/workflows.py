"""Repositories of workflows, their versions and executions."""

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, cast

from sqlalchemy import Executable, Integer, bindparam, func, or_, select

from domain.shared.ids import WorkflowExecutionId, WorkflowId
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Spec
from domain.work.workflow import Workflow, WorkflowVersion, WorkflowVersionHead
from domain.work.workflow_errors import WorkflowVersionNotFound
from domain.work.workflow_execution import UNDER_WAY, ExecutionStatus, WorkflowExecution
from domain.work.workflow_repositories import (
    IWorkflowExecutionRepository,
    IWorkflowVersionRepository,
    StepFailures,
    WorkflowMetrics,
)
from domain.work.workflow_specifications import version_of
from infrastructure.persistence import tenancy
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.workflows import (
    WorkflowExecutionRow,
    WorkflowRow,
    WorkflowStepRow,
    WorkflowVersionRow,
)
from infrastructure.persistence.reader import Query, SqlReader
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.session import Session
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf, UtcDateTime

_MOST_FAILURES = 20


class SqlWorkflowRepository(SqlRepository[Workflow]):
    """The organization's workflows."""

    mapper: ClassVar[Mapper[Workflow]] = Mapper(Workflow, WorkflowRow)


class _Heads(SqlReader[WorkflowVersionHead]):
    mapper: ClassVar[Mapper[WorkflowVersionHead]] = Mapper(WorkflowVersionHead, WorkflowVersionRow)


class SqlWorkflowVersionRepository(SqlRepository[WorkflowVersion], IWorkflowVersionRepository):
    """The organization's workflow versions."""

    mapper: ClassVar[Mapper[WorkflowVersion]] = Mapper(WorkflowVersion, WorkflowVersionRow)

    def __init__(self, session: Session) -> None:
        """Start empty."""
        super().__init__(session)
        self._heads = _Heads(session)

    async def get_version(self, workflow_id: WorkflowId, number: int) -> WorkflowVersion:
        """Return the version of a workflow with a number."""
        found = await self.find_one(version_of(workflow_id, number))
        if found is None:
            raise WorkflowVersionNotFound
        return found

    async def page_of_heads(self, spec: Spec[WorkflowVersionHead], request: PageRequest) -> Page[WorkflowVersionHead]:
        """Return one keyset page of versions without their definitions."""
        return await self._heads.page(spec, request)


class SqlWorkflowExecutionRepository(SqlRepository[WorkflowExecution], IWorkflowExecutionRepository):
    """The organization's workflow executions."""

    mapper: ClassVar[Mapper[WorkflowExecution]] = Mapper(WorkflowExecution, WorkflowExecutionRow)

    async def lock_free(self, ids: Collection[WorkflowExecutionId]) -> set[WorkflowExecutionId]:
        """Pass over those that somebody has."""
        if not ids:
            return set()
        found = await self._load(self._prepare("lock-free", self._lock_free), {"ids": sorted(ids)}, lock=True)
        return {execution.id for execution in found}

    async def ids_under_way(self, workflow_id: WorkflowId) -> list[WorkflowExecutionId]:
        """Return up to two executions of a workflow that have not ended."""
        rows = await self._session.rows(self._prepare("under_way", self._under_way), {"this_workflow": workflow_id})
        return [cast("WorkflowExecutionId", row[0]) for row in rows]

    async def get_workflow_metrics(self, workflow_id: WorkflowId, since: datetime) -> WorkflowMetrics:
        """Count executions by status, take two places in the order of durations, and count failures by step."""
        params = {"this_workflow": workflow_id, "since": since}
        rows = await self._session.rows(self._prepare("by_status", self._by_status), params)
        counts = {str(status): cast("int", count) for status, count in rows}
        failed = await self._session.rows(self._prepare("failures", self._failures), params)
        completed = counts.get(ExecutionStatus.COMPLETED.value, 0)
        return WorkflowMetrics(
            **{status.value: counts.get(status.value, 0) for status in ExecutionStatus},
            p50_ms=await self._duration(completed, 50, params),
            p95_ms=await self._duration(completed, 95, params),
            failures=[StepFailures(step=str(step), failures=cast("int", count)) for step, count in failed],
        )

    async def _duration(self, completed: int, percent: int, params: dict[str, object]) -> int | None:
        """Return the smallest duration that so many of a hundred do not exceed."""
        place = max(0, -(-completed * percent // 100) - 1)
        rows = await self._session.rows(self._prepare("duration", self._nth_duration), {**params, "place": place})
        return cast("int", rows[0][0]) if rows else None

    def _lock_free(self) -> Executable:
        some = AnyOf(self._id, bindparam("ids", type_=ListOf(Guid())))
        return self._select().where(some).order_by(self._id).with_for_update(key_share=True, skip_locked=True)

    def _under_way(self) -> Executable:
        c = self.mapper.table.c
        this = c.workflow_id == bindparam("this_workflow", type_=Guid())
        open_ = or_(*(c.status == status.value for status in sorted(UNDER_WAY)))
        return select(c.id).where(tenancy.wall(self.mapper.table), this, open_).limit(2)

    def _since(self, *columns: object) -> Query:
        table = self.mapper.table
        return select(*columns).where(  # type: ignore[call-overload,no-any-return]  # reason: columns of any number and type
            tenancy.wall(table),
            table.c.workflow_id == bindparam("this_workflow", type_=Guid()),
            table.c.created_at >= bindparam("since", type_=UtcDateTime()),
        )

    def _by_status(self) -> Executable:
        status = self.mapper.table.c.status
        return self._since(status, func.count()).group_by(status)

    def _nth_duration(self) -> Executable:
        table = self.mapper.table
        completed = table.c.status == ExecutionStatus.COMPLETED.value
        query = self._since(table.c.duration_ms).where(completed).order_by(table.c.duration_ms)
        return query.limit(1).offset(bindparam("place", type_=Integer()))

    def _failures(self) -> Executable:
        table, steps = self.mapper.table, WorkflowStepRow.__table__
        of = (steps.c.organization_id == table.c.organization_id) & (steps.c.execution_id == table.c.id)
        total = func.sum(steps.c.failures)
        query = self._since(steps.c.key, total).join_from(table, steps, of).where(steps.c.failures > 0)
        return query.group_by(steps.c.key).order_by(total.desc(), steps.c.key).limit(_MOST_FAILURES)
