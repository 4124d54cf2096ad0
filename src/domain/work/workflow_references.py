"""References in inputs and outputs: ``{"from": "params.region"}`` and ``{"from": "quote.output.total"}``.

A reference is an object with the single member ``from``. Its first word is ``params`` or the key of a step, which is
followed by ``output``; the words after that lead into the value, by member or by index. Everything else is a literal.
"""

import re
from collections.abc import Iterator, Mapping

from domain.shared.documents import Document, check_document
from domain.work.workflow_errors import InvalidStepReference

MAX_REFERENCES = 50
"""Of one step's input."""

PARAMS = "params"
_WORD = re.compile(r"[A-Za-z0-9_-]{1,60}")
_MAX_WORDS = 12


class InputUnresolved(InvalidStepReference):
    """An earlier output, or a parameter, does not have what a reference leads to."""

    code = "workflow_input_unresolved"
    summary = "An earlier output does not have what the step's input refers to."


def references(template: object) -> Iterator[str]:
    """Yield every reference in a template, as it is written."""
    match template:
        case {"from": str() as path, **rest} if not rest:
            yield path
        case dict():
            for value in template.values():
                yield from references(value)
        case list():
            for value in template:
                yield from references(value)


def source_of(reference: str) -> str:
    """Return the first word of a well-formed reference: ``params``, or the key of the step whose output is meant.

    Raises:
        InvalidStepReference: it cannot be read.
    """
    words = reference.split(".")
    if len(words) > _MAX_WORDS or any(_WORD.fullmatch(word) is None for word in words) or len(words) < 2:
        raise InvalidStepReference
    if words[0] != PARAMS and words[1] != "output":
        raise InvalidStepReference
    return words[0]


def steps_in(template: Mapping[str, object]) -> set[str]:
    """Return the keys of the steps whose outputs a checked template refers to."""
    return {source_of(reference) for reference in references(template)} - {PARAMS}


def resolve(
    template: Mapping[str, object], params: Mapping[str, object], outputs: Mapping[str, object], *, strict: bool
) -> Document:
    """Return the template with every reference replaced by what it leads to.

    Args:
        template: of a step's input, or of an execution's output.
        params: the execution's input.
        outputs: outputs of steps by key.
        strict: a reference that leads nowhere is refused; otherwise it becomes null.

    Raises:
        InputUnresolved: see ``strict``.
        InvalidDocument: the result is too large.
    """
    known = {PARAMS: params, **{key: {"output": output} for key, output in outputs.items()}}
    return check_document({name: _resolved(value, known, strict=strict) for name, value in template.items()})


def _resolved(template: object, known: Mapping[str, object], *, strict: bool) -> object:
    match template:
        case {"from": str() as path, **rest} if not rest:
            return _follow(path, known, strict=strict)
        case dict():
            return {name: _resolved(value, known, strict=strict) for name, value in template.items()}
        case list():
            return [_resolved(value, known, strict=strict) for value in template]
    return template


def _follow(path: str, known: Mapping[str, object], *, strict: bool) -> object:
    found: object = known
    for word in path.split("."):
        if isinstance(found, Mapping) and word in found:
            found = found[word]
        elif isinstance(found, list) and word.isdecimal() and int(word) < len(found):
            found = found[int(word)]
        elif strict:
            raise InputUnresolved
        else:
            return None
    return found
