"""Every event that Stoa publishes, found where it is declared: nobody keeps a list, so none can be forgotten.

An aggregate's events are the event classes in its own module, defined there or imported, those in a module beside it
that is named after it (``payment_order_events``), and the ones that every aggregate shares. Two aggregates in one
module share what no class name tells apart.
"""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import domain
from application.events.wire_schema import MOMENT, Schema, id_schema, record_schema
from domain.shared.entity import Entity, SoftDeletable
from domain.shared.events import Deleted, DomainEvent, Restored, Updated
from domain.shared.published_event import AuditHeadSealedEvent

AUDIT_HEAD = "audit_head"
"""The one kind that is no aggregate: the sealer publishes where an audit chain ends."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A published type: the aggregate's kind and the event's verb, with the class whose fields are its data."""

    kind: str
    event: type[DomainEvent]

    @property
    def name(self) -> str:
        """Return the type as it is published."""
        return f"{self.kind}.{self.event.verb}"

    @property
    def description(self) -> str:
        """Return the class's own text."""
        return inspect.getdoc(self.event) or ""

    def data_schema(self) -> Schema:
        """Describe the event's data."""
        return record_schema(self.event)

    def schema(self) -> Schema:
        """Describe the whole published event."""
        properties = {
            **_PROPERTIES,
            "type": {"const": self.name},
            "schema_version": {"const": self.event.schema_version},
            "data": self.data_schema(),
        }
        return {**_ENVELOPE, "title": self.name, "description": self.description, "properties": properties}


def envelope_schema() -> Schema:
    """Describe what all published events have in common."""
    return _ENVELOPE


@cache
def event_types() -> Mapping[str, EventType]:
    """Return every published type by its name, in alphabetical order."""
    found = {(type_.name): type_ for module in _modules() for type_ in _of_module(module)}
    head = EventType(AUDIT_HEAD, AuditHeadSealedEvent)
    return dict(sorted({**found, head.name: head}.items()))


@cache
def kinds() -> frozenset[str]:
    """Return the kinds of aggregates that publish events."""
    return frozenset(type_.kind for type_ in event_types().values())


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."):
        yield importlib.import_module(info.name)


def _of_module(module: ModuleType) -> Iterator[EventType]:
    aggregates: list[type[Entity]] = [
        cls for cls in _classes(module, Entity) if cls.__module__ == module.__name__ and "kind" in vars(cls)
    ]
    beside = sys.modules.get(f"{module.__name__}_events", module)
    classes = dict.fromkeys([*_classes(module, DomainEvent), *_classes(beside, DomainEvent)])
    events = [cls for cls in classes if "verb" in vars(cls)]
    for aggregate in aggregates:
        shared = [Updated, Deleted, Restored] if issubclass(aggregate, SoftDeletable) else [Updated, Deleted]
        own = [event for event in events if event not in shared and _may_record(aggregate, event, aggregates)]
        # An event of the aggregate's own takes the place of a shared one with the same verb.
        every: list[type[DomainEvent]] = [*shared, *own]
        for event in {event.verb: event for event in every}.values():
            yield EventType(aggregate.kind, event)


def _may_record(aggregate: type[Entity], event: type[DomainEvent], aggregates: list[type[Entity]]) -> bool:
    """Go by the class's name where a module has several aggregates and one of them is named in it."""
    named = [each for each in aggregates if event.__name__.startswith(each.__name__)]
    return not named or aggregate is max(named, key=lambda each: len(each.__name__))


def _classes[C](module: ModuleType, base: type[C]) -> list[type[C]]:
    return [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, base)]


_TEXT: Schema = {"type": "string"}
_PROPERTIES: dict[str, object] = {
    "event_id": id_schema("evt"),
    "type": {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"},
    "schema_version": {"type": "integer", "minimum": 1},
    "occurred_at": MOMENT,
    "organization_id": id_schema("org"),
    "actor": _TEXT,
    "aggregate": {
        "type": "object",
        "properties": {"type": _TEXT, "id": _TEXT, "version": {"type": "integer", "minimum": 1}},
        "required": ["id", "type", "version"],
    },
    "correlation_id": _TEXT,
    "causation_id": {"anyOf": [id_schema("evt"), {"type": "null"}]},
    "data": {"type": "object"},
}
_ENVELOPE: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": _PROPERTIES,
    "required": sorted(_PROPERTIES),
}
