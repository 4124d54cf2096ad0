"""What conversations and messages promise through their use-cases."""

from typing import cast

import pytest

from application.kernel.actor import Actor
from domain.conversations.conversation import ConversationClosed, ConversationNotDeleted
from domain.conversations.message import InvalidMessage
from domain.shared.errors import NotFound
from tests.support.races import race
from tests.support.rows import open_rows
from tests.support.stack import Body, Stack


async def begun(stack: Stack, actor: Actor, **given: object) -> str:
    """Begin a conversation and return its id."""
    return str((await stack.run("conversations.create", actor, **given))["id"])


async def say(stack: Stack, actor: Actor, conversation: str, content: str, role: str = "user", **given: object) -> Body:
    """Append a message."""
    return await stack.run("messages.append", actor, conversation_id=conversation, role=role, content=content, **given)


async def said(stack: Stack, actor: Actor, conversation: str) -> list[Body]:
    """Return all messages of a conversation, which are less than a page."""
    return cast(
        "list[Body]", (await stack.run("messages.list", actor, conversation_id=conversation, limit=100))["data"]
    )


def positions(messages: list[Body]) -> list[object]:
    return [message["position"] for message in messages]


async def test_messages_stand_in_the_order_in_which_they_were_said(stack: Stack) -> None:
    """Positions count from 1, and the conversation knows how many there are and when the last one was said."""
    actor = await stack.organization()
    conversation = await begun(stack, actor, title="A broken grinder")
    for content in ("It is broken.", "Which one?"):
        await say(stack, actor, conversation, content)
    last = await say(stack, actor, conversation, "The grinder.")
    messages = await said(stack, actor, conversation)
    assert [(m["position"], m["content"]) for m in messages] == [
        (1, "It is broken."), (2, "Which one?"), (3, "The grinder."),
    ]  # fmt: skip
    shown = await stack.run("conversations.get", actor, id=conversation)
    assert (shown["message_count"], shown["last_message_at"]) == (3, last["created_at"])
    assert shown["version"] == 4


async def test_fifty_who_speak_at_once_take_fifty_positions_without_a_gap(stack: Stack) -> None:
    """Nobody takes another one's place, and none is left out."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    raced = await race(say(stack, actor, conversation, f"Voice {n}") for n in range(50))
    assert sorted(cast("list[int]", positions(raced.won))) == list(range(1, 51))
    assert positions(await said(stack, actor, conversation)) == list(range(1, 51))
    assert (await stack.run("conversations.get", actor, id=conversation))["message_count"] == 50


async def test_nothing_is_said_in_a_closed_conversation_until_it_is_reopened(stack: Stack) -> None:
    """A closed conversation can be read and not written; it goes on where it stopped."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    await say(stack, actor, conversation, "That is all.")
    closed = await stack.run("conversations.close", actor, id=conversation)
    assert closed["status"] == "closed"
    with pytest.raises(ConversationClosed):
        await say(stack, actor, conversation, "One more thing.")
    await stack.run("conversations.reopen", actor, id=conversation)
    assert (await say(stack, actor, conversation, "One more thing."))["position"] == 2


async def test_a_deleted_conversation_takes_its_messages_along_and_brings_them_back(stack: Stack) -> None:
    """Neither lists, searches nor ids find what was said in it; restored, everything is there again."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    message = await say(stack, actor, conversation, "Hidden treasure")
    await stack.run("conversations.delete", actor, id=conversation)
    for name, given in (("messages.get", {"id": message["id"]}), ("messages.list", {"conversation_id": conversation})):
        with pytest.raises(NotFound):
            await stack.run(name, actor, **given)
    assert (await stack.run("messages.search", actor, text="treasure"))["data"] == []
    await stack.run("conversations.restore", actor, id=conversation)
    assert (await stack.run("messages.get", actor, id=message["id"]))["content"] == "Hidden treasure"


async def test_purging_erases_what_was_said_everywhere(stack: Stack) -> None:
    """Only a deleted conversation can be purged; then neither the messages nor the audit repeat what was said."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    await say(stack, actor, conversation, "Forget the word petrichor")
    with pytest.raises(ConversationNotDeleted):
        await stack.run("conversations.purge", actor, id=conversation)
    await stack.run("conversations.delete", actor, id=conversation)
    purged = await stack.run("conversations.purge", actor, id=conversation)
    assert purged["messages"] == 1
    async with open_rows(stack.urls) as rows:
        assert await rows.count("messages", actor.organization_id) == 0
        for table in ("audit_entries", "outbox", "conversations"):
            assert "petrichor" not in str(await rows.of(table, actor.organization_id))


async def test_a_summary_stands_for_what_was_said_before_it(stack: Stack) -> None:
    """The context begins with the latest summary; one that goes back behind it is refused."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    for n in range(1, 6):
        await say(stack, actor, conversation, f"Sentence {n}")
    await say(stack, actor, conversation, "They counted.", "assistant", summary_up_to=4)
    await say(stack, actor, conversation, "And then?")
    context = await stack.run("conversations.get_context", actor, id=conversation)
    assert positions(cast("list[Body]", context["messages"])) == [6, 5, 7]
    assert context["complete"] is True
    with pytest.raises(InvalidMessage):
        await say(stack, actor, conversation, "Less.", "assistant", summary_up_to=3)


async def test_a_context_keeps_to_its_budget(stack: Stack) -> None:
    """The newest messages come first, and neither limit is exceeded."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    for n in range(1, 9):
        await say(stack, actor, conversation, f"Sentence {n}", token_count=10)
    context = await stack.run("conversations.get_context", actor, id=conversation, max_tokens=35)
    assert positions(cast("list[Body]", context["messages"])) == [6, 7, 8]
    assert (context["token_count"], context["complete"]) == (30, False)
    few = await stack.run("conversations.get_context", actor, id=conversation, max_messages=2)
    assert positions(cast("list[Body]", few["messages"])) == [7, 8]


async def test_who_takes_part_must_be_there(stack: Stack) -> None:
    """A customer of somebody else's, and a user who is no member, are absent."""
    actor, other = await stack.organization(), await stack.organization()
    theirs = await stack.run("customers.create", other, email="eve@example.org", name="Eve")
    with pytest.raises(NotFound):
        await begun(stack, actor, customer_id=theirs["id"])
