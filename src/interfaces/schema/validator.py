"""Shapes into validators that run in compiled code, and call our checks only for text, ids and money."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict

from pydantic_core import PydanticCustomError, ValidationError
from pydantic_core import core_schema as core

from application.kernel.imports import Checked, RowProblem
from domain.shared.documents import check_document
from domain.shared.errors import StoaError
from domain.shared.ids import decode_id
from domain.shared.metadata import check_metadata
from domain.shared.money import MAX_MINOR, InvalidAmount, Money
from interfaces.schema.moments import parse_moment
from interfaces.schema.problems import field_errors, sentence
from interfaces.schema.shapes import (
    Anything,
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
    Notation,
    Nullable,
    Optional,
    Record,
    Shape,
    Text,
)


class _Parts(TypedDict):
    amount: int
    currency: str


_STRING = core.str_schema(strict=True)


def core_of(shape: Shape) -> core.CoreSchema:
    """Return the validator's plan for a shape.

    Raises:
        TypeError: the shape is one that only views can have.
    """
    match shape:
        case Text() | Notation():
            return _checked(shape.rule.check if isinstance(shape, Text) else shape.read, _STRING)
        case Integer(minimum=minimum, maximum=maximum):
            return core.int_schema(strict=True, ge=minimum, le=maximum)
        case Identifier(prefix=prefix):
            return _checked(partial(decode_id, prefix), _STRING)
        case Choice(values=values, enum=enum):
            return core.enum_schema(enum, list(enum)) if enum else core.literal_schema(list(values))
        case Nullable(inner=inner) | Lenient(inner=inner):
            plan = core_of(inner)
            lenient = isinstance(shape, Lenient)
            return core.no_info_wrap_validator_function(_row, plan) if lenient else core.nullable_schema(plan)
        case Items() | Record():
            return _items(shape) if isinstance(shape, Items) else _record(shape)
        case Dictionary(item=Anything()):
            return _checked(check_document, core.dict_schema(core.str_schema(strict=True), strict=True))
    if type(shape) not in _FIXED:
        raise TypeError(f"{type(shape).__name__} cannot be part of a command")
    return _FIXED[type(shape)]()


def _checked[T](check: Callable[[T], object], schema: core.CoreSchema) -> core.CoreSchema:
    """Run a check of the domain after the type is known to be right; its error keeps its code."""

    def run(value: T) -> object:
        try:
            return check(value)
        except StoaError as error:
            raise PydanticCustomError(error.code, sentence(error)) from None

    return core.no_info_after_validator_function(run, schema)


def _money() -> core.CoreSchema:
    whole = core.int_schema(strict=True, ge=-MAX_MINOR, le=MAX_MINOR)
    amount = core.custom_error_schema(
        whole, custom_error_type=InvalidAmount.code, custom_error_message=InvalidAmount.summary
    )
    parts = core.typed_dict_schema(
        {
            "amount": core.typed_dict_field(amount),
            "currency": core.typed_dict_field(_checked(_check_currency, _STRING)),
        },
        extra_behavior="forbid",
        total=True,
    )
    return _checked(_money_of, parts)


def _check_currency(code: str) -> str:
    """Check the currency before the amount is known, so that its error is reported at its own path."""
    return Money.zero(code).currency


def _money_of(parts: _Parts) -> Money:
    return Money.of(parts["amount"], parts["currency"])


def _items(shape: Items) -> core.CoreSchema:
    item = core_of(shape.item)
    if shape.as_tuple:
        return core.tuple_schema([item], variadic_item_index=0, min_length=shape.minimum, max_length=shape.maximum)
    return core.list_schema(item, min_length=shape.minimum, max_length=shape.maximum, strict=True)


def _row(value: object, read: core.ValidatorFunctionWrapHandler) -> object:
    """Read a row of an import; one that could not even be read before comes as what is wrong with it."""
    if isinstance(value, Checked):
        return value
    try:
        return Checked(value=read(value))
    except ValidationError as error:
        found = field_errors(error.errors(include_url=False, include_input=False))
        return Checked[object](
            value=None, problems=[RowProblem(path=e.path, code=e.code, message=e.message) for e in found]
        )


def _record(shape: Record) -> core.CoreSchema:
    cls = shape.cls
    arguments = core.dataclass_args_schema(cls.__name__, [_field(f) for f in shape.fields], extra_behavior="forbid")
    return core.dataclass_schema(
        cls,
        arguments,
        [f.name for f in shape.fields],
        slots="__slots__" in vars(cls),
        post_init=hasattr(cls, "__post_init__"),
    )


def _field(field: Field) -> core.DataclassField:
    try:
        schema = core_of(field.shape.inner if isinstance(field.shape, Optional) else field.shape)
    except TypeError as error:
        raise TypeError(f"{field.name}: {error}") from None
    if not field.required:
        # Mutable defaults are copied by the validator for every command.
        schema = core.with_default_schema(schema, default=field.default)
    return core.dataclass_field(name=field.name, schema=schema, kw_only=True)


_FIXED: Mapping[type, Callable[[], core.CoreSchema]] = {
    Boolean: lambda: core.bool_schema(strict=True),
    Moment: lambda: _checked(parse_moment, _STRING),
    Metadata: lambda: _checked(check_metadata, core.dict_schema(strict=True)),
    Cash: _money,
}
