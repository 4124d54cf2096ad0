"""Shapes into JSON Schema (draft 2020-12, which OpenAPI 3.1 uses)."""

from application.kernel.patch import UNSET
from application.kernel.wire import to_wire
from domain.shared.currencies import EXPONENTS
from domain.shared.money import MAX_MINOR
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
    Notation,
    Nullable,
    Optional,
    Record,
    Shape,
    Text,
)

type Json = dict[str, object]

_CONTROLS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069"
_METADATA: Json = {
    "type": "object",
    "maxProperties": 50,
    "propertyNames": {"pattern": "^[A-Za-z0-9_.-]{1,40}$"},
    "additionalProperties": {
        "anyOf": [
            {"type": "string", "maxLength": 500},
            {"type": "integer", "minimum": -(2**53), "maximum": 2**53},
            {"type": "boolean"},
        ]
    },
}


class SchemaWriter:
    """Writes schemas that refer to shared ``definitions`` by name.

    Args:
        prefix: where the definitions will stand: ``#/$defs/`` or ``#/components/schemas/``.
    """

    def __init__(self, prefix: str) -> None:
        """Begin without definitions."""
        self.definitions: dict[str, Json] = {}
        self._prefix = prefix

    def view(self, shape: Shape) -> Json:
        """Describe what goes out: no more is promised than the type."""
        return self._write(shape, strict=False)

    def command(self, shape: Shape) -> Json:
        """Describe what may come in: bounds, patterns, defaults, and no unknown fields."""
        return self._write(shape, strict=True)

    def members(self, record: Record, without: frozenset[str] = frozenset()) -> Json:
        """Describe a command's own object in place, ``without`` the fields that come another way."""
        return self._object(tuple(f for f in record.fields if f.name not in without), strict=True)

    def _write(self, shape: Shape, *, strict: bool) -> Json:
        match shape:
            case Choice(values=values, enum=enum):
                choice: Json = {"type": "string", "enum": list(values)}
                return self._defined(enum.__name__, choice) if enum else choice
            case Identifier(name=name, prefix=prefix):
                return self._defined(name, {"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"})
            case Cash() | Metadata() | Notation():
                return self._defined(*_named(shape))
            case Nullable(inner=inner):
                return {"anyOf": [self._write(inner, strict=strict), {"type": "null"}]}
            case Record():
                name = f"{shape.name}Input" if strict else shape.name
                return self._defined(name, self._object(shape.fields, strict=strict))
            case Items() | Dictionary() | Lenient():
                return self._container(shape, strict=strict)
        return _leaf(shape, strict=strict)

    def _container(self, shape: Items | Dictionary | Lenient, *, strict: bool) -> Json:
        if isinstance(shape, Lenient):
            bad: Json = {"description": "Anything else is a bad row, which is reported or skipped."}
            return {"anyOf": [self._write(shape.inner, strict=strict), bad]}
        item = self._write(shape.item, strict=strict)
        if isinstance(shape, Dictionary):
            return {"type": "object", "additionalProperties": item}
        bounds = {"minItems": shape.minimum, "maxItems": shape.maximum} if strict else {}
        return {"type": "array", "items": item, **bounds}

    def _object(self, fields: tuple[Field, ...], *, strict: bool) -> Json:
        properties = {f.name: self._property(f, strict=strict) for f in fields}
        required = [f.name for f in fields if (f.required if strict else not f.omit_none)]
        written: Json = {"type": "object", "properties": properties}
        if required:
            written["required"] = required
        if strict:
            written["additionalProperties"] = False
        return written

    def _property(self, field: Field, *, strict: bool) -> Json:
        shape = field.shape.inner if isinstance(field.shape, Optional) else field.shape
        if field.omit_none and isinstance(shape, Nullable):
            shape = shape.inner
        written = self._write(shape, strict=strict)
        if strict and not field.required and field.default not in (UNSET, None):
            written = {**written, "default": to_wire(field.default, field.annotation)}
        return written

    def _defined(self, name: str, schema: Json) -> Json:
        if self.definitions.setdefault(name, schema) != schema:
            raise TypeError(f"two different types are called {name}: names of types are public")
        return {"$ref": f"{self._prefix}{name}"}


def _named(shape: Cash | Metadata | Notation) -> tuple[str, Json]:
    if isinstance(shape, Notation):
        return shape.name, {"type": "string", "pattern": shape.pattern, "description": shape.description}
    return ("Money", _money()) if isinstance(shape, Cash) else ("Metadata", _METADATA)


def _leaf(shape: Shape, *, strict: bool) -> Json:
    match shape:
        case Text():
            return _text(shape) if strict else {"type": "string"}
        case Integer():
            return _integer(shape) if strict else {"type": "integer", "format": "int64"}
        case Boolean():
            return {"type": "boolean"}
        case Moment():
            return {"type": "string", "format": "date-time"}
    return {}


def _text(shape: Text) -> Json:
    """Say what a pattern can say of a rule; the rest (invisible text, runs of marks) is refused all the same."""
    rule = shape.rule
    refused = _CONTROLS + ("" if rule.markup else "<>") + (r"\r" if rule.multiline else r"\t\n\r\u2028\u2029")
    character = f"(?:[^{refused}]|\\r\\n)" if rule.multiline else f"[^{refused}]"
    visible = f"[^{refused}\\s]{character}*" if rule.min_length else ""
    return {
        "type": "string",
        "minLength": rule.min_length,
        "maxLength": rule.max_length,
        "pattern": f"^{character}*{visible}$",
    }


def _integer(shape: Integer) -> Json:
    written: Json = {"type": "integer", "minimum": shape.minimum, "maximum": shape.maximum}
    return written | {"format": "int64"} if (shape.minimum, shape.maximum) == (INT64_MIN, INT64_MAX) else written


def _money() -> Json:
    return {
        "type": "object",
        "description": "An amount in the currency's minor unit: 1250 EUR is 12.50 EUR.",
        "properties": {
            "amount": {"type": "integer", "format": "int64", "minimum": -MAX_MINOR, "maximum": MAX_MINOR},
            "currency": {"type": "string", "description": "ISO 4217", "enum": sorted(EXPONENTS)},
        },
        "required": ["amount", "currency"],
        "additionalProperties": False,
        "examples": [{"amount": 1250, "currency": "EUR"}],
    }
