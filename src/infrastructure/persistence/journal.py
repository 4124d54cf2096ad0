"""What every commit writes besides its rows: outbox events, audit entries and the stored answer.

All of it is one statement on PostgreSQL, sent after the rows: the rows' locks are held by then, so the order
of outbox ids is the order of commits for every aggregate.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import Executable, Table, Update, bindparam, func, insert, select, update

from application.kernel.causality import Cause, present_cause, traceparent_of
from application.kernel.wire import to_wire
from domain.shared.entity import Entity, RecordedEvent
from domain.shared.errors import StaleVersion
from domain.shared.ids import ID_PREFIXES, EventId, OrganizationId, encode_id
from infrastructure.persistence import bulk
from infrastructure.persistence.held import Held, prefixed
from infrastructure.persistence.models.technical import AuditEntryRow, IdempotencyRecordRow, OutboxRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.tracking import Change
from infrastructure.persistence.types import Guid, text
from infrastructure.security.redaction import redact_fact

_OUTBOX = cast("Table", OutboxRow.__table__)
_AUDIT = cast("Table", AuditEntryRow.__table__)
_RECORDS = cast("Table", IdempotencyRecordRow.__table__)
_EVENT_COLUMNS = (
    "organization_id", "event_id", "type", "schema_version", "occurred_at", "aggregate_type", "aggregate_id",
    "aggregate_version", "traceparent", "payload",
)  # fmt: skip
_ENTRY_COLUMNS = (
    "organization_id", "id", "actor", "action", "operation", "subject_type", "subject_id", "subject_version",
    "changes", "request_id",
)  # fmt: skip
_ONE_STATEMENT = 8


class Journal:
    """Collects the consequences of one unit of work until it commits."""

    def __init__(self, session: Session, *, use_case: str, request_id: str) -> None:
        """Name the cause: the use-case and the request behind it."""
        self._session = session
        self._use_case = use_case
        self._request_id = request_id
        self._cause = present_cause()
        self._recorded: list[tuple[RecordedEvent, Entity]] = []
        self._identified: list[tuple[EventId, RecordedEvent, Entity]] = []
        self._entries: list[tuple[object, ...]] = []
        self.published = False
        self.touched: set[tuple[UUID, str]] = set()

    def note(self, changes: Sequence[Change]) -> None:
        """Take the events of changed aggregates, and one audit entry for each."""
        for change in changes:
            self._entries.append(self._entry(change))
            self.touched.add((change.entity.organization_id, change.entity.kind))
            self._recorded.extend((recorded, change.entity) for recorded in change.entity.pull_events())

    def cause_of(self, subject_id: UUID) -> Cause:
        """Return what a job about a subject is a consequence of: the last event about it, or else the last of all.

        Without any event it is a consequence of what this unit of work is one of.
        """
        self._identify()
        about = [event_id for event_id, _, entity in self._identified if entity.id == subject_id]
        every = [event_id for event_id, _, _ in self._identified]
        event_id = about[-1] if about else every[-1] if every else self._cause.causation_id
        trace = self._cause.traceparent if event_id is None else self._traceparent(event_id)
        return Cause(correlation_id=self._correlation_id, causation_id=event_id, traceparent=trace)

    async def write(self, answer: tuple[UUID, str, str] | None) -> None:
        """Write what was collected, and the answer to keep as ``(organization, key, JSON)``."""
        self._identify()
        events, entries = [self._event(*each) for each in self._identified], self._entries
        self._identified, self._entries = [], []
        self.published = self.published or bool(events)
        names: tuple[str, ...] = _ENTRY_COLUMNS
        if not self._session.database.is_postgres:
            names, now = (*_ENTRY_COLUMNS, "occurred_at"), self._session.now()
            entries = [(*entry, now) for entry in entries]
        elif len(entries) > 0 and len(events) + len(entries) <= _ONE_STATEMENT:
            await self._write_together(events, entries, answer)
            return
        if events:
            await bulk.insert(self._session, _OUTBOX, _EVENT_COLUMNS, events)
        if entries:
            await bulk.insert(self._session, _AUDIT, names, entries)
        if answer is not None:
            await self._write_answer(answer)

    async def _write_answer(self, answer: tuple[UUID, str, str]) -> None:
        """Write the answer under the tenant its key was claimed for, which the effects may not have been under."""
        if answer[0] not in (self._session.organization_id, self._session.person):
            await self._session.enter(answer[0])
        statement = self._session.prepare("answer", lambda: _answer().returning(_RECORDS.c.key))
        if not await self._session.rows(statement, _answer_params(answer)):
            raise RuntimeError("the claim that the answer belongs to is gone")

    async def _write_together(
        self, events: Sequence[tuple[object, ...]], entries: Sequence[tuple[object, ...]],
        answer: tuple[UUID, str, str] | None,
    ) -> None:  # fmt: skip
        """Write everything in one round trip; the answer may belong to another tenant than the effects."""
        own = answer is not None and answer[0] in (self._session.organization_id, self._session.person)
        held = self._session.take_held()
        shape = ("journal", len(events), len(entries), own, *(write.key for write in held))
        statement = self._session.prepare(shape, lambda: _together(len(events), len(entries), held, own=own))
        params: dict[str, object] = dict(_answer_params(answer)) if answer and own else {}
        for n, write in enumerate(held):
            params.update(write.params(f"h{n}_"))
        for prefix, names, rows in (("o", _EVENT_COLUMNS, events), ("a", _ENTRY_COLUMNS, entries)):
            for n, row in enumerate(rows):
                params.update(zip(prefixed(names, f"{prefix}{n}_"), row, strict=True))
        written = await self._session.rows(statement, params)
        if any(count != 1 for count in chain.from_iterable(written)):
            raise StaleVersion
        if answer is not None and not own:
            await self._write_answer(answer)

    @property
    def _correlation_id(self) -> str:
        return self._cause.correlation_id or self._request_id

    def _identify(self) -> None:
        """Give the events that have none their ids, in the order in which they happened."""
        self._recorded.sort(key=lambda pair: pair[0].order)
        self._identified += [(EventId(self._session.ids.new()), *pair) for pair in self._recorded]
        self._recorded = []

    def _event(self, event_id: EventId, recorded: RecordedEvent, entity: Entity) -> tuple[object, ...]:
        event, at, version, _ = recorded
        session, caused_by = self._session, self._cause.causation_id
        name = f"{entity.kind}.{event.verb}"
        payload = {
            "event_id": encode_id("evt", event_id), "type": name, "schema_version": event.schema_version,
            "occurred_at": at, "organization_id": encode_id("org", OrganizationId(session.organization_id)),
            "actor": session.author,
            "aggregate": {"type": entity.kind, "id": public_id(entity), "version": version},
            "correlation_id": self._correlation_id,
            "causation_id": None if caused_by is None else encode_id("evt", caused_by),
            "data": redact_fact(cast("dict[str, object]", to_wire(event))),
        }  # fmt: skip
        traceparent = self._traceparent(event_id)
        session.database.watch.event_recorded(event_id, name, traceparent)
        return (
            session.organization_id, event_id, name, event.schema_version, at, entity.kind, entity.id, version,
            traceparent, msgspec.json.encode(payload).decode(),
        )  # fmt: skip

    def _traceparent(self, event_id: UUID) -> str:
        return traceparent_of(event_id, self._correlation_id, self._cause.traceparent)

    def _entry(self, change: Change) -> tuple[object, ...]:
        entity = change.entity
        changes = {name: value for name, value in change.values.items() if name not in _UNINTERESTING}
        return (
            self._session.organization_id, self._session.ids.new(), self._session.author, self._use_case,
            change.operation.value, entity.kind, public_id(entity), entity.version, canonical(redact_fact(changes)),
            self._request_id,
        )  # fmt: skip


_UNINTERESTING = {"organization_id", "id", "version", "created_at", "created_by", "updated_at", "updated_by"}
_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: Mapping[str, object]) -> str:
    """Return JSON text with sorted keys, the form that is hashed into the audit chain."""
    return _encoder.encode(value).decode()


def public_id(entity: Entity) -> str:
    """Return the aggregate's id as it is shown outside."""
    return encode_id(_prefix(type(entity)), entity.id)


