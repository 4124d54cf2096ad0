"""Failures as ``application/problem+json``: the only place where a failure becomes a number."""

from http import HTTPStatus
from typing import ClassVar

import msgspec

from application.kernel.idempotency import IdempotencyInProgress
from application.settlements.x402 import encoded, required
from domain.settlements.demand import PaymentDemanded
from domain.shared.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MalformedInput,
    NotFound,
    PaymentRequired,
    RateLimited,
    StoaError,
    Unauthenticated,
    Unavailable,
)
from interfaces.http.responses import Answer
from interfaces.schema.problems import problem_body


class HttpError(StoaError):
    """A failure that only HTTP knows, with its status."""

    status: ClassVar[HTTPStatus]


class UnknownPath(NotFound):
    """No operation has this path."""

    code = "path_unknown"
    summary = "There is nothing at this path."


class MethodNotAllowed(HttpError):
    """The path exists, with other methods; ``allow`` in the details lists them."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"
    summary = "The path does not support this method."


class StalePrecondition(HttpError):
    """``If-Match`` names a version that is not the present one."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "version_stale"
    summary = "The resource changed since it was read; read it again and retry."


class PreconditionMissing(HttpError):
    """A change of attributes says which version it is based on."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "if_match_missing"
    summary = "This operation requires If-Match with the ETag that was read."


class BodyTooLarge(HttpError):
    """The body exceeds the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "body_too_large"
    summary = "A body has at most 1 MiB."


class MediaTypeUnsupported(HttpError):
    """The body is something else than plain JSON in UTF-8."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "media_type_unsupported"
    summary = "A body is application/json in UTF-8, without a content encoding."


# The first kind that fits decides.
STATUSES: tuple[tuple[type[StoaError], HTTPStatus], ...] = (
    (MalformedInput, HTTPStatus.BAD_REQUEST),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (PaymentRequired, HTTPStatus.PAYMENT_REQUIRED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (RateLimited, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_RETRIABLE = (RateLimited, Unavailable, IdempotencyInProgress)


def status_of(error: StoaError) -> HTTPStatus:
    """Return the status of a failure; one without a kind is a mistake of ours."""
    if isinstance(error, HttpError):
        return error.status
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(error: StoaError, request_id: str, resource: str = "") -> Answer:
    """Describe a failure to the caller, who asked for ``resource``."""
    status = status_of(error)
    body = problem_body(error, request_id, resource=resource, status=status.value)
    headers = [(b"content-type", b"application/problem+json"), *_headers(error, resource)]
    return Answer(status, msgspec.json.encode(body), headers)


def _headers(error: StoaError, resource: str) -> list[tuple[bytes, bytes]]:
    if isinstance(error, PaymentDemanded):
        return [(b"payment-required", encoded(required(error, resource)).encode())]
    if isinstance(error, Unauthenticated):
        return [(b"www-authenticate", b"Bearer")]
    if isinstance(error, MethodNotAllowed):
        return [(b"allow", str(error.details["allow"]).encode())]
    if isinstance(error, _RETRIABLE):
        return [(b"retry-after", str(error.details.get("retry_after", 1)).encode())]
    return []
