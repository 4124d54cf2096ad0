"""JSON documents: what callers keep with Stoa in a form of their own, such as a task's input and its output."""

import json
import math
from collections.abc import Mapping

from domain.shared.errors import ValidationError

type Document = dict[str, object]
"""An object whose members are JSON: text, whole and other numbers, booleans, null, lists and objects."""

MAX_DEPTH = 16
MAX_NODES = 20_000
MAX_CHARACTERS = 262_144
_MAX_INT = 2**53


class InvalidDocument(ValidationError):
    """The document breaks a rule; ``reason`` names it. What is in it is never repeated."""

    code = "document_invalid"
    summary = "The JSON document is not acceptable."


def check_document(document: Mapping[str, object]) -> Document:
    """Return the document, which any JSON reader and both databases give back as it is.

    Text is kept verbatim: it is only ever served as JSON.

    Raises:
        InvalidDocument: nested deeper than 16 levels; more than 20,000 values or 262,144 characters; a whole number
            beyond ±2**53 or one that is not finite; text with U+0000 or half a character; anything JSON cannot say.
    """
    level: list[object] = [dict(document)]
    nodes = characters = 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        characters += sum(_weigh(value) for value in level)
        if nodes > MAX_NODES or characters > MAX_CHARACTERS:
            raise _refused("too_large")
        level = [child for value in level for child in _children(value)]
        if not level:
            return dict(document)
    raise _refused("too_deep")


def merge_patch(document: Mapping[str, object], patch: Mapping[str, object]) -> Document:
    """Return the document with a merge patch applied (RFC 7396): null removes a member, objects merge.

    Raises:
        InvalidDocument: patch or result is none, as in :func:`check_document`.
    """
    return check_document(_merged(document, check_document(patch)))


def same_document(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    """Say whether two documents are the same JSON; Python alone would hold 1, 1.0 and true to be equal."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _merged(target: object, patch: Mapping[str, object]) -> Document:
    # As deep as the patch, which was checked.
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value) if isinstance(value, Mapping) else value
    return merged


def _children(value: object) -> list[object]:
    match value:
        case dict():
            return [*value.keys(), *value.values()]
        case list():
            return value
    return []


def _weigh(value: object) -> int:
    """Return how many characters a value has of its own."""
    match value:
        case None | bool() | dict() | list():
            return 1
        case int():
            if not -_MAX_INT <= value <= _MAX_INT:
                raise _refused("integer_out_of_range")
            return 1
        case float():
            if not math.isfinite(value):
                raise _refused("number_not_finite")
            return 1
        case str():
            if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
                raise _refused("control_character")
            return len(value)
    raise _refused("type")


def _refused(reason: str) -> InvalidDocument:
    return InvalidDocument(reason=reason)
