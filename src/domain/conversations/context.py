"""The part of a conversation that an agent is given to go on with."""

import math
from collections.abc import Sequence

from attrs import frozen

from domain.conversations.message import Message
from domain.conversations.message_parts import MessageRole

MAX_CONTEXT = 200
"""How many messages are given at most, whatever the budget of tokens."""


@frozen(kw_only=True)
class ContextWindow:
    """Messages in their order, the ``summary`` first; ``complete`` when the limits left nothing out."""

    messages: Sequence[Message]
    token_count: int
    summary: Message | None
    complete: bool


def context_window(
    recent: Sequence[Message], *, summary: Message | None, total: int, max_messages: int, max_tokens: int | None
) -> ContextWindow:
    """Choose the newest messages that fit, behind the latest summary, which has the first claim on the room.

    The window never has a hole: choosing ends with the first message that does not fit. Behind the summary it never
    begins with the answer of a tool whose call is not in it, which no model could make sense of. A summary that does
    not fit is left out. Both limits hold whatever happens, so that the window may be empty.

    Args:
        recent: the newest messages that the summary does not stand for, in their order.
        summary: the latest one.
        total: how many messages there are that the summary does not stand for.
        max_messages: how many messages the window may have.
        max_tokens: how many tokens, or None for any number.
    """
    left = math.inf if max_tokens is None else max_tokens
    leading = [summary] if summary is not None and summary.token_count <= left and max_messages else []
    left -= sum(message.token_count for message in leading)
    chosen = _newest(recent, max_messages - len(leading), left)
    messages = [*leading, *chosen]
    return ContextWindow(
        messages=messages,
        token_count=sum(message.token_count for message in messages),
        summary=leading[0] if leading else None,
        complete=len(chosen) == total and (summary is None or bool(leading)),
    )


def _newest(recent: Sequence[Message], room: int, left: float) -> list[Message]:
    first = len(recent)
    while first > 0 and len(recent) - first < room and recent[first - 1].token_count <= left:
        first -= 1
        left -= recent[first].token_count
    while first < len(recent) and recent[first].role is MessageRole.TOOL:
        first += 1
    return list(recent[first:])
