"""Around every request: an id, a limit, an answer whatever happens, and headers that keep browsers careful."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from application.kernel.causality import Cause, begin
from domain.shared.errors import StoaError
from interfaces.http.errors import BodyTooLarge, problem
from interfaces.http.requests import HeaderMalformed, resource_of
from interfaces.schema.problems import InternalError

type Around = Callable[[Scope, str, str | None], AbstractContextManager[object]]
"""Opens what surrounds a request, told its id and the caller's trace context."""

MAX_BODY = 1024 * 1024

_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}", re.ASCII
)
# Version 00; ids of nothing but zeros are invalid.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_DIGITS = re.compile(rb"[0-9]{1,19}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
DATA_HEADERS = [
    *_HEADERS,
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
# The page of the documentation starts itself with an inline script and styles itself inline.
_PAGE_POLICY = (
    b"default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE_HEADERS = [
    *_HEADERS,
    (b"content-security-policy", _PAGE_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class Envelope:
    """Pure ASGI middleware; ``scope["state"]["request_id"]`` is what everything inside reads.

    Args:
        app: what is inside.
        pages: prefixes of paths that serve pages for people; everything else is data.
        direct: a prefix, and what serves every path below it; the framework's own layers add nothing there but time.
        around: surrounds every request; by default it only says whose trace the request continues.
    """

    def __init__(
        self, app: ASGIApp, pages: Iterable[str] = (), direct: tuple[str, ASGIApp] | None = None,
        around: Around | None = None,
    ) -> None:  # fmt: skip
        """Wrap an application."""
        self._around = around or _continuing
        self._app = app
        self._pages = tuple(pages)
        self._prefix, self._below = direct or ("", app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through; other kinds of connections are not ours to judge."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of([value for name, value in scope["headers"] if name == b"x-request-id"])
        scope.setdefault("state", {})["request_id"] = request_id
        # A request runs in a task of its own, so that every line logged from here on carries its id and no other's.
        bind_contextvars(request_id=request_id)
        with self._around(scope, request_id, _traceparent(scope)):
            await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer whatever happens; ``scope["state"]["status"]`` is what came of it."""
        added = [*(_PAGE_HEADERS if scope["path"].startswith(self._pages) else DATA_HEADERS)]
        added.append((b"x-request-id", request_id.encode()))
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                scope["state"]["status"] = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        try:
            _check_length(scope)
            await self._inside(scope)(scope, _Limited(receive), send_with_headers)
        except Exception as error:
            if started:
                # Half an answer cannot be taken back: the server closes the connection and logs the cause.
                raise
            if isinstance(error, HeaderMalformed):
                # What follows on this connection may be the rest of this request.
                added.append((b"connection", b"close"))
            answer = problem(_named(error, request_id), request_id, resource_of(scope))
            await answer.send(send_with_headers, without_body=scope["method"] == "HEAD")

    def _inside(self, scope: Scope) -> ASGIApp:
        if not self._prefix or not scope["path"].startswith(f"{self._prefix}/"):
            return self._app
        scope["root_path"] = scope.get("root_path", "") + self._prefix
        return self._below


class _Limited:
    """A body that may be streamed without a length, counted as it comes."""

    __slots__ = ("_receive", "_size")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MAX_BODY:
            raise BodyTooLarge
        return message


_NOTHING = nullcontext()


def _continuing(_: Scope, __: str, traceparent: str | None) -> AbstractContextManager[object]:
    begin(Cause(traceparent=traceparent))
    return _NOTHING


def _named(error: Exception, request_id: str) -> StoaError:
    if isinstance(error, StoaError):
        return error
    _LOG.error("request failed", exc_info=error, extra={"request_id": request_id})
    return InternalError()


def request_id_of(given: Sequence[bytes]) -> str:
    """Return the caller's id when it is one UUID or ULID; anything else could be meant for whoever reads logs."""
    text = given[0].decode("latin-1") if len(given) == 1 else ""
    return text if _REQUEST_ID.fullmatch(text) else str(uuid4())


def _traceparent(scope: Scope) -> str | None:
    """Return the caller's W3C trace context, to be continued; anything that is none begins a new one."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    text = given[0].decode("latin-1") if len(given) == 1 else ""
    return text if _TRACEPARENT.fullmatch(text) else None


def _check_length(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if _DIGITS.fullmatch(value) is None:
                raise HeaderMalformed(header="content-length")
            if int(value) > MAX_BODY:
                raise BodyTooLarge
            if any(other == b"transfer-encoding" for other, _ in scope["headers"]):
                # A proxy may have read another end of this request than our server did.
                raise HeaderMalformed(header="transfer-encoding")
