"""Opaque page cursors: a signed position, bound to tenant, query and order."""

import base64
import binascii
import hmac
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import GenericAlias
from typing import NewType
from uuid import UUID

import msgspec

from domain.shared.errors import MalformedInput

CursorSecret = NewType("CursorSecret", bytes)
_MAC_BYTES = 12
# By its name, which takes the way through OpenSSL at once.
_HASH = "sha256"


class InvalidCursor(MalformedInput):
    """The cursor was edited, or issued for another tenant, query or order."""

    code = "cursor_invalid"
    summary = "The cursor is not valid for this list."


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: its sort value and its id."""

    value: object
    id: UUID


class Cursors:
    """Writes and reads the cursors of one query of one tenant."""

    def __init__(self, secret: CursorSecret, binding: Hashable, kind: type) -> None:
        """Bind to everything that identifies the query; ``kind`` is the Python type of the sort value, or absent."""
        self._secret = secret
        self._binding = binding
        self._kind = kind

    def write(self, position: Position) -> str:
        """Return the cursor after a position."""
        return write_signed(self._secret, self._binding, msgspec.json.encode((position.value, position.id)))

    def read(self, text: str) -> Position:
        """Return the position of a cursor.

        Raises:
            InvalidCursor: it was not written by the same tenant's same query.
        """
        body = read_signed(self._secret, self._binding, text)
        try:
            value, id_ = _decoder(self._kind).decode(body)
        except (ValueError, msgspec.MsgspecError) as error:
            raise InvalidCursor from error
        return Position(value.astimezone(UTC) if isinstance(value, datetime) else value, id_)


def write_signed(secret: CursorSecret, binding: Hashable, body: bytes) -> str:
    """Return text that carries a body and shows that it was written here, for whatever it is bound to."""
    return _text(_mac(secret, binding, body) + body)


def read_signed(secret: CursorSecret, binding: Hashable, text: str) -> bytes:
    """Return the body of a signed text.

    Raises:
        InvalidCursor: it was edited, or written for something else.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, binding, body)) or _text(raw) != text:
        raise InvalidCursor
    return body


def _mac(secret: CursorSecret, binding: Hashable, body: bytes) -> bytes:
    key = hmac.digest(secret, repr(binding).encode(), _HASH)
    return hmac.digest(key, body, _HASH)[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@cache
def _decoder(kind: type) -> "msgspec.json.Decoder[tuple[object, UUID]]":
    return msgspec.json.Decoder(GenericAlias(tuple, (kind | None, UUID)), strict=True)
