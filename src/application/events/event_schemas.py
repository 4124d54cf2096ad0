"""The published schemas of all events."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.events.catalogue import EventType, envelope_schema, event_types
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.shared.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSchemaView:
    """What one type of event says: `schema` describes its `data`, or, when one type is asked for, the whole event."""

    type: str
    schema_version: int
    description: str
    schema: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSchemasView:
    """Every type of event; `envelope` describes what they have in common."""

    envelope: dict[str, object]
    data: list[EventSchemaView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEventSchemas:
    """All of them."""


@use_case("events.list_schemas", scope=None, public=True, example={}, read_only=True)
async def list_event_schemas(cmd: ListEventSchemas, uow: IUnitOfWork) -> EventSchemasView:  # noqa: ARG001 - the same for everybody
    """List the types of events that Stoa publishes, each with the JSON Schema of its data.

    Within one `schema_version` data only gains fields; anything else makes a new version.
    """
    return EventSchemasView(
        envelope=envelope_schema(),
        data=[_shown(each, each.data_schema()) for each in event_types().values()],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEventSchema:
    """Which type."""

    type: Annotated[str, Len(1, 80)]


@use_case("events.get_schema", scope=None, public=True, example={"type": "payment_order.completed"}, read_only=True)
async def get_event_schema(cmd: GetEventSchema, uow: IUnitOfWork) -> EventSchemaView:  # noqa: ARG001 - the same for everybody
    """Return the JSON Schema of one type of event, complete in itself.

    Errors: `not_found`.
    """
    found = event_types().get(cmd.type)
    if found is None:
        raise NotFound
    return _shown(found, found.schema())


def _shown(found: EventType, schema: dict[str, object]) -> EventSchemaView:
    return EventSchemaView(
        type=found.name,
        schema_version=found.event.schema_version,
        description=found.description,
        schema=schema,
    )
