"""What the end of a task means for others; part of the transaction that ends it."""

from datetime import datetime

from application.kernel.unit_of_work import IUnitOfWork
from domain.work.task import Task


async def completed(task: Task, uow: IUnitOfWork, now: datetime) -> None:
    """Tell the tasks that wait for this one; the last such news makes one of them claimable."""
    for waiting in await uow.tasks.lock_dependants(task.id):
        waiting.resolve(task.id, now)
