"""Failures as HTTP sees them, for programs and for pages: the only place where a kind of failure becomes a number."""

from http import HTTPStatus

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
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def headers_of(error: StoaError, resource: str) -> dict[str, str]:
    """Return the headers for a caller who asked for ``resource``: how to pay, how to sign in, when to try again."""
    if isinstance(error, PaymentDemanded):
        return {"payment-required": encoded(required(error, resource))}
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": "Bearer"}
    if isinstance(error, _RETRIABLE):
        return {"retry-after": str(error.details.get("retry_after", 1))}
    return {}
