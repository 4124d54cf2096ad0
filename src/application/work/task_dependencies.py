"""Which tasks wait for which: a graph without cycles."""

from dataclasses import dataclass
from datetime import UTC, datetime

from application.kernel.actor import Scope
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.task_views import TasksView, TaskView
from domain.shared.ids import TaskId
from domain.work.task_errors import DependencyCycle

_GRAPH, _ALWAYS = "task_graph", datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTaskDependency:
    """Which task, and the one that has to be completed before it."""

    id: TaskId
    depends_on_id: TaskId


@use_case("tasks.add_dependency", scope=Scope.TASKS_WRITE, example={}, statements=9)
async def add_task_dependency(cmd: AddTaskDependency, uow: IUnitOfWork, *, clock: IClock) -> TaskView:
    """Have a task wait for another one; it is `blocked` until that one is completed.

    Errors: `not_found` for either task, `dependency_cycle`, `dependency_exists`,
    `dependency_limit`, `task_claimed`, `task_finished`.
    """
    # One at a time in an organization: two edges that are each sound could close a cycle together.
    await uow.numbers.next(_GRAPH, _ALWAYS)
    if cmd.depends_on_id == cmd.id or await uow.tasks.waits_for(cmd.depends_on_id, cmd.id):
        raise DependencyCycle
    # The one that ends first is locked first, as it is when it is completed.
    other = await uow.tasks.get(cmd.depends_on_id, lock=True)
    task = await uow.tasks.get(cmd.id, lock=True)
    edges = await uow.tasks.count_dependencies(task.id)
    await uow.tasks.add_dependencies(task.id, [other.id])
    task.depend_on(other, clock.now(), edges=edges)
    return TaskView.of(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTaskDependency:
    """Which task, and the one it is no longer to wait for."""

    id: TaskId
    depends_on_id: TaskId


@use_case("tasks.remove_dependency", scope=Scope.TASKS_WRITE, example={}, destructive=True, statements=6)
async def remove_task_dependency(cmd: RemoveTaskDependency, uow: IUnitOfWork, *, clock: IClock) -> TaskView:
    """Have a task wait for another one no longer; without any left it can be claimed.

    Errors: `not_found` for the task or the dependency.
    """
    other = await uow.tasks.get(cmd.depends_on_id, lock=True)
    task = await uow.tasks.get(cmd.id, lock=True)
    await uow.tasks.remove_dependency(task.id, other.id)
    task.stop_waiting_for(other, clock.now())
    return TaskView.of(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTaskDependencies:
    """Which task."""

    id: TaskId


@use_case("tasks.list_dependencies", scope=Scope.TASKS_READ, example={}, read_only=True, statements=2)
async def list_task_dependencies(cmd: ListTaskDependencies, uow: IUnitOfWork) -> TasksView:
    """Return the tasks that one waits for, those that are completed included; there are 100 at most.

    Errors: `not_found`.
    """
    task = await uow.tasks.get(cmd.id)
    return TasksView.of(await uow.tasks.get_dependencies(task.id))
