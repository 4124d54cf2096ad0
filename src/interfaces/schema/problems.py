"""What is wrong with a command, field by field, without a word of what was sent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic_core import ErrorDetails

from application.kernel.imports import RowsRefused
from application.settlements.x402 import required
from domain.settlements.demand import PaymentDemanded
from domain.shared.errors import StoaError, ValidationError

# Names are repeated when they look like names of fields; anything else in their place is input.
_FIELD_NAME = re.compile("[a-z][a-z0-9_]{0,39}")
_HIDDEN = "?"
MAX_ERRORS = 100
"""How many of a command's errors are told; who makes more made the same one again and again."""

_TYPES = {
    "int_type": "Must be an integer.",
    "bool_type": "Must be true or false.",
    "string_type": "Must be a string.",
    "list_type": "Must be a list.",
    "tuple_type": "Must be a list.",
    "dict_type": "Must be an object.",
    "dataclass_type": "Must be an object.",
}
_RULES = {
    "missing": ("required", "This field is required."),
    "unexpected_keyword_argument": ("unknown_field", "There is no such field."),
    "extra_forbidden": ("unknown_field", "There is no such field."),
    "string_unicode": ("text_invalid", "The text is not acceptable: surrogate."),
    "greater_than_equal": ("out_of_range", "Must be at least {ge}."),
    "less_than_equal": ("out_of_range", "Must be at most {le}."),
    "too_short": ("length_invalid", "Must have at least {min_length} items."),
    "too_long": ("length_invalid", "Must have at most {max_length} items."),
    "literal_error": ("choice_invalid", "Must be {expected}."),
    "enum": ("choice_invalid", "Must be {expected}."),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule. ``path`` joins field names and list positions with dots; it is empty for the whole command."""

    path: str
    code: str
    message: str


class InvalidCommand(ValidationError):
    """The fields do not make a command; ``errors`` has every problem at once, up to a hundred."""

    summary: ClassVar[str] = "Some fields are invalid."

    def __init__(self, errors: Sequence[FieldError]) -> None:
        """Keep the first of them."""
        super().__init__()
        self.errors = list(errors[:MAX_ERRORS])


def unknown_field(name: str) -> FieldError:
    """Report a field that the command does not have, or that is not to be given in this place."""
    return FieldError(_shown(name), *_RULES["extra_forbidden"])


def sentence(error: StoaError) -> str:
    """Return the message of a domain error, with its reason when it names one."""
    reason = error.details.get("reason")
    if reason is None:
        return error.message
    return f"{error.message.removesuffix('.')}: {str(reason).replace('_', ' ')}."


class InternalError(StoaError):
    """A mistake of ours. What it was is in the log, under the request id, and nowhere else."""

    code = "internal_error"
    summary = "Something went wrong on our side."


def problem_body(error: StoaError, request_id: str, *, resource: str = "", **more: object) -> dict[str, object]:
    """Return what every face tells of a failure; ``more`` is what one face adds after the title.

    What has to be paid for first says so in the words of x402 as well, for the ``resource`` that was asked for.
    """
    demand = required(error, resource) if isinstance(error, PaymentDemanded) else {}
    return {
        "type": f"urn:stoa:error:{error.code}",
        "title": type(error).summary,
        **more,
        "detail": sentence(error),
        "code": error.code,
        "request_id": request_id,
        "errors": errors_of(error),
        **demand,
    }


def errors_of(error: StoaError) -> list[FieldError]:
    """Return what is wrong with which field, as far as the failure is one of fields."""
    if isinstance(error, InvalidCommand):
        return error.errors
    if isinstance(error, RowsRefused):
        return [FieldError(_row_path(e.row - error.first_row, e.path), e.code, e.message) for e in error.errors]
    path = error.details.get("path")
    return [] if path is None else [FieldError(str(path), error.code, sentence(error))]


def _row_path(index: int, path: str) -> str:
    return f"rows.{index}.{path}" if path else f"rows.{index}"


def field_errors(details: Sequence[ErrorDetails]) -> list[FieldError]:
    """Translate the validator's findings into stable codes."""
    return [_field_error(detail) for detail in details[:MAX_ERRORS]]


def _field_error(detail: ErrorDetails) -> FieldError:
    path = ".".join(str(part) if isinstance(part, int) else _shown(part) for part in detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _TYPES:
        return FieldError(path, "type_invalid", _TYPES[kind])
    if kind in _RULES:
        code, message = _RULES[kind]
        return FieldError(path, code, message.format_map(context))
    # Everything else is an error of the domain, raised by a check of ours under its own code.
    return FieldError(path, kind, detail["msg"])


def _shown(name: str) -> str:
    return name if _FIELD_NAME.fullmatch(name) else _HIDDEN
