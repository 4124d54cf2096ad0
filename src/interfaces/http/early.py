"""Refusals that cost next to nothing: who is going to be refused is answered before the request is even parsed.

Under a flood, parsing requests and finding out who sent them would take the processor from those that were let in. Only
one whole, plain request is answered here; about anything else the server's parser decides. The words are those of
:class:`~interfaces.http.endpoint.Endpoint`, but said sooner: a request that would have been refused for another reason
too, such as an unknown path or no credential, hears of the load first.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

from application.kernel.limits import Importance, IRoom
from domain.shared.errors import RateLimitExceeded, StoaError
from interfaces.http.envelope import DATA_HEADERS, request_id_of
from interfaces.http.errors import problem
from interfaces.http.limits import Limited, quota_headers

type Header = tuple[bytes, bytes]

_REQUEST = re.compile(
    rb"(GET|POST|PUT|PATCH|DELETE) /v1/[!-~]* HTTP/1\.1"
    rb"((?:\r\n(?:(?i:connection:[\t ]*keep-alive)|(?i:(?!connection|expect|transfer-encoding|upgrade))"
    rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+:[\t -~\x80-\xff]*))+)\r\n\r\n"
)
_HEADER = re.compile(rb"\r\n([^:]+):[\t ]*([^\r]*)")
_AUTHORIZATION, _ORGANIZATION, _LENGTH, _ID = b"authorization", b"stoa-organization", b"content-length", b"x-request-id"
_HOST = b"host"
_READ = {_AUTHORIZATION, _HOST, _ORGANIZATION, _LENGTH, _ID}
_LONGEST_HEAD = 16 * 1024
"""The server's parser takes no longer one either."""

_TAKES_A_PLACE = re.compile(rb"GET /v1/(?s:.)*?\r\n(?i:authorization):")


@dataclass(frozen=True, slots=True)
class _Asked:
    is_read: bool
    headers: dict[bytes, bytes]


class EarlyRefusals:
    """Refuses what there is no room for, and callers who were told a moment ago that they have asked too often."""

    def __init__(
        self, room: IRoom, limits: Limited, *, draining: Callable[[], bool], more: Iterable[Header] = ()
    ) -> None:
        """Prepare; ``more`` is added to every answer, and nothing is refused here while the process drains."""
        self._room = room
        self._limits = limits
        self._draining = draining
        self._more = tuple(more)
        self._let_in = 0

    def __call__(self, data: bytes, first: Iterable[Header]) -> bytes | None:
        """Return the whole answer, which begins with the headers ``first``; None for what is to be served."""
        if self._draining():
            return None
        is_full = self._room.is_full(Importance.READ, before=self._let_in)
        asked = _read(data) if is_full or self._limits.has_stopped else None
        refused = None if asked is None else self._refused(asked, first, is_full=is_full)
        if refused is None and _TAKES_A_PLACE.match(data, 0, _LONGEST_HEAD):
            self._note_one()
        return refused

    def _note_one(self) -> None:
        """Remember one that was let in until it has taken its place, which is at the loop's next turn.

        Hundreds of requests may come in one turn, when there is room for ten of them.
        """
        if self._let_in == 0:
            asyncio.get_running_loop().call_soon(self._forget)
        self._let_in += 1

    def _forget(self) -> None:
        self._let_in = 0

    def _refused(self, asked: _Asked, first: Iterable[Header], *, is_full: bool) -> bytes | None:
        credential = asked.headers.get(_AUTHORIZATION)
        told = credential and self._limits.stopped(credential, asked.headers.get(_ORGANIZATION))
        if told:
            return self._answer(RateLimitExceeded(retry_after=told.retry_after), asked, first, quota_headers(told))
        if is_full and asked.is_read:
            return self._answer(self._room.refusal(Importance.READ), asked, first)
        return None

    def _answer(self, error: StoaError, asked: _Asked, first: Iterable[Header], more: Iterable[Header] = ()) -> bytes:
        given = asked.headers.get(_ID)
        request_id = request_id_of([] if given is None else [given])
        answer = problem(error, request_id)
        headers = [
            *first, *answer.headers, (b"content-length", b"%d" % len(answer.body)), *DATA_HEADERS,
            (_ID, request_id.encode()), *more, *self._more,
        ]  # fmt: skip
        status = HTTPStatus(answer.status)
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), *(b"%s: %s" % header for header in headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + answer.body


def _read(data: bytes) -> _Asked | None:
    """Return what matters of one whole request; None for anything that is not surely one."""
    head = _REQUEST.match(data, 0, _LONGEST_HEAD)
    if head is None:
        return None
    headers: dict[bytes, bytes] = {}
    for name, value in _HEADER.findall(head[2]):
        lowered = name.lower()
        if lowered in _READ:
            if lowered in headers:
                return None
            headers[lowered] = value.rstrip(b"\t ")
    length = headers.get(_LENGTH, b"0")
    if (
        _HOST not in headers
        or not length.isdigit()
        or len(length) > len(str(len(data)))
        or head.end() + int(length) != len(data)
    ):
        return None
    return _Asked(head[1] == b"GET", headers)
