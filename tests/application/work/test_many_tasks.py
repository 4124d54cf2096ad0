"""Thousands of tasks at once."""

import pytest

from application.kernel.imports import MAX_ROWS, RowsRefused
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import AgentId
from tests.support.stack import Body, Stack
from tests.support.use_cases import absent_id


def rows(count: int, **more: object) -> list[Body]:
    return [{"title": f"Count silo {n}", "input": {"silo": n}, **more} for n in range(count)]


async def test_ten_thousand_tasks_are_ten_commands(stack: Stack) -> None:
    """Each of a thousand rows, in one transaction each."""
    actor = await stack.organization()
    for _ in range(10):
        answer = await stack.run("tasks.create_many", actor, rows=rows(MAX_ROWS))
        assert (answer["imported"], answer["errors"]) == (MAX_ROWS, [])
    listed = await stack.run("tasks.list", actor, limit=1, include_total=True)
    assert listed["total"] == 10 * MAX_ROWS


async def test_a_bad_row_means_none_or_all_the_others(stack: Stack) -> None:
    """It is named by its number either way."""
    actor = await stack.organization()
    some = [*rows(2), {"title": "<b>", "input": {}}, *rows(1)]
    with pytest.raises(RowsRefused):
        await stack.run("tasks.create_many", actor, rows=some)
    answer = await stack.run("tasks.create_many", actor, rows=some, on_error="skip")
    assert (answer["imported"], answer["skipped"]) == (3, 1)


async def test_tasks_for_nobody_are_refused(stack: Stack) -> None:
    """An agent that is not there is not found, and nothing is kept."""
    actor = await stack.organization()
    with pytest.raises(EntityNotFoundError):
        await stack.run("tasks.create_many", actor, rows=[*rows(1), *rows(1, agent_id=absent_id(AgentId))])
    assert (await stack.run("tasks.list", actor, include_total=True))["total"] == 0
