"""The mapper accounts for every field and every column, and brings every kind of value there and back."""

from datetime import UTC, datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import ClassVar, NewType
from uuid import UUID, uuid4

import pytest
from attrs import define, field, frozen
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, Uuid

from domain.shared.money import Money
from infrastructure.persistence.mapper import Children, Mapper, MappingError
from infrastructure.persistence.types import JsonText, UtcDateTime

ThingId = NewType("ThingId", UUID)


class Colour(StrEnum):
    """Some words."""

    RED = "red"
    BLUE = "blue"


@define(kw_only=True, eq=False)
class Thing:
    """One field of every kind."""

    kind: ClassVar[str] = "thing"

    id: ThingId
    name: str
    note: str | None
    count: int
    limit: int | None
    flag: bool
    at: datetime
    until: datetime | None
    owner: UUID | None
    colour: Colour
    other: Colour | None
    price: Money
    fee: Money | None
    words: list[str]
    pair: tuple[str, ...]
    metadata: dict[str, str | int | bool]
    extra: dict[str, str] | None
    _events: list[object] = field(factory=list, init=False)


COLUMNS = {
    "id": Uuid, "name": String, "note": String, "count": Integer, "limit": Integer, "flag": Boolean,
    "at": UtcDateTime, "until": UtcDateTime, "owner": Uuid, "colour": String, "other": String,
    "price_minor": BigInteger, "price_currency": String, "fee_minor": BigInteger, "fee_currency": String,
    "words": JsonText, "pair": JsonText, "metadata": JsonText, "extra": JsonText,
}  # fmt: skip


def a_row(*without: str, unmapped: tuple[str, ...] = (), **more: type) -> type:
    """Make something like a declarative model."""
    columns: list[Column[object]] = [
        Column(name, kind) for name, kind in {**COLUMNS, **more}.items() if name not in without
    ]
    table = Table("things", MetaData(), *columns, info={"unmapped": unmapped})
    return SimpleNamespace(__table__=table)  # type: ignore[return-value]  # reason: only its table is looked at


FULL = Thing(
    id=ThingId(uuid4()), name="O'Brien; select", note="é😀", count=-1, limit=2**31 - 1, flag=True,
    at=datetime(2026, 3, 14, 15, 9, 26, 535_897, tzinfo=UTC), until=datetime(1, 1, 1, tzinfo=UTC), owner=uuid4(),
    colour=Colour.RED, other=Colour.BLUE, price=Money(1250, "EUR"), fee=Money(-(2**63), "JPY"),
    words=["a", "é"], pair=("x",), metadata={"a": 1, "b": True, "c": "é\u2028"}, extra={},
)  # fmt: skip
SPARSE = Thing(
    id=ThingId(uuid4()), name="", note=None, count=0, limit=None, flag=False, at=FULL.at, until=None, owner=None,
    colour=Colour.BLUE, other=None, price=Money(0, "KWD"), fee=None, words=[], pair=(), metadata={}, extra=None,
)  # fmt: skip


@pytest.mark.parametrize("thing", [FULL, SPARSE], ids=["full", "sparse"])
def test_every_kind_of_value_comes_back(thing: Thing) -> None:
    """Text, numbers, moments, ids, enum members, money and JSON, given or absent: read as they were written."""
    mapper = Mapper(Thing, a_row())
    row = mapper.dehydrate(thing)
    assert len(row) == len(mapper.column_names) == len(COLUMNS)
    back = mapper.hydrate(row)
    assert repr(back) == repr(thing)
    assert back._events == []
    assert isinstance(back.pair, tuple)
    assert back.colour is thing.colour


def test_columns_are_plain_values() -> None:
    """A driver gets text, numbers and nothing of ours."""
    mapper = Mapper(Thing, a_row())
    row = dict(zip(mapper.column_names, mapper.dehydrate(FULL), strict=True))
    assert (type(row["colour"]), row["price_minor"], row["fee_currency"]) == (str, 1250, "JPY")
    assert (row["words"], row["metadata"]) == ('["a","é"]', '{"a":1,"b":true,"c":"é\u2028"}')


def test_a_field_without_a_column_fails_at_construction() -> None:
    """What could be lost on the way to the database stops the import."""
    with pytest.raises(MappingError, match=r"no column for \['note'\], no field for \[\]"):
        Mapper(Thing, a_row("note"))
    with pytest.raises(MappingError, match=r"no column for \['price_currency'\]"):
        Mapper(Thing, a_row("price_currency"))


def test_a_column_without_a_field_fails_at_construction() -> None:
    """What could never be filled stops the import, unless the table says that it is filled otherwise."""
    with pytest.raises(MappingError, match=r"no column for \[\], no field for \['forgotten'\]"):
        Mapper(Thing, a_row(forgotten=String))
    Mapper(Thing, a_row(forgotten=String, unmapped=("forgotten",)))


@pytest.mark.parametrize("annotation", [float, set[str], list[UUID], dict[str, list[str]], str | int, object])
def test_a_field_that_no_column_holds_fails_at_construction(annotation: object) -> None:
    """There is no guess at how a strange type may be stored."""
    strange = define(kw_only=True)(type("Strange", (), {"__annotations__": {"name": annotation}}))
    table = Table("strange", MetaData(), Column("name", String))
    with pytest.raises(MappingError, match=r"Strange\.name"):
        Mapper(strange, SimpleNamespace(__table__=table))  # type: ignore[arg-type]  # reason: only its table is looked at


@frozen(kw_only=True)
class Part:
    """A part, frozen."""

    id: UUID
    word: str


@define(kw_only=True, eq=False)
class Whole:
    """A root above tenants, with parts."""

    id: UUID
    organization_id: UUID
    parts: list[Part]


def test_parts_and_constants_have_no_column() -> None:
    """Parts start empty, constants are the same for every row, and frozen parts are made by their constructor."""
    organization_id, table = uuid4(), Table("wholes", MetaData(), Column("id", Uuid))
    part_table = Table("parts", MetaData(), Column("id", Uuid), Column("word", String))
    parts = Mapper(Part, SimpleNamespace(__table__=part_table))  # type: ignore[arg-type]  # reason: as above
    mapper = Mapper(
        Whole, SimpleNamespace(__table__=table),  # type: ignore[arg-type]  # reason: as above
        children={"parts": Children(parts, parent="whole_id", order="id")},
        constants={"organization_id": organization_id},
    )  # fmt: skip
    one, two = mapper.hydrate((uuid4(),)), mapper.hydrate((uuid4(),))
    assert one.organization_id == organization_id
    assert (one.parts, one.parts is two.parts) == ([], False)
    part = Part(id=uuid4(), word="x")
    assert parts.hydrate(parts.dehydrate(part)) == part


@pytest.mark.parametrize("path", ["missing", "price", "price_minor", "price.scale", "kind", "_events", "id.hex", ""])
def test_only_stored_attributes_have_a_column(path: str) -> None:
    """Filters and orders reach the entity's own attributes by their own names, and nothing else of the table."""
    mapper = Mapper(Thing, a_row())
    assert mapper.column("price.minor").name == "price_minor"
    assert mapper.column("metadata").name == "metadata"
    with pytest.raises(AttributeError):
        mapper.column(path)
