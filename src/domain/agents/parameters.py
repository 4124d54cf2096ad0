"""What a tool is called with: a JSON Schema document, complete in itself."""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from domain.shared.documents import Document, check_document
from domain.shared.errors import ValidationError

MAX_SCHEMAS = 500
_MAX_PATTERN = 500
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


class InvalidParameters(ValidationError):
    """The document is no JSON Schema of an object; ``reason`` names the rule. What is in it is never repeated."""

    code = "parameters_invalid"
    summary = "The parameters must be a JSON Schema of an object, without references to other documents."


def check_parameters(document: Mapping[str, object]) -> Document:
    """Return the schema, whose keywords are those of JSON Schema 2020-12 that need no other document.

    An empty document is the schema of an object with any members. Keywords that begin with ``x-`` mean nothing here.

    Raises:
        InvalidDocument: it is no acceptable document at all.
        InvalidParameters: ``reason`` is root_type, keyword_unknown, keyword_value, schema_expected, reference_remote,
            reference_unknown or too_large (more than 500 schemas within it).
    """
    root = check_document(document)
    if root.setdefault("type", "object") != "object":
        raise _refused("root_type")
    within: list[object] = [root]
    for seen, schema in enumerate(within, start=1):
        if seen > MAX_SCHEMAS:
            raise _refused("too_large")
        # What a schema holds is looked at after it; the list grows while it is gone through.
        within.extend(_schemas_of(schema, root))
    return root


def _schemas_of(schema: object, root: Document) -> list[object]:
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, dict):
        raise _refused("schema_expected")
    members = cast("Document", schema)
    if "$ref" in members:
        _check_reference(members["$ref"], root)
    return [inner for keyword, value in members.items() for inner in _inner(keyword, value)]


def _inner(keyword: str, value: object) -> Iterable[object]:
    """Return the schemas that a keyword holds, once its value is found to be one that it can have."""
    if keyword in _OF_SCHEMA:
        return [value]
    if keyword in _OF_SCHEMAS:
        return _list(value)
    if keyword in _OF_NAMED:
        return _object(value).values()
    if keyword not in _PLAIN and not keyword.startswith("x-"):
        raise _refused("keyword_unknown")
    if not _PLAIN.get(keyword, _is_anything)(value):
        raise _refused("keyword_value")
    return []


def _check_reference(value: object, root: Document) -> None:
    """Accept a pointer to something in the document's own ``$defs``."""
    if not isinstance(value, str) or not value.startswith("#"):
        raise _refused("reference_remote")
    name = value.removeprefix("#/$defs/")
    if value != "#" and (name == value or name not in _object(root.get("$defs", {}))):
        raise _refused("reference_unknown")


def _list(value: object) -> list[object]:
    if not isinstance(value, list) or not value:
        raise _refused("keyword_value")
    return value


def _object(value: object) -> Document:
    if not isinstance(value, dict):
        raise _refused("keyword_value")
    return value


def _refused(reason: str) -> InvalidParameters:
    return InvalidParameters(path="parameters", reason=reason)


def _is_type(value: object) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len({*value}) == len(value)


def _is_pattern(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_PATTERN


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_choices(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_anything(_: object) -> bool:
    return True


_OF_SCHEMA = frozenset(
    {
        *("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_OF_NAMED = frozenset({"$defs", "properties", "patternProperties", "dependentSchemas"})
_PLAIN: Mapping[str, Callable[[object], bool]] = {
    "type": _is_type, "enum": _is_choices, "const": _is_anything, "required": _is_names,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), _is_count),
    **dict.fromkeys(("minProperties", "maxProperties"), _is_count),
    **dict.fromkeys(("title", "description", "format", "contentEncoding", "contentMediaType"), _is_text),
    **dict.fromkeys(("$schema", "$comment"), _is_text),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _is_boolean),
    "$ref": _is_text, "pattern": _is_pattern, "default": _is_anything, "examples": _is_list,
}  # fmt: skip
