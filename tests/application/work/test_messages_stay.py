"""Messages are never changed: neither by the application nor by anybody else at the database."""

import asyncpg
import pytest

from application.kernel.actor import Actor
from tests.application.work.test_conversations import begun, said, say
from tests.support.stack import Stack

CHANGES = (
    "UPDATE messages SET content = 'I never said that.'",
    "UPDATE messages SET position = position + 1",
    "DELETE FROM messages",
    "TRUNCATE messages",
    "TRUNCATE conversations CASCADE",
)


async def execute(stack: Stack, url: str, actor: Actor, sql: str) -> None:
    """Run a statement for an organization past every wall of ours."""
    if not stack.urls.is_postgres:
        async with stack.database.engine.begin() as engine:
            await engine.exec_driver_sql(sql)
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.organization_id = '{actor.organization_id}'")
            await connection.execute(sql)
    finally:
        await connection.close()


@pytest.mark.parametrize("change", CHANGES)
async def test_nobody_changes_what_was_said(stack: Stack, change: str) -> None:
    """Neither the application nor the superuser, who would have to switch the guard off first."""
    if change.startswith("TRUNCATE") and not stack.urls.is_postgres:
        return
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    await say(stack, actor, conversation, "I said that.")
    before = await said(stack, actor, conversation)
    for url in {stack.urls.app, stack.urls.superuser}:
        with pytest.raises(Exception, match=r"append-only|permission denied|referenced in a foreign key"):
            await execute(stack, url, actor, change)
    assert await said(stack, actor, conversation) == before
