"""Column types whose Python values are the same on PostgreSQL and SQLite.

The asyncpg path runs statements on the driver and never meets SQLAlchemy's processors, so on PostgreSQL a
type must already exchange the driver's own values; on SQLite the processors below make the same values.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Numeric, String, Text, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

Guid = Uuid
_DIGITS = 78  # of 2^256-1
# SQLite only increments a column declared INTEGER PRIMARY KEY.
Identity64 = BigInteger().with_variant(Integer, "sqlite")


def text(length: int | None = None) -> String:
    """Return text ordered by code point everywhere, as Python orders it."""
    plain = String(length) if length else Text()
    ordered = String(length, collation="C") if length else Text(collation="C")
    return plain.with_variant(ordered, "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC; on SQLite fixed-width ISO text, so that text order is time order."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """Say what a value is; a decorator of SQLAlchemy says ``object``, and cursors and comparisons ask."""
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Use timestamptz, or text where there is none."""
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))  # type: ignore[arg-type]  # reason: the text holds a datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Write text in UTC, with all six digits of the microseconds."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Read what either database gives."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class Uint256(TypeDecorator[object]):
    """Whole numbers of 256 bits: numeric on PostgreSQL, and on SQLite digits of one width, whose order is theirs."""

    impl = Numeric(_DIGITS, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[object]:
        """Use numeric, or text where numbers end at 64 bits."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(_DIGITS, 0))  # type: ignore[arg-type]  # reason: the text holds the number

    def process_bind_param(self, value: object, dialect: Dialect) -> object:
        """Write all digits, with zeros before them on SQLite."""
        return value if value is None or dialect.name != "sqlite" else str(value).rjust(_DIGITS, "0")


class JsonText(TypeDecorator[str]):
    """JSON kept as its text until it is used; jsonb on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Use jsonb where there is one, without SQLAlchemy's own decoding."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(_RawJsonb())
        return dialect.type_descriptor(Text())


class _RawJsonb(postgresql.JSONB[str]):
    """The column type jsonb, whose values stay text in both directions."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Send the text as it is."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Return the text as it is."""


class ListOf(TypeDecorator[Sequence[object]]):
    """One parameter holding many values: an array on PostgreSQL, JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:  # reason: a parameter only sends values, whatever their type
        """Hold values of the ``item`` type."""
        super().__init__()
        # PostgreSQL would cut longer texts off to fit a cast to varchar(n)[], and then find them equal.
        self.item: TypeEngine[Any] = Text() if isinstance(item, String) else item  # reason: as above

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Sequence[object]]:
        """Choose the carrier."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.ARRAY(self.item))
        return dialect.type_descriptor(Text())  # type: ignore[arg-type]  # reason: the text holds the list

    def process_bind_param(self, value: Sequence[object] | None, dialect: Dialect) -> object:
        """Send every item in the form the column stores it."""
        if value is None or dialect.name == "postgresql":
            return value
        process = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([process(v) if process else v for v in value])
