"""Refusals in the OpenAPI document: one shared response per status."""

from http import HTTPStatus

from interfaces.schema.json_schema import Json

_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The request could not be read.",
    HTTPStatus.PAYMENT_REQUIRED: "It has to be paid for first; `accepts` has every way, in the words of x402.",
    HTTPStatus.UNAUTHORIZED: "Missing or invalid credentials.",
    HTTPStatus.FORBIDDEN: "The credential lacks the required scope.",
    HTTPStatus.NOT_FOUND: "Absent, or another organization's.",
    HTTPStatus.CONFLICT: "The present state of things does not allow it.",
    HTTPStatus.PRECONDITION_FAILED: "`If-Match` names a version that is not the present one.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body exceeds 1 MiB.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not `application/json`.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "It is readable and breaks a rule; `errors` has every one, up to a hundred.",
    HTTPStatus.PRECONDITION_REQUIRED: "`If-Match` is missing.",
    HTTPStatus.TOO_MANY_REQUESTS: "The caller has used up one of its limits.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A mistake of ours, logged under the request id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Temporarily unavailable, or too much is under way (`overloaded`); it is safe to "
    "retry with the same `Idempotency-Key`.",
}
_CHALLENGE: Json = {"WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}}}
_RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
_LIMITS: Json = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit-Policy", "RateLimit")}
_DEMAND: Json = {
    "PAYMENT-REQUIRED": {"description": "The demand of x402, base64 of its JSON.", "schema": {"type": "string"}}
}
_EXTRA_HEADERS = {
    HTTPStatus.PAYMENT_REQUIRED: _DEMAND,
    HTTPStatus.UNAUTHORIZED: _CHALLENGE,
    HTTPStatus.TOO_MANY_REQUESTS: {**_RETRY_AFTER, **_LIMITS},
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY_AFTER,
}
_TEXT: Json = {"type": "string"}

PROBLEM_SCHEMA: Json = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:stoa:error:` and the code."},
        "title": {"type": "string", "description": "The same for every occurrence."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "code": {"type": "string", "description": "What happened, in a word that programs can rely on."},
        "request_id": _TEXT,
        "x402Version": {"type": "integer", "description": "Of the demand that `accepts` is part of; only with a 402."},
        "accepts": {"type": "array", "items": {"type": "object"}, "description": "Every way to pay; only with a 402."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Field names and positions, joined with dots."},
                    "code": _TEXT,
                    "message": _TEXT,
                },
                "required": ["path", "code", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code", "request_id", "errors"],
}


def problem_responses() -> Json:
    """Return the shared responses by the names of their statuses."""
    return {status.name: _response(status, meaning) for status, meaning in _MEANINGS.items()}


def _response(status: HTTPStatus, meaning: str) -> Json:
    request_id: Json = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    return {
        "description": meaning,
        "headers": {**request_id, **_EXTRA_HEADERS.get(status, {})},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
