"""A tool's usage: one call that an agent made of it, written down once and never changed."""

import re
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.agents.tool import Tool, check_cost
from domain.agents.tool_grant import ToolNotGranted
from domain.shared.entity import Entity
from domain.shared.errors import ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, TaskId, ToolId, ToolUsageId
from domain.shared.money import Money

MAX_DURATION_MS = 7 * 24 * 3600 * 1000
_ERROR_CODE = re.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


class ToolOutcome(StrEnum):
    """How a call ended."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"


class InvalidUsage(ValidationError):
    """What is told of a call does not go together; ``path`` names the field."""

    code = "usage_invalid"
    summary = "A call takes up to seven days, and has an error code of 64 plain characters only when it failed."


@frozen(kw_only=True)
class ToolUsedEvent(DomainEvent):
    """An agent called a tool."""

    verb: ClassVar[str] = "recorded"
    tool_id: ToolId
    agent_id: AgentId
    outcome: ToolOutcome
    duration_ms: int
    cost: Money | None


@define(kw_only=True, eq=False)
class ToolUsage(Entity):
    """One call. ``cost`` is what it cost, ``task_id`` what it was made for; ``created_at`` is when it was told."""

    kind: ClassVar[str] = "tool_usage"

    id: ToolUsageId
    tool_id: ToolId
    agent_id: AgentId
    task_id: TaskId | None
    duration_ms: int
    cost: Money | None
    outcome: ToolOutcome
    error_code: str | None

    @classmethod
    def record_call(
        cls, tool: Tool, *, id: ToolUsageId, agent_id: AgentId, granted: bool, outcome: ToolOutcome, duration_ms: int,
        cost: Money | None = None, error_code: str | None = None, task_id: TaskId | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Write a call down; without a ``cost`` it cost what the tool costs.

        Raises:
            ToolNotGranted: the agent may not use the tool.
            ToolUnavailable: nobody can use it now.
            NegativeCost: the cost is below zero.
            InvalidUsage: the duration is negative or above seven days, or an error code is malformed or out of place.
        """
        if not granted:
            raise ToolNotGranted
        tool.refuse_unavailable()
        if not 0 <= duration_ms <= MAX_DURATION_MS:
            raise InvalidUsage(path="duration_ms")
        if error_code is not None and (outcome is ToolOutcome.OK or _ERROR_CODE.fullmatch(error_code) is None):
            raise InvalidUsage(path="error_code")
        usage = cls(
            id=id, organization_id=tool.organization_id, created_at=now, updated_at=now, tool_id=tool.id,
            agent_id=agent_id, task_id=task_id, duration_ms=duration_ms, outcome=outcome, error_code=error_code,
            cost=tool.cost if cost is None else check_cost(cost),
        )  # fmt: skip
        used = ToolUsedEvent(
            tool_id=tool.id, agent_id=agent_id, outcome=outcome, duration_ms=duration_ms, cost=usage.cost
        )
        usage.record(used, now)
        return usage
