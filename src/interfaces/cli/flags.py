"""A command's fields as flags, and flags as the JSON values that the validator expects."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import click

from application.kernel.patch import UNSET
from domain.shared.errors import MalformedInput
from interfaces.schema.json_text import decode_json
from interfaces.schema.shapes import (
    INT64_MAX,
    INT64_MIN,
    Boolean,
    Cash,
    Choice,
    Dictionary,
    Field,
    Identifier,
    Integer,
    Items,
    Lenient,
    Metadata,
    Moment,
    Nullable,
    Optional,
    Record,
    Shape,
    Text,
)
from interfaces.schema.text_values import read_values


class FieldOption(click.Option):
    """A flag for a field or a part of one. No flag is required for the parser: the validator reports them all at once.

    Attributes:
        path: the field's name, with dots before its parts.
        shape: what the field is, once given.
        negates: this is the ``--no-…`` of a boolean.
    """

    def __init__(self, path: str, shape: Shape, number: int, note: str = "", *, negates: bool = False) -> None:
        """Declare the flag; ``number`` tells its value apart from the others'."""
        self.path, self.shape, self.negates = path, shape, negates
        names = [f"--{'no-' if negates else ''}{_kebab(path)}", f"field_{number}"]
        if negates:
            super().__init__(names, is_flag=True, default=None, help=note)
            return
        complete = partial(_complete, _words(shape))
        metavar = _metavar(shape)
        if isinstance(shape, Boolean):
            # It needs no value; a value given all the same counts.
            super().__init__(
                names, is_flag=False, flag_value="true", type=click.STRING, metavar=metavar, help=note,
                shell_complete=complete,
            )  # fmt: skip
            return
        many = isinstance(shape, Items | Metadata)
        super().__init__(names, type=click.STRING, multiple=many, metavar=metavar, help=note, shell_complete=complete)


def field_options(record: Record) -> list[FieldOption]:
    """Return the flags of a command, in the order of its fields."""
    options: list[FieldOption] = []
    for path, shape, note in _parts(record.fields):
        options.append(FieldOption(path, shape, len(options), note))
        if isinstance(shape, Boolean):
            options.append(FieldOption(path, shape, len(options), f"The same as --{_kebab(path)} false.", negates=True))
    return options


def read_flags(record: Record, options: Iterable[FieldOption], given: Mapping[str, object]) -> dict[str, object]:
    """Return the data that the flags say; text that does not read as its field's type stays text.

    Args:
        record: the command.
        options: its flags.
        given: click's values by name of the option.
    """
    text: dict[str, str | list[str]] = {}
    data: dict[str, object] = {}
    for option in options:
        value = given.get(option.name or "")
        values = [str(v) for v in value] if isinstance(value, tuple) else [str(value)]
        if value is None or not values:
            continue
        content = _structured(option.shape, values)
        if content is not None:
            data = merged(data, _nested(option.path, content))
        elif option.negates:
            text[option.path] = "false"
        else:
            text[option.path] = values if option.multiple else values[0]
    return merged(data, read_values(record, text))


def merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Lay one object over another; objects within are merged, everything else is replaced."""
    result = dict(under)
    for key, value in over.items():
        present = result.get(key)
        result[key] = merged(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
    return result


def bare(shape: Shape) -> Shape:
    """Return the shape of a value that is there."""
    return bare(shape.inner) if isinstance(shape, Nullable | Optional | Lenient) else shape


def _parts(fields: Iterable[Field], prefix: str = "") -> Iterator[tuple[str, Shape, str]]:
    for field in fields:
        path, shape = prefix + field.name, bare(field.shape)
        yield path, shape, _note(field, shape)
        if isinstance(shape, Cash):
            yield f"{path}.amount", Integer(), "In minor units: 1250 EUR is 12.50 EUR."
            yield f"{path}.currency", Text(), "ISO 4217."
        elif isinstance(shape, Record):
            yield from _parts(shape.fields, f"{path}.")


def _note(field: Field, shape: Shape) -> str:
    notes = ["Required."] if field.required else []
    if isinstance(shape, Integer):
        notes += [f"At least {shape.minimum}."] if shape.minimum != INT64_MIN else []
        notes += [f"At most {shape.maximum}."] if shape.maximum != INT64_MAX else []
    elif isinstance(shape, Items | Metadata):
        notes.append("Repeatable.")
    if isinstance(field.shape, Optional) and isinstance(field.shape.inner, Nullable):
        notes.append(f"Cleared by --json '{{\"{field.name}\": null}}'.")
    if not field.required and field.default not in (UNSET, None, "", ()):
        default = field.default
        notes.append(f"[default: {str(default).lower() if isinstance(default, bool) else default}]")
    return " ".join(notes)


def _metavar(shape: Shape) -> str:
    match shape:
        case Integer():
            return "INTEGER"
        case Moment():
            return "RFC3339"
        case Identifier(prefix=prefix):
            return f"{prefix}_…"
        case Metadata():
            return "KEY=VALUE|JSON"
        case Items(item=item):
            return _metavar(bare(item))
        case Cash() | Dictionary() | Record():
            return "JSON"
    words = _words(shape)
    return f"[{'|'.join(words)}]" if words else "TEXT"


def _words(shape: Shape) -> tuple[str, ...]:
    match shape:
        case Choice(values=values):
            return values
        case Boolean():
            return ("true", "false")
        case Items(item=item):
            return _words(bare(item))
    return ()


def _complete(words: tuple[str, ...], _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _kebab(path: str) -> str:
    return path.replace("_", "-")


def _structured(shape: Shape, values: list[str]) -> object:
    """Return what the values of one flag say when it takes more than words; None when it takes words."""
    match shape:
        case Cash() | Dictionary() | Record():
            return _json_object(values[0])
        case Items(item=item) if isinstance(bare(item), Cash | Record):
            return [_json_object(value) or value for value in values]
        case Metadata():
            return _metadata(values)
    return None


def _metadata(values: list[str]) -> object:
    entries: dict[str, object] = {}
    for value in values:
        key, separator, text = value.partition("=")
        content = _json_object(value)
        if content is None and not separator:
            return value  # No object, as the validator will say.
        entries |= {key: text} if content is None else content
    return entries


def _json_object(text: str) -> dict[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = decode_json(text.encode())
    except (MalformedInput, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) else None


def _nested(path: str, value: object) -> dict[str, object]:
    head, dot, rest = path.partition(".")
    return {head: _nested(rest, value) if dot else value}
