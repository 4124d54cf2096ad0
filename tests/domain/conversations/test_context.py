"""The part of a conversation that an agent is given."""

from hypothesis import given
from hypothesis import strategies as st

from domain.conversations.context import ContextWindow, context_window
from domain.conversations.conversation import Conversation
from domain.conversations.message import Message
from domain.conversations.message_parts import MessageRole
from domain.conversations.specifications import not_summarized
from tests.domain.conversations.builders import a_conversation, a_draft, append

_ROLES = st.sampled_from([MessageRole.USER, MessageRole.ASSISTANT, MessageRole.TOOL])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Conversation, list[Message]]:
    """Make a conversation of up to thirty messages, some of them summaries."""
    conversation, messages = a_conversation(), list[Message]()
    for _ in range(draw(st.integers(0, 30))):
        role, tokens = draw(_ROLES), draw(st.integers(0, 50))
        given_: dict[str, object] = {"role": role, "token_count": tokens}
        if role is MessageRole.TOOL:
            given_["tool_call_id"] = "call_1"
        behind = conversation.summary_up_to or 1
        if role is MessageRole.ASSISTANT and messages and draw(st.integers(0, 4)) == 0:
            given_["summary_up_to"] = draw(st.integers(behind, len(messages)))
        messages.append(append(conversation, a_draft("Hello", **given_)))  # type: ignore[arg-type]  # reason: named fields
    return conversation, messages


def window(
    conversation: Conversation, messages: list[Message], max_messages: int, max_tokens: int | None
) -> ContextWindow:  # fmt: skip
    """Choose as the use-case does, which reads no more messages than the window may have."""
    wanted = not_summarized(conversation)
    recent = [message for message in messages if wanted.is_satisfied_by(message)]
    summary = messages[conversation.summary_position - 1] if conversation.summary_position else None
    assert conversation.unsummarized == len(recent)
    return context_window(
        recent[-max_messages:], summary=summary, total=len(recent), max_messages=max_messages, max_tokens=max_tokens
    )


@given(conversations(), st.integers(1, 40), st.none() | st.integers(0, 400))
def test_a_window_keeps_to_its_limits_and_ends_with_the_newest(
    made: tuple[Conversation, list[Message]], max_messages: int, max_tokens: int | None
) -> None:
    """It never has too many messages or tokens, no hole, and nothing newer than what it shows is left out."""
    conversation, messages = made
    found = window(conversation, messages, max_messages, max_tokens)
    assert len(found.messages) <= max_messages
    assert found.token_count == sum(message.token_count for message in found.messages)
    assert max_tokens is None or found.token_count <= max_tokens
    wanted = not_summarized(conversation)
    recent = [message.position for message in messages if wanted.is_satisfied_by(message)]
    shown = [message.position for message in found.messages if message is not found.summary]
    assert shown == recent[len(recent) - len(shown) :]


@given(conversations(), st.integers(1, 40), st.none() | st.integers(0, 400))
def test_a_window_begins_at_the_latest_summary_when_it_fits(
    made: tuple[Conversation, list[Message]], max_messages: int, max_tokens: int | None
) -> None:
    """The summary has the first claim on the room, and behind it no tool answers a call that is not shown."""
    conversation, messages = made
    found = window(conversation, messages, max_messages, max_tokens)
    summaries = [message for message in messages if message.is_summary]
    fits = bool(summaries) and (max_tokens is None or summaries[-1].token_count <= max_tokens)
    assert (found.summary is not None) == fits
    if found.summary is not None:
        assert found.messages[0] is found.summary is summaries[-1]
    rest = [message for message in found.messages if message is not found.summary]
    assert not rest or rest[0].role is not MessageRole.TOOL


@given(conversations(), st.integers(1, 40), st.integers(0, 400))
def test_a_window_has_no_room_for_one_more(
    made: tuple[Conversation, list[Message]], max_messages: int, max_tokens: int
) -> None:
    """What is left out next would exceed a limit, or is the answer of a tool."""
    conversation, messages = made
    found = window(conversation, messages, max_messages, max_tokens)
    wanted = not_summarized(conversation)
    recent = [message for message in messages if wanted.is_satisfied_by(message)]
    shown = len(found.messages) - (found.summary is not None)
    assert found.complete == (shown == len(recent) and (found.summary is not None or not conversation.summary_position))
    if shown < len(recent) and recent[len(recent) - shown - 1].role is not MessageRole.TOOL:
        left_out = recent[len(recent) - shown - 1]
        trimmed = shown < len(recent) and any(m.role is MessageRole.TOOL for m in recent[: len(recent) - shown])
        full = len(found.messages) == max_messages or found.token_count + left_out.token_count > max_tokens
        assert full or trimmed
