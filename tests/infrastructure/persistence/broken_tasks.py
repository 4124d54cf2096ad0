"""Every way in which tasks can break a constraint of their tables, behind the back of the domain."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from domain.shared.errors import StoaError, ValidationError
from domain.shared.ids import TaskId
from domain.work.task import Task
from domain.work.task_errors import DependencyExists, TaskClaimed
from domain.work.task_plan import TaskPlan, TaskStatus
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.broken_agents import an_agent
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


def a_task(shop: Shop) -> Task:
    """Make a task that nobody has stored yet."""
    return Task.create(
        TaskPlan(title="Count the beans", input={}, metadata={}), id=TaskId(shop.stack.ids.new()),
        organization_id=shop.actor.organization_id, now=shop.stack.clock.now(),
    )  # fmt: skip


def _a_task_with(**wrong: object) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        task = a_task(shop)
        for name, value in wrong.items():
            setattr(task, name, value)
        uow.tasks.add(task)

    return break_it


async def _the_same_dependency_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    task, other = a_task(shop), a_task(shop)
    await uow.tasks.add_many([task, other])
    for _ in range(2):
        await uow.tasks.add_dependencies(task.id, [other.id])


async def _two_open_runs(shop: Shop, uow: SqlUnitOfWork) -> None:
    task, agent = a_task(shop), an_agent(shop)
    uow.agents.add(agent)
    uow.tasks.add(task)
    await uow.flush()
    for _ in range(2):
        await uow.task_runs.open(
            [task], agent_id=agent.id, worker="w", lease=timedelta(seconds=60), at=shop.stack.clock.now()
        )


BROKEN_TASKS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_task_dependencies_organization_id_task_id_depends_on_id": (_the_same_dependency_twice, DependencyExists),
    "uq_task_runs_open": (_two_open_runs, TaskClaimed),
    "ck_tasks_dependencies_counted": (_a_task_with(open_dependencies=-1), ValidationError),
    "ck_tasks_claimed_by_status": (_a_task_with(status=TaskStatus.CLAIMED), ValidationError),
    "ck_tasks_blocked_by_something": (_a_task_with(status=TaskStatus.BLOCKED), ValidationError),
    "ck_tasks_attempts_capped": (_a_task_with(attempt=9), ValidationError),
}
