"""Questions about tasks and their runs."""

from datetime import datetime

from domain.shared.ids import AgentId, ConversationId, TaskId
from domain.shared.specification import Contains, Equal, Everything, GreaterOrEqual, LessThan, Spec
from domain.work.task import Task
from domain.work.task_plan import TaskStatus
from domain.work.task_run import RunOutcome, TaskRun


def tasks_matching(
    *,
    status: TaskStatus | None = None,
    agent_id: AgentId | None = None,
    conversation_id: ConversationId | None = None,
    parent_id: TaskId | None = None,
    type: str | None = None,
) -> Spec[Task]:
    """Tasks with exactly the values that are given."""
    asked = {
        "status": status, "agent_id": agent_id, "conversation_id": conversation_id, "parent_id": parent_id,
        "type": type,
    }  # fmt: skip
    found: Spec[Task] = Everything()
    for field, value in asked.items():
        if value is not None:
            found &= Equal(field, value)
    return found


def search_tasks(
    *,
    conversation_id: ConversationId | None = None,
    agent_id: AgentId | None = None,
    status: TaskStatus | None = None,
    term: str | None = None,
    due_from: datetime | None = None,
    due_before: datetime | None = None,
) -> Spec[Task]:
    """Tasks with these values, the term in title or description, and due from one moment on and before another."""
    found = tasks_matching(conversation_id=conversation_id, agent_id=agent_id, status=status)
    if term is not None:
        found &= Contains("title", term) | Contains("description", term)
    if due_from is not None:
        found &= GreaterOrEqual("due_at", due_from)
    return found if due_before is None else found & LessThan("due_at", due_before)


def runs_matching(
    *, task_id: TaskId | None = None, agent_id: AgentId | None = None, outcome: RunOutcome | None = None
) -> Spec[TaskRun]:
    """Runs with exactly the values that are given."""
    found: Spec[TaskRun] = Everything()
    for field, value in (("task_id", task_id), ("agent_id", agent_id), ("outcome", outcome)):
        if value is not None:
            found &= Equal(field, value)
    return found
