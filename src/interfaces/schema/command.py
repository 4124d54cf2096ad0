"""Commands and views as seen from outside: the only place where a dataclass becomes a schema."""

from collections.abc import Mapping

from pydantic_core import SchemaValidator
from pydantic_core import ValidationError as CoreValidationError

from interfaces.schema.json_schema import Json, SchemaWriter
from interfaces.schema.problems import FieldError, InvalidCommand, field_errors
from interfaces.schema.reader import read_record, read_shape
from interfaces.schema.text_values import TextValues, read_values
from interfaces.schema.validator import core_of

_DEFS = "#/$defs/"


class CommandSchema:
    """A command dataclass as a strict validator and a JSON Schema. ``record`` has its fields as shapes."""

    def __init__(self, command: type, name: str = "") -> None:
        """Build the validator.

        Args:
            command: a frozen dataclass.
            name: the use-case, for the message of an error.

        Raises:
            TypeError: a field's annotation is outside the closed set of types.
        """
        try:
            self.record = read_record(command)
            self._validator = SchemaValidator(core_of(self.record))
        except TypeError as error:
            raise TypeError(f"{name or command.__name__}: {error}") from None

    def validate(self, data: Mapping[str, object]) -> object:
        """Return the command made of JSON values.

        Raises:
            InvalidCommand: with every problem at once.
        """
        try:
            return self._validator.validate_python(data)
        except CoreValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            raise InvalidCommand(field_errors(details)) from None

    def from_text(self, values: TextValues) -> dict[str, object]:
        """Turn a query or flags into data for :meth:`validate`; see :func:`read_values`."""
        return read_values(self.record, values)

    def json_schema(self) -> Json:
        """Return the command's schema, complete in itself."""
        writer = SchemaWriter(_DEFS)
        return _complete(writer.members(self.record), writer)


def result_schema(result: object) -> Json:
    """Return the schema of what a use-case answers, complete in itself.

    Raises:
        TypeError: the type is outside the closed set.
    """
    writer = SchemaWriter(_DEFS)
    return _complete(writer.view(read_shape(result)), writer)


def not_an_object() -> InvalidCommand:
    """Report data that is no object at all."""
    return InvalidCommand([FieldError("", "type_invalid", "Must be an object.")])


def _complete(schema: Json, writer: SchemaWriter) -> Json:
    return {**schema, "$defs": writer.definitions} if writer.definitions else schema
