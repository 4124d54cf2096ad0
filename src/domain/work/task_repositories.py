"""Ports to tasks and their runs."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from attrs import frozen

from domain.shared.documents import Document
from domain.shared.ids import AgentId, TaskId, TaskRunId
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository
from domain.shared.specification import Spec
from domain.work.task import Task
from domain.work.task_run import Lease, RunOutcome, TaskRun


@frozen(kw_only=True)
class Taken:
    """Tasks that are locked for whoever claims them, and the time by the clock of the database."""

    tasks: list[Task]
    at: datetime


class ITaskRepository(IRepository[Task], Protocol):
    """The organization's tasks, the lanes they wait in and the tasks they wait for."""

    async def lock_many(self, ids: Iterable[UUID]) -> dict[UUID, Task]:
        """Return those that exist, by id, and hold their rows until the transaction ends."""
        ...

    async def newest_of_conversations(self, ids: Collection[UUID], each: int) -> list[Task]:
        """Return the newest tasks of every one of these conversations, so many of each at most, newest first."""
        ...

    async def find_pending_for_agent(self, lanes: Collection[str], now: datetime, limit: int) -> list[Task]:
        """Return what would be claimed from these lanes now, the most urgent first."""
        ...

    async def take_pending(self, lanes: Collection[str], now: datetime, limit: int) -> Taken:
        """Lock the most urgent tasks of these lanes that nobody else is just claiming."""
        ...

    async def take_expired(self, limit: int, lanes: Collection[str] | None = None) -> Taken:
        """Lock claimed tasks whose leases are over, with their runs: of these lanes, or of all."""
        ...

    async def get_dependencies(self, id: TaskId) -> list[Task]:
        """Return the tasks that one waits for, or did."""
        ...

    async def lock_dependants(self, id: TaskId) -> list[Task]:
        """Lock and return the unfinished tasks that wait for one, in a fixed order."""
        ...

    async def count_dependencies(self, id: TaskId) -> int:
        """Count the tasks that one waits for, or did."""
        ...

    async def waits_for(self, id: TaskId, other: TaskId) -> bool:
        """Say whether one task waits for another, directly or through any number of others."""
        ...

    async def add_dependencies(self, id: TaskId, others: Collection[TaskId]) -> None:
        """Remember that one task waits for others.

        Raises:
            DependencyExists: it does already.
        """
        ...

    async def remove_dependency(self, id: TaskId, other: TaskId) -> None:
        """Forget that one task waits for another.

        Raises:
            EntityNotFoundError: it does not.
        """
        ...


@frozen(kw_only=True)
class Beat:
    """When a lease ends now that it was extended, and the time by the clock of the database."""

    lease_until: datetime
    at: datetime


class ITaskRunRepository(Protocol):
    """The organization's runs: who works on which task until when, and what came of it."""

    async def page(self, spec: Spec[TaskRun], request: PageRequest) -> Page[TaskRun]:
        """Return one keyset page.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...

    async def open(
        self, tasks: Sequence[Task], *, agent_id: AgentId, worker: str, lease: timedelta, at: datetime
    ) -> dict[TaskId, Lease]:
        """Begin a run of each task, under leases that count from ``at`` by the clock of the database."""
        ...

    async def extend(self, task_id: TaskId, token: str) -> Beat | None:
        """Let a lease begin anew, or return None when the token is not that of an open run."""
        ...

    async def end(
        self, task_id: TaskId, token: str, outcome: RunOutcome, error: Document | None = None
    ) -> TaskRunId | None:
        """End the open run with this token, or return None when there is none."""
        ...

    async def end_open(self, task_ids: Collection[TaskId], outcome: RunOutcome, error: Document | None = None) -> None:
        """End whatever runs of these tasks are open."""
        ...

    async def has_ended(self, task_id: TaskId, token: str, outcome: RunOutcome) -> bool:
        """Say whether the run with this token has ended in this way."""
        ...
