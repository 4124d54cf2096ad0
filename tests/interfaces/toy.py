"""A registry of its own for the tests of the faces: one use-case of every form, and nothing behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from annotated_types import Ge, Interval, Len

from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.patch import UNSET, Maybe
from application.kernel.use_case import UseCase
from domain.shared.ids import CustomerId, PaymentLinkId
from domain.shared.metadata import MetadataValue
from domain.shared.money import Money
from domain.shared.text import DESCRIPTION, NAME
from interfaces.http.route_row import RouteRow


class Kind(StrEnum):
    ONE_OFF = "one_off"
    RECURRING = "recurring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    city: Annotated[str, NAME]
    zip: Annotated[str, Len(1, 12)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateThing:
    name: Annotated[str, NAME]
    price: Money
    quantity: Annotated[int, Interval(ge=1, le=1000)] = 1
    gift: bool = False
    kind: Kind = Kind.ONE_OFF
    note: Annotated[str, DESCRIPTION] | None = None
    customer_id: CustomerId | None = None
    starts_at: datetime | None = None
    tags: Annotated[list[Annotated[str, Len(1, 20)]], Len(0, 3)] = ()  # type: ignore[assignment]  # reason: read only
    metadata: dict[str, MetadataValue] | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateThing:
    id: PaymentLinkId
    expected_version: Annotated[int, Ge(1)]
    name: Maybe[Annotated[str, NAME]] = UNSET
    note: Maybe[str | None] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class OneThing:
    id: PaymentLinkId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeThing:
    id: PaymentLinkId
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListThings(PageQuery):
    name: str | None = None
    gift: bool | None = None
    kinds: list[Kind] | None = None
    price: Money | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenThing:
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingView:
    id: PaymentLinkId
    version: int
    name: str
    price: Money
    kind: Kind
    metadata: dict[str, MetadataValue]
    created_at: datetime


async def _nothing(*_args: object, **_ports: object) -> object:
    return None


def _declared(
    name: str, command: type, result: object = ThingView, *, read_only: bool = False, money: bool = False,
    public: bool = False, example: Mapping[str, object] | None = None,
) -> UseCase:  # fmt: skip
    scope = Scope.CUSTOMERS_READ if read_only else Scope.CUSTOMERS_WRITE
    return UseCase(
        name=name, scope=None if public else scope, command=command, result=result, handler=_nothing, ports={},
        doc=f"Do {name}.\n\nAnd say more about it.", read_only=read_only, destructive=False, money=money,
        public=public, internal=None, example=example or {}, statements=1,
    )  # fmt: skip


THING = {"name": "A thing", "price": {"amount": 1250, "currency": "EUR"}}

REGISTRY: dict[str, UseCase] = {
    use_case.name: use_case
    for use_case in (
        _declared("things.create", CreateThing, example=THING),
        _declared("things.list", ListThings, ListView[ThingView], read_only=True),
        _declared("things.get", OneThing, read_only=True),
        _declared("things.update", UpdateThing, example={"name": "Another"}),
        _declared("things.delete", ChangeThing),
        _declared("things.pay", ChangeThing, money=True),
        _declared("things.open", OpenThing, read_only=True, public=True),
    )
}

ROWS = (
    RouteRow("POST", "/things", "things.create"),
    RouteRow("GET", "/things", "things.list"),
    RouteRow("GET", "/things/{id}", "things.get"),
    RouteRow("PATCH", "/things/{id}", "things.update"),
    RouteRow("DELETE", "/things/{id}", "things.delete"),
    RouteRow("POST", "/things/{id}/pay", "things.pay"),
    RouteRow("GET", "/open/{slug}", "things.open"),
)
