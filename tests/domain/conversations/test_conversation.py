"""Conversations and the messages in them, without a database."""

import pytest

from domain.conversations.conversation import ConversationClosed, ConversationExtendedEvent, ConversationNotDeleted
from domain.conversations.message import Draft, InvalidMessage, estimated_tokens
from domain.conversations.message_parts import (
    Attachment,
    InvalidAttachment,
    InvalidToolCall,
    MessageRole,
    ToolCall,
)
from domain.shared.errors import InvalidTransition
from domain.shared.text import InvalidText
from tests.domain.conversations.builders import NOON, a_conversation, a_draft, append, filled

CALL = ToolCall(id="call_1", name="look_up", arguments={"order": "ord_1", "deep": {"list": [1, True, None]}})
FILE = Attachment(name="photo.jpg", media_type="image/jpeg", size=52_000)


def test_many_messages_at_once_are_one_fact_about_the_conversation() -> None:
    """However many are appended in one unit of work, the conversation says from where to where."""
    conversation, messages = filled([1, 2, 3])
    facts = [each.event for each in conversation.pull_events()]
    assert facts[1:] == [ConversationExtendedEvent(first_position=1, last_position=3)]
    assert [message.position for message in messages] == [1, 2, 3]
    assert conversation.version == 1


def test_a_refused_message_leaves_no_gap() -> None:
    """What is refused takes no position."""
    conversation, _ = filled([1])
    with pytest.raises(InvalidMessage):
        append(conversation, a_draft("   "))
    assert conversation.message_count == 1
    assert append(conversation, a_draft()).position == 2


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (a_draft(""), "empty"),
        (a_draft("Hello", tool_calls=[CALL]), "only_an_assistant_calls_tools"),
        (a_draft("42", MessageRole.TOOL), "exactly_a_tool_answers_a_call"),
        (a_draft("42", tool_call_id="call_1"), "exactly_a_tool_answers_a_call"),
        (a_draft("So far.", summary_up_to=1), "only_system_and_assistant_summarize"),
        (a_draft("So far.", MessageRole.ASSISTANT, summary_up_to=2), "not_an_earlier_position"),
        (a_draft("You.", in_reply_to=2), "not_an_earlier_position"),
        (a_draft("You.", in_reply_to=0), "not_an_earlier_position"),
        (a_draft("Much.", token_count=-1), "out_of_range"),
    ],
)
def test_the_parts_of_a_message_fit_its_role(draft: Draft, reason: str) -> None:
    """The second message of a conversation can only refer to the first."""
    conversation, _ = filled([1])
    with pytest.raises(InvalidMessage) as refused:
        append(conversation, draft)
    assert refused.value.details["reason"] == reason


@pytest.mark.parametrize(
    "draft",
    [
        a_draft("", MessageRole.ASSISTANT, tool_calls=[CALL]),
        a_draft("42", MessageRole.TOOL, tool_call_id="call_1"),
        a_draft("", attachments=[FILE]),
        a_draft("<script>alert(1)</script>"),
        a_draft("So far.", MessageRole.SYSTEM, summary_up_to=1),
    ],
)
def test_what_fits_is_kept_as_it_is(draft: Draft) -> None:
    """A call needs no text, nor does a file; markup is text like any other."""
    conversation, _ = filled([1])
    message = append(conversation, draft)
    assert (message.content, message.role) == (draft.content, draft.role)
    assert (list(message.tool_calls), list(message.attachments)) == (list(draft.tool_calls), list(draft.attachments))


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([CALL] * 33, "too_many"),
        ([CALL, CALL], "id_twice"),
        ([ToolCall(id="1", name="write", arguments={"text": "x" * 20_000})], "too_large"),
    ],
)
def test_tool_calls_are_bounded(calls: list[ToolCall], reason: str) -> None:
    """They are few, apart from each other, and together no longer than two messages."""
    with pytest.raises(InvalidToolCall) as refused:
        append(a_conversation(), a_draft("", MessageRole.ASSISTANT, tool_calls=calls))
    assert refused.value.details["reason"] == reason


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Attachment(name="a", media_type="jpeg", size=1), "media_type"),
        (Attachment(name="a", media_type="image/jpeg", size=-1), "size"),
        (Attachment(name="a", media_type="image/jpeg", size=1, sha256="z" * 64), "sha256"),
        (Attachment(name="a", media_type="image/jpeg", size=1, url="javascript:alert(1)"), "url"),
    ],
)
def test_attachments_are_described_properly(wrong: Attachment, reason: str) -> None:
    """A type, a size, perhaps a digest and an address that a browser may follow."""
    with pytest.raises(InvalidAttachment) as refused:
        append(a_conversation(), a_draft(attachments=[wrong]))
    assert refused.value.details["reason"] == reason
    with pytest.raises(InvalidAttachment):
        append(a_conversation(), a_draft(attachments=[FILE] * 33))


def test_a_message_has_ten_thousand_characters_at_most() -> None:
    """One more is refused."""
    assert append(a_conversation(), a_draft("x" * 10_000)).token_count == 2_500
    with pytest.raises(InvalidText):
        append(a_conversation(), a_draft("x" * 10_001))


def test_tokens_are_estimated_when_nobody_counted_them() -> None:
    """One for every four bytes of UTF-8 and of the calls' names and arguments, and never none."""
    assert [estimated_tokens(text) for text in ("", "four", "five5", "ä" * 4)] == [1, 1, 2, 2]
    assert estimated_tokens("", [ToolCall(id="1", name="look", arguments={"order": "ord_1"})]) == 4
    counted = append(a_conversation(), a_draft(token_count=7))
    assert (counted.token_count, counted.tokens_estimated) == (7, False)
    assert append(a_conversation(), a_draft()).tokens_estimated


def test_a_summary_goes_no_further_back_than_the_one_before_it() -> None:
    """What was stood for stays stood for."""
    conversation, _ = filled([1, 1, 1])
    append(conversation, a_draft("So far.", MessageRole.ASSISTANT, summary_up_to=2))
    with pytest.raises(InvalidMessage):
        append(conversation, a_draft("Less.", MessageRole.ASSISTANT, summary_up_to=1))
    append(conversation, a_draft("More.", MessageRole.ASSISTANT, summary_up_to=4))
    assert (conversation.summary_position, conversation.summary_up_to, conversation.unsummarized) == (5, 4, 0)


def test_a_closed_conversation_goes_on_only_when_it_is_reopened() -> None:
    """Closing twice changes nothing, reopening an open one is refused."""
    conversation, _ = filled([1])
    conversation.close(NOON)
    conversation.pull_events()
    conversation.close(NOON)
    assert conversation.pull_events() == []
    with pytest.raises(ConversationClosed):
        append(conversation, a_draft())
    conversation.reopen(NOON)
    with pytest.raises(InvalidTransition):
        conversation.reopen(NOON)
    assert append(conversation, a_draft()).position == 2


def test_only_a_deleted_conversation_is_purged() -> None:
    """Erasing takes two steps."""
    conversation = a_conversation()
    with pytest.raises(ConversationNotDeleted):
        conversation.ensure_purgeable()
    conversation.delete(NOON, "operator")
    conversation.ensure_purgeable()
