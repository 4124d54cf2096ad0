"""A performance record: one measurement of an agent's work, written down once and never changed."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import define, frozen

from domain.agents.agent import Agent
from domain.agents.labels import check_metric
from domain.shared.entity import Entity
from domain.shared.errors import ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, PerformanceRecordId, TaskId
from domain.shared.text import TextRule

MAX_VALUE = 2**53
UNIT = TextRule(max_length=20)
NOTE = TextRule(max_length=500, min_length=0, markup=True, multiline=True)


class InvalidMeasurement(ValidationError):
    """A measured value is a whole number that every JSON reader reads exactly."""

    code = "measurement_invalid"
    summary = "A measured value is a whole number within 2**53 on either side of zero."


@frozen(kw_only=True)
class AgentPerformanceRecordedEvent(DomainEvent):
    """Somebody, or the agent itself, measured how it works."""

    verb: ClassVar[str] = "recorded"
    agent_id: AgentId
    metric: str
    value: int
    unit: str


@define(kw_only=True, eq=False)
class PerformanceRecord(Entity):
    """One measurement: ``metric`` is what was measured (``quality.score``), ``value`` how many of ``unit`` it was."""

    kind: ClassVar[str] = "agent_performance"

    id: PerformanceRecordId
    agent_id: AgentId
    task_id: TaskId | None
    metric: str
    value: int
    unit: str
    note: str

    @classmethod
    def measure(
        cls, agent: Agent, *, id: PerformanceRecordId, metric: str, value: int, unit: str, note: str = "",
        task_id: TaskId | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Write a measurement of an agent down, also of one that is paused or retired.

        Raises:
            InvalidMetric: the metric is no name of one.
            InvalidMeasurement: the value is beyond 2**53.
            InvalidText: unit or note is not acceptable.
        """
        if not -MAX_VALUE <= value <= MAX_VALUE:
            raise InvalidMeasurement(path="value")
        record = cls(
            id=id, organization_id=agent.organization_id, created_at=now, updated_at=now, agent_id=agent.id,
            task_id=task_id, metric=check_metric(metric), value=value, unit=UNIT.check(unit), note=NOTE.check(note),
        )  # fmt: skip
        record.record(
            AgentPerformanceRecordedEvent(
                agent_id=agent.id, metric=record.metric, value=value, unit=record.unit
            ),
            now,
        )  # fmt: skip
        return record
