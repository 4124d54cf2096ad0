"""Typed parameters of workflows and playbooks: what they are called, and which values they take."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from attrs import evolve, frozen

from domain.shared.documents import Document, InvalidDocument, check_document
from domain.shared.errors import Invalid
from domain.shared.money import Money
from domain.work.workflow_errors import InvalidParameter, ParameterMissing, ParameterUnknown

MAX_PARAMETERS = 100
_MAX_TEXT = 10_000
_NAME = re.compile("[a-z][a-z0-9_]{0,59}")


class ParameterType(StrEnum):
    """What a parameter's values are; money is an object of ``amount`` in minor units and ``currency``."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    MONEY = "money"


@frozen(kw_only=True)
class Parameter:
    """One parameter. ``default`` is the value taken when none is given, None when there is none."""

    name: str
    type: ParameterType
    required: bool = True
    description: str = ""
    default: object = None


def declare(parameters: Sequence[Parameter], defaults: Mapping[str, object]) -> tuple[Parameter, ...]:
    """Return the parameters with their defaults.

    Raises:
        InvalidParameter: a name twice or of other characters, too many, or a default of another type.
        ParameterUnknown: a default of a parameter that there is not.
    """
    if len(parameters) > MAX_PARAMETERS:
        raise InvalidParameter(reason="too_many")
    names = [parameter.name for parameter in parameters]
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise InvalidParameter(reason="name")
        if names.count(name) > 1:
            raise InvalidParameter(reason="duplicate", parameter=name)
    _refuse_unknown(defaults, names)
    return tuple(_with_default(parameter, defaults) for parameter in parameters)


def accept(parameters: Iterable[Parameter], given: Mapping[str, object]) -> Document:
    """Return a value for every parameter that has one: what was given, else the default.

    Raises:
        ParameterUnknown: a value for no parameter.
        ParameterMissing: none for a required one without a default.
        InvalidParameter: a value of another type.
        InvalidDocument: all of them together are too much.
    """
    known = list(parameters)
    _refuse_unknown(given, [parameter.name for parameter in known])
    accepted: Document = {}
    for parameter in known:
        value = given.get(parameter.name)
        value = parameter.default if value is None else value
        if value is not None:
            accepted[parameter.name] = _checked(parameter, value)
        elif parameter.required:
            raise ParameterMissing(parameter=parameter.name)
    return check_document(accepted)


def _with_default(parameter: Parameter, defaults: Mapping[str, object]) -> Parameter:
    value = defaults.get(parameter.name)
    return evolve(parameter, default=None if value is None else _checked(parameter, value))


def _refuse_unknown(given: Mapping[str, object], names: Sequence[str]) -> None:
    if not given.keys() <= set(names):
        # The name came from outside and is not repeated.
        raise ParameterUnknown


def _checked(parameter: Parameter, value: object) -> object:
    match parameter.type, value:
        case (ParameterType.BOOLEAN, bool()):
            return value
        case (ParameterType.INTEGER, int()) if not isinstance(value, bool):
            return _document_value(parameter, value)
        case (ParameterType.STRING, str()) if len(value) <= _MAX_TEXT:
            return _document_value(parameter, value)
        case (ParameterType.MONEY, {"amount": int() as amount, "currency": str() as currency, **rest}) if not rest:
            return _money(parameter, amount, currency)
    raise InvalidParameter(reason="type", parameter=parameter.name)


def _document_value(parameter: Parameter, value: object) -> object:
    try:
        return check_document({"value": value})["value"]
    except InvalidDocument as error:
        raise InvalidParameter(reason=error.details["reason"], parameter=parameter.name) from None


def _money(parameter: Parameter, amount: int, currency: str) -> object:
    try:
        money = Money.of(amount, currency)
    except Invalid as error:
        raise InvalidParameter(reason=error.code, parameter=parameter.name) from None
    return {"amount": money.minor, "currency": money.currency}
