"""Conversations and the tasks that came of them."""

from dataclasses import replace
from typing import cast

import pytest

from application.kernel.actor import Actor, Scope
from domain.shared.errors import InsufficientPermissions, NotFound, ValidationError
from domain.shared.ids import AgentId
from tests.application.work.test_conversations import begun
from tests.support.crowd import statements
from tests.support.rows import open_rows
from tests.support.stack import Body, Stack
from tests.support.use_cases import absent_id

TASK = {"title": "Look the order up", "input": {"order": 42}}


async def listed(stack: Stack, actor: Actor, **given: object) -> list[Body]:
    return cast("list[Body]", (await stack.run("conversations.find_with_tasks", actor, limit=100, **given))["data"])


async def test_a_conversation_begins_with_its_task(stack: Stack) -> None:
    """The task belongs to the conversation, and is its agent's unless it names another one."""
    actor = await stack.organization()
    agents = [await stack.run("agents.create", actor, name=f"Agent {n}", type="worker") for n in range(2)]
    own = await stack.run("conversations.create_with_task", actor, agent_id=agents[0]["id"], task=TASK)
    other = await stack.run(
        "conversations.create_with_task", actor, agent_id=agents[0]["id"], task={**TASK, "agent_id": agents[1]["id"]}
    )
    tasks = [cast("list[Body]", made["tasks"])[0] for made in (own, other)]
    assert [task["agent_id"] for task in tasks] == [agents[0]["id"], agents[1]["id"]]
    assert [task["conversation_id"] for task in tasks] == [own["id"], other["id"]]
    assert (await stack.run("tasks.get", actor, id=tasks[0]["id"]))["input"] == {"order": 42}


async def test_neither_is_there_when_one_is_refused(stack: Stack) -> None:
    """An agent who is not there, or a task that cannot be, leaves no conversation behind."""
    actor = await stack.organization()
    late = {**TASK, "not_before": "2031-05-02T00:00:00Z", "due_at": "2031-05-01T00:00:00Z"}
    with pytest.raises(ValidationError):
        await stack.run("conversations.create_with_task", actor, task=late)
    with pytest.raises(NotFound):
        await stack.run("conversations.create_with_task", actor, task={**TASK, "agent_id": absent_id(AgentId)})
    async with open_rows(stack.urls) as rows:
        assert [await rows.count(table, actor.organization_id) for table in ("conversations", "tasks")] == [0, 0]


async def test_conversations_and_their_tasks_take_two_statements(stack: Stack) -> None:
    """However many there are, those without a task too; each has its own tasks, the newest first."""
    actor, other = await stack.organization(), await stack.organization()
    await stack.run("conversations.create_with_task", other, task=TASK)
    sent, found = list[int](), list[Body]()
    for count in (1, 12):
        for n in range(count):
            conversation = await begun(stack, actor)
            for number in range(n):
                title = f"Task {number}"
                await stack.run("tasks.create", actor, title=title, conversation_id=conversation)
        with statements() as seen:
            found = await listed(stack, actor)
        sent.append(len(seen))
    assert sent == [2, 2]
    titles = [[task["title"] for task in cast("list[Body]", each["tasks"])] for each in found]
    assert titles[:12] == [[f"Task {number}" for number in reversed(range(n))] for n in reversed(range(12))]


async def test_no_more_than_fifty_tasks_of_each_are_shown(stack: Stack) -> None:
    """The newest ones."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    for n in range(52):
        await stack.run("tasks.create", actor, title=f"Task {n}", conversation_id=conversation)
    shown = cast("list[Body]", (await listed(stack, actor))[0]["tasks"])
    assert [task["title"] for task in shown] == [f"Task {n}" for n in reversed(range(2, 52))]


async def test_tasks_need_their_own_scope(stack: Stack) -> None:
    """Who may write or read conversations alone neither creates nor sees tasks through them."""
    actor = await stack.organization()
    limited = replace(actor, scopes=frozenset(Scope) - {Scope.TASKS_WRITE, Scope.TASKS_READ})
    with pytest.raises(InsufficientPermissions):
        await stack.run("conversations.create_with_task", limited, task=TASK)
    with pytest.raises(InsufficientPermissions):
        await stack.run("conversations.find_with_tasks", limited)


async def test_purging_a_conversation_takes_its_tasks_along(stack: Stack) -> None:
    """What was to be done for a conversation is as gone as what was said in it."""
    actor = await stack.organization()
    made = await stack.run("conversations.create_with_task", actor, task=TASK)
    await stack.run("conversations.delete", actor, id=made["id"])
    await stack.run("conversations.purge", actor, id=made["id"])
    async with open_rows(stack.urls) as rows:
        assert [await rows.count(table, actor.organization_id) for table in ("conversations", "tasks")] == [0, 0]
