"""Creating many tasks at once."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.imports import MAX_ROWS, Checked, ImportCommand, ImportView, import_rows
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.tasks import NewTask
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import TaskId
from domain.work.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateManyTasks(ImportCommand):
    """Tasks as `tasks.create` takes them, but for `depends_on`, and what a bad row means for the good ones."""

    rows: Annotated[list[Checked[NewTask]], Len(1, MAX_ROWS)]


@use_case(
    "tasks.create_many",
    scope=Scope.TASKS_WRITE,
    example={
        "rows": [{"title": "Count the beans", "type": "count", "input": {"silo": 4}, "priority": 3}],
        "on_error": "abort",
    },
    statements=9,
)
async def create_many_tasks(cmd: CreateManyTasks, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ImportView:
    """Create up to a thousand tasks at once; a bad row means none (`abort`) or all the others (`skip`).

    On the command line `stoa run tasks.create_many --json @FILE` takes a JSON array or JSON Lines of any length. Tasks
    that depend on others are made by `tasks.create`.

    Errors: `not_found` for agents, conversations and parents that the rows refer to, `rows_refused` names each bad row;
    per row those of `tasks.create`.
    """
    await _check_references([row.value for row in cmd.rows if row.value is not None], uow)
    now, owner = clock.now(), uow.actor.organization_id
    return await import_rows(
        cmd,
        cmd.rows,
        uow.tasks,
        lambda row: Task.create(row.plan(), id=TaskId(ids.new()), organization_id=owner, now=now),
        {},
    )


async def _check_references(rows: list[NewTask], uow: IUnitOfWork) -> None:
    """Refuse references to what the organization does not have, in a statement for each kind that is referred to."""
    agents = {row.agent_id for row in rows if row.agent_id is not None}
    conversations = {row.conversation_id for row in rows if row.conversation_id is not None}
    parents = {row.parent_id for row in rows if row.parent_id is not None}
    found = {
        *await uow.agents.get_many(agents),
        *await uow.conversations.get_many(conversations),
        *await uow.tasks.get_many(parents),
    }
    if not found >= agents | conversations | parents:
        raise EntityNotFoundError
