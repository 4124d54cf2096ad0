"""Finding messages by their words: the same ones on both databases, and those that the domain says."""

import re
from typing import cast

import asyncpg
import pytest

from application.kernel.actor import Actor
from domain.conversations.words import InvalidSearch, read_search, says_all
from domain.shared.errors import NotFound
from infrastructure.persistence.cursor import InvalidCursor
from tests.application.work.test_conversations import begun, say
from tests.support.stack import Body, Stack

TEXTS = (
    "The grinder arrived broken.",
    "Äpfel und Birnen aus der Straße",
    "apfelsaft, KAFFEE; e-mail an ana@example.com",
    "naïve café – 12.50 € for 2 cups of cafe\u0301",
    "O'Brien: select * from users; drop table messages -- & | ! :* <script>",
    "東京 2026 キャンプ",
    "grinders grind GRINDING ground",
    "...",
)
QUERIES = (
    "grinder", "GRINDER broken", "broken the arrived", "grind*", "äpfel", "ÄPFEL STRASSE", "Apfel", "apfel*",
    "straße", "mail ana", "e-mail", "café", "CAFÉ 12", "50", "o'brien", "select drop", "script", "messages -- & |",
    "東京", "キャ*", "2026 東京", "nothing", "grinder grinders", "users:*", "\\'; --x", "ground grind*",
)  # fmt: skip


async def found(stack: Stack, actor: Actor, text: str, **given: object) -> list[str]:
    """Return the contents of the messages that a search finds."""
    page = await stack.run("messages.search", actor, text=text, limit=100, **given)
    return [str(message["content"]) for message in cast("list[Body]", page["data"])]


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Return the operator of an organization in which all the texts were said."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    for text in TEXTS:
        await say(stack, actor, conversation, text)
    return actor


async def test_a_search_finds_what_the_domain_says(stack: Stack, actor: Actor) -> None:
    """For every query the newest messages first, of those that have all its words and no others."""
    for query in QUERIES:
        said = [text for text in reversed(TEXTS) if says_all(read_search(query), text)]
        assert [t.replace("café", "cafe\u0301") for t in await found(stack, actor, query)] == [
            t.replace("café", "cafe\u0301") for t in said
        ], query


async def test_a_search_stays_in_its_organization_and_its_conversation(stack: Stack, actor: Actor) -> None:
    """Another organization's words are not found, and another conversation's not when one is named."""
    other = await stack.organization()
    theirs, ours = await begun(stack, other), await begun(stack, actor)
    await say(stack, other, theirs, "Their grinder")
    await say(stack, actor, ours, "Our grinder")
    assert await found(stack, actor, "grinder") == ["Our grinder", "The grinder arrived broken."]
    assert await found(stack, actor, "grinder", conversation_id=ours) == ["Our grinder"]
    assert await found(stack, other, "grinder") == ["Their grinder"]
    with pytest.raises(NotFound):
        await found(stack, actor, "grinder", conversation_id=theirs)


async def test_pages_of_a_search_follow_each_other(stack: Stack, actor: Actor) -> None:
    """Newest first and none twice; a cursor belongs to its words."""
    conversation = await begun(stack, actor)
    for n in range(7):
        await say(stack, actor, conversation, f"Page {n}")
    seen: list[object] = []
    cursor: dict[str, object] = {}
    while True:
        page = await stack.run("messages.search", actor, text="page", limit=3, include_total=True, **cursor)
        assert page["total"] == 7
        seen += [message["content"] for message in cast("list[Body]", page["data"])]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [f"Page {n}" for n in reversed(range(7))]
    with pytest.raises(InvalidCursor):
        await stack.run("messages.search", actor, text="other", limit=3, **cursor)


async def test_a_search_for_no_word_is_refused(stack: Stack, actor: Actor) -> None:
    """It would find everything."""
    with pytest.raises(InvalidSearch):
        await found(stack, actor, "… !")


CROWD = """
INSERT INTO messages (organization_id, id, version, created_at, created_by, updated_at, updated_by, conversation_id,
    position, role, content, words, tool_calls, attachments, token_count, tokens_estimated)
SELECT organization_id, gen_random_uuid(), 1, created_at, created_by, updated_at, updated_by, conversation_id,
    position + n, role, content, 'hay number n' || n, tool_calls, attachments, 1, true
FROM messages, generate_series(1, 3000) n WHERE organization_id = $1
"""


async def test_words_are_found_by_their_index_behind_row_security(pg_stack: Stack) -> None:
    """Among thousands PostgreSQL reads the index on words, to which the organization belongs, and no other messages."""
    actor = await pg_stack.organization()
    conversation = await begun(pg_stack, actor)
    await say(pg_stack, actor, conversation, "A needle")
    connection = await asyncpg.connect(pg_stack.urls.superuser)
    try:
        await connection.execute(CROWD, actor.organization_id)
        await connection.execute("VACUUM ANALYZE messages")
        body = await connection.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'stoa_search_messages'")
        for n, name in enumerate(("wanted", "within", "before", "most"), start=1):
            body = re.sub(rf"\b{name}\b", f"${n}", body)
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE stoa_auth; SET LOCAL plan_cache_mode = force_generic_plan")
            await connection.execute(f"SET LOCAL app.organization_id = '{actor.organization_id}'")
            await connection.execute(f"PREPARE found (text, uuid, uuid, bigint) AS {body}")
            plan = await connection.fetch("EXPLAIN EXECUTE found ('needle', NULL, NULL, 10)")
    finally:
        await connection.close()
    assert "ix_messages_words" in str(plan), plan
    assert await found(pg_stack, actor, "needle") == ["A needle"]
