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
        body = msgspec.json.encode((position.value, position.id))
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def read(self, text: str) -> Position:
        """Return the position of a cursor.

        Raises:
            InvalidCursor: it was not written by the same tenant's same query.
        """
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(body)) or self._canonical(raw) != text:
                raise InvalidCursor
            value, id_ = _decoder(self._kind).decode(body)
        except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise InvalidCursor from error
        return Position(value.astimezone(UTC) if isinstance(value, datetime) else value, id_)

    def _mac(self, body: bytes) -> bytes:
        key = hmac.digest(self._secret, repr(self._binding).encode(), _HASH)
        return hmac.digest(key, body, _HASH)[:_MAC_BYTES]

    @staticmethod
    def _canonical(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@cache
def _decoder(kind: type) -> "msgspec.json.Decoder[tuple[object, UUID]]":
    return msgspec.json.Decoder(GenericAlias(tuple, (kind | None, UUID)), strict=True)
