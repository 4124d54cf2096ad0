"""Failures as ``application/problem+json``, and those that only HTTP knows."""

from http import HTTPStatus
from typing import ClassVar, NoReturn

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from domain.shared.errors import NotFound, StoaError
from interfaces.http.responses import Answer
from interfaces.schema import statuses
from interfaces.schema.problems import InternalError, problem_body


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


def status_of(error: StoaError) -> HTTPStatus:
    """Return the status of a failure, of those too that only HTTP knows."""
    return error.status if isinstance(error, HttpError) else statuses.status_of(error)


def problem(error: StoaError, request_id: str, resource: str = "") -> Answer:
    """Describe a failure to the caller, who asked for ``resource``."""
    status = status_of(error)
    body = problem_body(error, request_id, resource=resource, status=status.value)
    headers = {"content-type": "application/problem+json", **statuses.headers_of(error, resource)}
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = str(error.details["allow"])
    return Answer(status, msgspec.json.encode(body), [(name.encode(), text.encode()) for name, text in headers.items()])


async def translate(_request: Request, error: Exception) -> NoReturn:
    """Turn the framework's own refusals into ours, which the envelope answers."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == MethodNotAllowed.status:
        raise MethodNotAllowed(allow=(error.headers or {}).get("Allow", "GET"))
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnknownPath
    raise InternalError
