"""What the end of a task means for others; part of the transaction that ends it."""

from collections.abc import Sequence
from datetime import datetime

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.work.advancing import Executions, tasks_ended
from domain.work.task import Task


async def completed(task: Task, executions: Executions, uow: IUnitOfWork, now: datetime, ids: IIds) -> None:
    """Tell the tasks that wait for this one; the last such news makes one of them claimable. Workflows advance."""
    for waiting in await uow.tasks.lock_dependants(task.id):
        waiting.resolve(task.id, now)
    await tasks_ended(uow, [task], executions, now=now, ids=ids)


async def given_up(tasks: Sequence[Task], executions: Executions, uow: IUnitOfWork, now: datetime, ids: IIds) -> None:
    """Tell the workflows that those of the tasks which are over are steps of."""
    await tasks_ended(uow, tasks, executions, now=now, ids=ids)
