"""A run: one claim of a task by an agent, and what came of it.

Runs are the execution history of tasks and hold the leases. They are rows that only claims make and ends close, not
aggregates: what happens to a task is recorded by the task.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import define, frozen

from domain.shared.documents import Document
from domain.shared.ids import AgentId, OrganizationId, TaskId, TaskRunId
from domain.work.task_errors import AgentTimeoutError

LEASE = timedelta(seconds=60)
SHORTEST_LEASE = timedelta(seconds=1)
LONGEST_LEASE = timedelta(hours=1)


class RunOutcome(StrEnum):
    """How a run ended; a released one was given back, a timed out one was taken away."""

    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


@define(kw_only=True, eq=False)
class TaskRun:
    """One claim. ``worker`` is what the process called itself; the token that fences it off is never shown.

    ``lease_until`` is by the clock of the database, and never later than ``times_out_at``.
    """

    id: TaskRunId
    organization_id: OrganizationId
    task_id: TaskId
    agent_id: AgentId
    worker: str
    attempt: int
    started_at: datetime
    lease_until: datetime
    times_out_at: datetime | None
    ended_at: datetime | None
    outcome: RunOutcome | None
    error: Document | None


@frozen(kw_only=True)
class Lease:
    """A claim as it is handed to whoever works: without the token nothing can be said about the task any more."""

    run_id: TaskRunId
    token: str
    started_at: datetime
    lease_until: datetime
    times_out_at: datetime | None


def timed_out() -> Document:
    """Return the error of a run whose lease ended without a word."""
    return {"code": AgentTimeoutError.code, "message": AgentTimeoutError.summary}