_prefixes: dict[type, str] = {}


def _prefix(entity: type[Entity]) -> str:
    if entity not in _prefixes:
        _prefixes[entity] = ID_PREFIXES[entity.__annotations__["id"]]
    return _prefixes[entity]


def _values(table: Table, prefix: str, names: Sequence[str], count: int) -> list[dict[str, object]]:
    return [{name: bindparam(f"{prefix}{n}_{name}", type_=table.c[name].type) for name in names} for n in range(count)]


def _together(events: int, entries: int, held: Sequence[Held], *, own: bool) -> Executable:
    """Return one statement for everything; it selects how many rows each of the counted held writes wrote.

    The order within it is PostgreSQL's own. What is held are rows that are locked already and rows that are new, so
    that no event can overtake another one of its aggregate.
    """
    entry = insert(_AUDIT).values(_values(_AUDIT, "a", _ENTRY_COLUMNS, entries))
    writes = {f"held{n}": write.build(f"h{n}_") for n, write in enumerate(held)}
    if events:
        writes["events"] = insert(_OUTBOX).values(_values(_OUTBOX, "o", _EVENT_COLUMNS, events))
    if own:
        writes["answer"] = _answer()
    if not any(write.counted for write in held):
        return entry.add_cte(*(write.cte(name) for name, write in writes.items()))
    ctes = {name: write.cte(name) for name, write in {**writes, "entries": entry}.items()}
    counts = [select(func.count()).select_from(ctes[f"held{n}"]) for n, write in enumerate(held) if write.counted]
    return select(*(count.scalar_subquery() for count in counts)).add_cte(*ctes.values())


def _answer() -> Update:
    return (
        update(_RECORDS)
        .where(
            _RECORDS.c.organization_id == bindparam("answer_organization", type_=Guid()),
            _RECORDS.c.key == bindparam("answer_key", type_=text()),
        )
        .values(response=bindparam("answer_json", type_=text()))
    )


def _answer_params(answer: tuple[UUID, str, str]) -> dict[str, object]:
    organization_id, key, json = answer
    return {"answer_organization": organization_id, "answer_key": key, "answer_json": json}
