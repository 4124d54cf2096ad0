"""Leases that are over: found for every organization, ended in the name of each."""

from dataclasses import dataclass

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.task_claims import expire
from application.work.task_fields import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireLeases:
    """How many tasks at most."""

    limit: Batch = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredView:
    """How many leases were over; as many as the limit means that there may be more."""

    expired: int


@use_case(
    "tasks.expire_leases",
    scope=Scope.TASKS_WORK,
    example={"limit": 100},
    statements=10,
    internal="The sweeper does this by itself, a moment after a lease is over.",
)
async def expire_leases(cmd: ExpireLeases, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ExpiredView:
    """Take tasks from agents that were not heard of in time; they can be claimed again, or are dead.

    Each such run ends with the error `agent_timeout`.
    """
    late = await uow.tasks.take_expired(cmd.limit)
    await expire(uow, late.tasks, clock.now(), ids)
    return ExpiredView(expired=len(late.tasks))
