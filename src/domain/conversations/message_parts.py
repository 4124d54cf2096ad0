"""What a message carries besides its text."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import evolve, field, frozen

from domain.shared.documents import Document, check_document
from domain.shared.errors import ValidationError
from domain.shared.text import NAME, TextRule

MAX_TOOL_CALLS = 32
MAX_ATTACHMENTS = 32
MAX_SIZE = 2**53
CALL_ID = TextRule(max_length=100)
TOOL_NAME = TextRule(max_length=100)
MEDIA_TYPE = TextRule(max_length=127)
SHA256 = TextRule(max_length=64, min_length=64)
URL = TextRule(max_length=2_000, markup=True)
_CALL_CHARACTERS = 20_000
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_HEX = re.compile("[0-9a-f]{64}")


class InvalidToolCall(ValidationError):
    """The tool calls break a rule; ``reason`` names it."""

    code = "tool_call_invalid"
    summary = "The tool calls are not acceptable."


class InvalidAttachment(ValidationError):
    """The attachments break a rule; ``reason`` names it."""

    code = "attachment_invalid"
    summary = "The attachments are not acceptable."


class MessageRole(StrEnum):
    """Who speaks: the instructions, a person, the agent, or a tool that answers a call of the agent's."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@frozen(kw_only=True)
class ToolCall:
    """A tool that the agent wants to be run; its result is a message of role tool with the same ``id``."""

    id: str
    name: str
    arguments: Document = field(factory=dict)


@frozen(kw_only=True)
class Attachment:
    """What is known of a file that came with a message. The file itself is kept elsewhere, perhaps at ``url``."""

    name: str
    media_type: str
    size: int
    sha256: str | None = None
    url: str | None = None


def check_tool_calls(calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """Return the calls with their text in canonical form.

    Raises:
        InvalidToolCall: more than 32, two with one id, or more than 20,000 characters in all of them together.
        InvalidText: an id or a name is not acceptable.
        InvalidDocument: arguments are not acceptable.
    """
    if len(calls) > MAX_TOOL_CALLS:
        raise InvalidToolCall(path="tool_calls", reason="too_many")
    checked = tuple(
        ToolCall(id=CALL_ID.check(call.id), name=TOOL_NAME.check(call.name), arguments=check_document(call.arguments))
        for call in calls
    )
    if len({call.id for call in checked}) < len(checked):
        raise InvalidToolCall(path="tool_calls", reason="id_twice")
    if sum(characters_of(call) for call in checked) > _CALL_CHARACTERS:
        raise InvalidToolCall(path="tool_calls", reason="too_large")
    return checked


def characters_of(call: ToolCall) -> int:
    """Return how long a call is: its name, and what its arguments are without punctuation."""
    return len(call.name) + _characters(call.arguments)


def _characters(value: object) -> int:
    match value:
        case Mapping():
            return sum(len(str(name)) + _characters(each) for name, each in value.items())
        case list():
            return sum(_characters(each) for each in value)
    return len(str(value))


def check_attachments(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Return the attachments with their text in canonical form.

    Raises:
        InvalidAttachment: more than 32; a media type that is none; a size below 0 or above 2**53; a digest that is
            not 64 hexadecimal digits; an address that is neither https nor http.
        InvalidText: a name or an address is not acceptable.
    """
    if len(attachments) > MAX_ATTACHMENTS:
        raise InvalidAttachment(path="attachments", reason="too_many")
    return tuple(_attachment(each) for each in attachments)


def _attachment(given: Attachment) -> Attachment:
    media_type = given.media_type.strip().lower()
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        raise InvalidAttachment(path="attachments", reason="media_type")
    if not 0 <= given.size <= MAX_SIZE:
        raise InvalidAttachment(path="attachments", reason="size")
    sha256 = None if given.sha256 is None else given.sha256.lower()
    if sha256 is not None and _HEX.fullmatch(sha256) is None:
        raise InvalidAttachment(path="attachments", reason="sha256")
    url = None if given.url is None else URL.check(given.url)
    if url is not None and not url.lower().startswith(("https://", "http://")):
        raise InvalidAttachment(path="attachments", reason="url")
    return evolve(given, name=NAME.check(given.name), media_type=media_type, sha256=sha256, url=url)
