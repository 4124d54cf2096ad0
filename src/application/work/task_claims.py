"""Working on tasks: claiming them under leases, staying alive, and saying how it went.

A claim gives a token. Only who holds the token of the open run can say anything about the task; everybody else, the
same agent before a restart included, is refused and changes nothing.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work import task_endings
from application.work.advancing import hold_execution, hold_free_executions
from application.work.task_fields import Batch, LeaseSeconds, Token, Worker
from application.work.task_views import ClaimsView, ClaimView, LeaseView, TaskView
from domain.agents.agent import AgentStatus
from domain.shared.documents import Document
from domain.shared.ids import AgentId, TaskId
from domain.shared.money import Money
from domain.work.lanes import lanes_of
from domain.work.task import Task
from domain.work.task_errors import AgentNotActive, AgentTimeoutError, TaskLeaseLost
from domain.work.task_repositories import Taken
from domain.work.task_run import LEASE, Lease, RunOutcome, timed_out

_TOKEN = "8e1f6a0c2b7d4e93a5c1f08b6d2e7a94"  # noqa: S105 - an example
_LEASE_SECONDS = round(LEASE.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTasks:
    """For which agent, how many tasks at most, and for how long without a heartbeat.

    `worker` is what the process calls itself, for people who read the history.
    """

    agent_id: AgentId
    limit: Batch = 1
    lease_seconds: LeaseSeconds = _LEASE_SECONDS
    worker: Worker = "agent"


@use_case(
    "tasks.claim",
    scope=Scope.TASKS_WORK,
    example={"limit": 1, "lease_seconds": 60, "worker": "harvester-1"},
    statements=14,
)
async def claim_tasks(cmd: ClaimTasks, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ClaimsView:
    """Take the most urgent tasks that wait for the agent, for one of its capabilities or for anybody.

    Each is the caller's alone until its lease ends, by the clock of the database. Who is not heard of by then loses
    the task, and the token with it. With nothing to do `data` is empty; ask again in a second or so.

    Errors: `not_found` for the agent, `agent_not_active`, `not_the_agent` when an agent claims for another one.
    """
    uow.actor.act_as(cmd.agent_id)
    now, agent = clock.now(), await uow.agents.get(cmd.agent_id)
    if agent.status is not AgentStatus.ACTIVE:
        raise AgentNotActive
    taken = await _take(uow, lanes_of(agent.id, agent.capabilities), cmd.limit, now, ids)
    for task in taken.tasks:
        task.claim(agent.id, now)
    lease = timedelta(seconds=cmd.lease_seconds)
    leases = await uow.task_runs.open(taken.tasks, agent_id=agent.id, worker=cmd.worker, lease=lease, at=taken.at)
    return ClaimsView(data=[_claim_view(task, leases[task.id]) for task in taken.tasks])


async def _take(uow: IUnitOfWork, lanes: list[str], limit: int, now: datetime, ids: IIds) -> Taken:
    """Lock waiting tasks; only where there are too few is it worth looking for leases that are over."""
    taken = await uow.tasks.take_pending(lanes, now, limit)
    if len(taken.tasks) == limit:
        return taken
    late = await uow.tasks.take_expired(limit - len(taken.tasks), lanes)
    again = await expire(uow, late.tasks, now, ids)
    return Taken(tasks=[*taken.tasks, *again], at=max(taken.at, late.at))


async def expire(uow: IUnitOfWork, late: list[Task], now: datetime, ids: IIds) -> list[Task]:
    """End runs that are past their leases, and return the tasks that can be claimed once more."""
    ours, executions = await hold_free_executions(uow, late)
    await uow.task_runs.end_open([task.id for task in ours], RunOutcome.TIMED_OUT, timed_out())
    for task in ours:
        task.expire(timed_out(), now)
    await task_endings.given_up(ours, executions, uow, now, ids)
    return [task for task in ours if not task.is_over]


def _claim_view(task: Task, lease: Lease) -> ClaimView:
    return ClaimView(
        task=TaskView.of(task), run_id=lease.run_id, token=lease.token, lease_until=lease.lease_until,
        times_out_at=lease.times_out_at,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatTask:
    """Which task, and the token of the claim."""

    id: TaskId
    token: Token


@use_case("tasks.heartbeat", scope=Scope.TASKS_WORK, example={"token": _TOKEN}, statements=2, keyless=True)
async def beat_task(cmd: BeatTask, uow: IUnitOfWork) -> LeaseView:
    """Say that the task is still being worked on: its lease begins anew. Send it three times as often as leases last.

    It changes the lease and nothing else, neither version nor history, and so is never replayed.

    Errors: `not_found`, `lease_lost` when the task is not the caller's any more, `agent_timeout` when the time for the
    attempt is over.
    """
    beat = await uow.task_runs.extend(cmd.id, cmd.token)
    if beat is None:
        await uow.tasks.get(cmd.id)
        raise TaskLeaseLost
    if beat.lease_until <= beat.at:
        raise AgentTimeoutError
    return LeaseView(id=cmd.id, lease_until=beat.lease_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTask:
    """Which task, the token of the claim, what came of the work and what it cost."""

    id: TaskId
    token: Token
    output: Document | None = None
    cost: Money | None = None


@use_case(
    "tasks.complete",
    scope=Scope.TASKS_WORK,
    example={"token": _TOKEN, "output": {"summary": "A good year."}, "cost": {"amount": 12, "currency": "EUR"}},
    statements=12,
)
async def complete_task(cmd: CompleteTask, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> TaskView:
    """Be done with a task; tasks that waited for this one alone can be claimed from then on.

    Saying so again with the same token answers with the completed task and changes nothing.

    Errors: `not_found`, `lease_lost` when the task is not the caller's any more, `document_invalid`, `amount_invalid`.
    """
    executions = await hold_execution(uow, cmd.id)
    task = await uow.tasks.get(cmd.id, lock=True)
    if await uow.task_runs.end(task.id, cmd.token, RunOutcome.COMPLETED) is None:
        if not await uow.task_runs.has_ended(task.id, cmd.token, RunOutcome.COMPLETED):
            raise TaskLeaseLost
        return TaskView.of(task)
    now = clock.now()
    task.complete(cmd.output, cmd.cost, now)
    await task_endings.completed(task, executions, uow, now, ids)
    return TaskView.of(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailTask:
    """Which task, the token of the claim, and what went wrong. Without `retry` there is no other attempt."""

    id: TaskId
    token: Token
    error: Document
    retry: bool = True


@use_case(
    "tasks.fail",
    scope=Scope.TASKS_WORK,
    example={
        "token": _TOKEN,
        "error": {"code": "source_unreachable", "message": "The report could not be read."},
        "retry": True,
    },
    statements=6,
)
async def fail_task(cmd: FailTask, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> TaskView:
    """End an attempt without success. There is another one after a pause, doubling from two seconds up to an hour.

    After the last attempt the task is `dead`, and without `retry` it is `failed`; `tasks.retry` revives either.

    Errors: `not_found`, `lease_lost` when the task is not the caller's any more, `document_invalid`.
    """
    executions = await hold_execution(uow, cmd.id)
    task = await _held(cmd.id, cmd.token, uow, RunOutcome.FAILED, cmd.error)
    task.fail(cmd.error, clock.now(), retry=cmd.retry, chance=random.random())  # noqa: S311 - jitter is no secret
    await task_endings.given_up([task], executions, uow, clock.now(), ids)
    return TaskView.of(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTask:
    """Which task, and the token of the claim."""

    id: TaskId
    token: Token


@use_case("tasks.release", scope=Scope.TASKS_WORK, example={"token": _TOKEN}, statements=5)
async def release_task(cmd: ReleaseTask, uow: IUnitOfWork, *, clock: IClock) -> TaskView:
    """Give a task back, for anybody to claim at once; the attempt does not count.

    Errors: `not_found`, `lease_lost` when the task is not the caller's any more.
    """
    task = await _held(cmd.id, cmd.token, uow, RunOutcome.RELEASED)
    task.release(clock.now())
    return TaskView.of(task)


async def _held(
    id: TaskId, token: str, uow: IUnitOfWork, outcome: RunOutcome, error: Document | None = None
) -> Task:  # fmt: skip
    """Lock a task whose open run has the token, and end the run."""
    task = await uow.tasks.get(id, lock=True)
    if await uow.task_runs.end(task.id, token, outcome, error) is None:
        raise TaskLeaseLost
    return task
