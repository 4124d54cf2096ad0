"""The OpenAPI 3.1 document, written from the same operations that answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from uuid import UUID

from application.kernel.wire import to_wire
from application.settlements.x402 import MAX_PAYMENT
from domain.shared.ids import encode_id
from domain.shared.money import Money
from interfaces.http.openapi_problems import PROBLEM_SCHEMA, problem_responses
from interfaces.http.operation import Operation
from interfaces.schema.json_schema import Json, SchemaWriter
from interfaces.schema.reader import read_shape
from interfaces.schema.shapes import Cash, Field, Identifier, Integer, Nullable, Optional, Record, Shape, Text

API_VERSION = "1"

_EXAMPLE_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
_DESCRIPTION = """The system of record for businesses whose agents do business.

Ids are TypeIDs, money is in minor units, times are RFC 3339 in UTC. Every error is `application/problem+json` with a
stable `code`."""
_BEARER = (
    "An API key, or the token of a session. With a session the header `Stoa-Organization: org_…` names which of your "
    "organizations you act in; without it you act for yourself."
)
_CASH_FIELDS: tuple[tuple[str, Shape], ...] = (("amount", Integer()), ("currency", Text()))
_HEADERS: Json = {
    "X-Request-Id": {"description": "The id of this request, in logs and events too.", "schema": {"type": "string"}},
    "ETag": {
        "description": "The version, for `If-Match`.",
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$'},
    },
    "Location": {"description": "Where the new resource is.", "schema": {"type": "string", "format": "uri-reference"}},
    "PAYMENT-RESPONSE": {
        "description": "What x402 tells of an accepted payment, base64 of its JSON: the chain has yet to decide.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The caller's limits: `q` requests at once, and as many again within `w` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of each limit: `r` requests now, all of them in `t` seconds.",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true` when this answer was given before, for the same `Idempotency-Key`.",
        "schema": {"type": "string", "const": "true"},
    },
}
_REQUEST_ID: Json = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "A UUID or ULID to recognise this request by; anything else is replaced.",
    "schema": {"type": "string"},
}


def build_document(operations: Iterable[Operation], prefix: str) -> Json:
    """Describe all operations, whose paths stand below ``prefix``.

    Raises:
        TypeError: a view has a field without a schema, or two types share a name.
    """
    operations = list(operations)
    writer = SchemaWriter("#/components/schemas/")
    writer.definitions["Problem"] = PROBLEM_SCHEMA
    paths: dict[str, Json] = {}
    for operation in operations:
        item = paths.setdefault(f"{prefix}{operation.path}", {})
        item[operation.method.lower()] = _operation(operation, writer)
    tags = sorted({operation.use_case.resource for operation in operations})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stoa", "version": API_VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(writer.definitions.items())),
            "parameters": {"RequestId": _REQUEST_ID},
            "headers": _HEADERS,
            "responses": problem_responses(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": _BEARER}},
        },
    }


def _operation(operation: Operation, writer: SchemaWriter) -> Json:
    use_case = operation.use_case
    written: Json = {
        "operationId": use_case.name.replace(".", "_"),
        "summary": use_case.doc.partition("\n")[0],
        "description": use_case.doc,
        "tags": [use_case.resource],
        "x-use-case": use_case.name,
        "x-required-scopes": [use_case.scope.value] if use_case.scope else [],
        "security": [] if use_case.public else [{"bearer": []}],
        "parameters": [*_parameters(operation, writer), {"$ref": "#/components/parameters/RequestId"}],
    }
    if operation.has_body and operation.fields:
        written["requestBody"] = _request_body(operation, writer)
    written["responses"] = _responses(operation, writer)
    return written


def _parameters(operation: Operation, writer: SchemaWriter) -> list[Json]:
    fields = {field.name: field for field in operation.schema.record.fields}
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, **_described(fields[name], operation, writer)}
        for name in operation.path_fields
    ]
    if not operation.has_body:
        for field in operation.fields:
            parameters += _query(field, operation, writer)
    return [*parameters, *_headers(operation)]


def _headers(operation: Operation) -> Iterator[Json]:
    """Describe the headers that say something about the call, and not about its subject."""
    if operation.idempotent:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": operation.use_case.money,
            "description": "Makes retries safe: the same key and the same request give the same answer.",
            "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
            "example": "order-2030-0001",
        }
    if operation.payable:
        yield {
            "name": "PAYMENT-SIGNATURE",
            "in": "header",
            "description": "A payment of x402 version 2, in place of the field `payment_signature`.",
            "schema": {"type": "string", "maxLength": MAX_PAYMENT},
        }
    if operation.versioned:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": operation.version_required,
            "description": "The `ETag` that was read; the change is refused when the resource moved on.",
            "schema": {"type": "string", "pattern": '^"[1-9][0-9]{0,17}"$'},
            "example": '"1"',
        }


def _query(field: Field, operation: Operation, writer: SchemaWriter) -> list[Json]:
    """Describe one parameter per field, and one per part of a field that has parts."""
    shape = _bare(field.shape)
    if isinstance(shape, Record):
        parts = [(f.name, f.shape) for f in shape.fields]
    elif isinstance(shape, Cash):
        parts = list(_CASH_FIELDS)
    else:
        required = {"required": True} if field.required else {}
        return [{"name": field.name, "in": "query", **required, **_described(field, operation, writer)}]
    return [
        {"name": f"{field.name}.{name}", "in": "query", "schema": writer.command(_bare(part))} for name, part in parts
    ]


def _described(field: Field, operation: Operation, writer: SchemaWriter) -> Json:
    # A query has no null: a parameter that may be null is one that may be left out.
    schema = writer.command(_bare(field.shape))
    if not field.required and isinstance(field.default, str | int):
        schema = {**schema, "default": _plain(field.default)}
    example = _example(field, operation.use_case.example)
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _request_body(operation: Operation, writer: SchemaWriter) -> Json:
    name = operation.use_case.command.__name__
    writer.definitions[name] = writer.members(operation.schema.record, without=operation.reserved)
    examples = {f.name: _example(f, operation.use_case.example) for f in operation.fields}
    content: Json = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    content["example"] = {key: value for key, value in examples.items() if value is not None}
    required = any(field.required for field in operation.fields)
    return {"required": required, "content": {"application/json": content}}


def _responses(operation: Operation, writer: SchemaWriter) -> Json:
    headers = ["X-Request-Id", "RateLimit-Policy", "RateLimit"]
    result = read_shape(operation.use_case.result)
    if isinstance(result, Record) and any(field.name == "version" for field in result.fields):
        headers.append("ETag")
    if operation.status == HTTPStatus.CREATED:
        headers.append("Location")
    if operation.idempotent:
        headers.append("Idempotency-Replayed")
    if operation.payable:
        headers.append("PAYMENT-RESPONSE")
    success: Json = {
        "description": "Created." if operation.status == HTTPStatus.CREATED else "Done.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {"application/json": {"schema": writer.view(result)}},
    }
    refusals = {str(s.value): {"$ref": f"#/components/responses/{s.name}"} for s in _refusals(operation)}
    return {str(operation.status.value): success, **refusals}


def _refusals(operation: Operation) -> Sequence[HTTPStatus]:
    """List every status the operation may be refused with, in order."""
    found = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    found |= {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS}
    found |= {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
    if not operation.use_case.public:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if not operation.use_case.read_only:
        # What is open to everybody asks for a password where it needs to know who it is.
        found |= {HTTPStatus.CONFLICT, HTTPStatus.UNAUTHORIZED}
    if operation.payable:
        found.add(HTTPStatus.PAYMENT_REQUIRED)
    if operation.has_body:
        found.add(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if operation.versioned:
        found.add(HTTPStatus.PRECONDITION_FAILED)
    if operation.version_required:
        found.add(HTTPStatus.PRECONDITION_REQUIRED)
    return sorted(found)


def _bare(shape: Shape) -> Shape:
    return _bare(shape.inner) if isinstance(shape, Nullable | Optional) else shape


def _example(field: Field, examples: Mapping[str, object]) -> object:
    """Return the declared example, or an id of the right kind where one is needed; None when there is neither."""
    if field.name in examples:
        return _plain(examples[field.name])
    if field.required and isinstance(field.shape, Identifier):
        return encode_id(field.shape.prefix, _EXAMPLE_ID)
    return None


def _plain(value: object) -> object:
    """Return an example, which may be written with the domain's own values, as JSON."""
    return to_wire(value) if isinstance(value, Money | Enum) else value
