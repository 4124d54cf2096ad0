"""A command line that would run a use-case."""

import json
import shlex
from collections.abc import Iterator, Mapping
from enum import Enum

from application.kernel.use_case import UseCase
from application.kernel.wire import to_wire
from domain.shared.money import Money
from interfaces.cli.flags import bare
from interfaces.schema.shapes import Identifier, Record


def command_line(use_case: UseCase, record: Record) -> str:
    """Return the use-case's example as flags, with the kind of id where one is needed."""
    words = ["stoa", "run", use_case.name]
    for field in record.fields:
        shape = bare(field.shape)
        if field.name in use_case.example:
            words += _flags(field.name.replace("_", "-"), use_case.example[field.name])
        elif field.required and isinstance(shape, Identifier):
            words += [f"--{field.name.replace('_', '-')}", f"{shape.prefix}_…"]
    if use_case.money:
        words += ["--idempotency-key", "2030-0001"]
    return " ".join(word if word.endswith("_…") else shlex.quote(word) for word in words)


def _flags(name: str, value: object) -> Iterator[str]:
    plain = to_wire(value) if isinstance(value, Money | Enum) else value
    if isinstance(plain, bool):
        yield f"--{'' if plain else 'no-'}{name}"
    elif isinstance(plain, list | tuple):
        for item in plain:
            yield from (f"--{name}", _word(item))
    elif isinstance(plain, Mapping) and plain.keys() == {"amount", "currency"}:
        yield from (f"--{name}.amount", _word(plain["amount"]), f"--{name}.currency", _word(plain["currency"]))
    elif plain is not None:
        yield from (f"--{name}", _word(plain))


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
