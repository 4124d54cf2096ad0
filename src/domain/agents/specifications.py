"""Questions about agents and their tools."""

from collections.abc import Collection, Mapping
from functools import reduce
from operator import and_, or_

from domain.agents.agent import Agent, AgentStatus, AgentType
from domain.agents.labels import check_capabilities, check_capability, check_category, check_metric, check_role
from domain.agents.performance_record import PerformanceRecord
from domain.agents.tool import Tool, ToolAvailability
from domain.agents.tool_grant import ToolGrant
from domain.agents.tool_usage import ToolOutcome, ToolUsage
from domain.shared.ids import AgentId, TaskId, ToolId
from domain.shared.specification import Contains, Equal, Everything, In, IsNotNull, IsNull, Spec
from domain.shared.specification_fields import JsonHas
from domain.shared.specification_values import Value


def capable_of(capability: str) -> Spec[object]:
    """Agents or tools that have a capability, in whatever spelling.

    Raises:
        InvalidCapability: it is none.
    """
    return JsonHas("capabilities", check_capability(capability))


def agents_in(status: AgentStatus) -> Spec[Agent]:
    """Agents in one state of their life."""
    return Equal("status", status)


def agents_of_type(type: AgentType) -> Spec[Agent]:
    """Agents that mainly do one thing."""
    return Equal("type", type)


def agents_matching(
    *, type: AgentType | None = None, status: AgentStatus | None = None, role: str | None = None,
    capability: str | None = None, text: str | None = None,
) -> Spec[Agent]:  # fmt: skip
    """Agents for which everything that is given holds; ``text`` is part of the name.

    Raises:
        InvalidText: the role is none.
        InvalidCapability: the capability is none.
    """
    found: Spec[Agent] = Everything() if type is None else agents_of_type(type)
    if status is not None:
        found &= agents_in(status)
    if role is not None:
        found &= Equal("role", check_role(role))
    if capability is not None:
        found &= capable_of(capability)
    return found if text is None else found & Contains("name", text)


def tools_in(category: str) -> Spec[Tool]:
    """Tools of a category, in whatever spelling it is asked for.

    Raises:
        InvalidText: it is none.
    """
    return Equal("category", check_category(category))


def tools_callable() -> Spec[Tool]:
    """Tools that can be called now, though some may answer badly."""
    return In("availability", [ToolAvailability.AVAILABLE, ToolAvailability.DEGRADED]) & IsNull("retired_at")


def tools_matching(
    *, category: str | None = None, availability: ToolAvailability | None = None, capabilities: Collection[str] = (),
    match_all: bool = False, text: str | None = None, retired: bool = False,
) -> Spec[Tool]:  # fmt: skip
    """Tools for which everything that is given holds; ``text`` is part of the name.

    Raises:
        InvalidText: the category is none.
        InvalidCapability, TooManyCapabilities: the capabilities are none.
    """
    found: Spec[Tool] = IsNotNull("retired_at") if retired else IsNull("retired_at")
    wanted = [capable_of(capability) for capability in check_capabilities(capabilities)]
    if wanted:
        found &= reduce(and_ if match_all else or_, wanted)
    if category is not None:
        found &= tools_in(category)
    if availability is not None:
        found &= Equal("availability", availability)
    return found if text is None else found & Contains("name", text)


def grant_of(tool_id: ToolId | None = None, agent_id: AgentId | None = None) -> Spec[ToolGrant]:
    """Grants of a tool, to an agent, or both."""
    return _given({"tool_id": tool_id, "agent_id": agent_id})


def usages_matching(
    *, tool_id: ToolId | None = None, agent_id: AgentId | None = None, task_id: TaskId | None = None,
    outcome: ToolOutcome | None = None,
) -> Spec[ToolUsage]:  # fmt: skip
    """Calls of a tool, by an agent, for a task, that ended in one way."""
    return _given({"tool_id": tool_id, "agent_id": agent_id, "task_id": task_id, "outcome": outcome})


def records_matching(*, agent_id: AgentId | None = None, metric: str | None = None) -> Spec[PerformanceRecord]:
    """Measurements of an agent, of one metric.

    Raises:
        InvalidMetric: the metric is none.
    """
    return _given({"agent_id": agent_id, "metric": None if metric is None else check_metric(metric)})


def _given(values: Mapping[str, Value | None]) -> Spec[object]:
    wanted: list[Spec[object]] = [Equal(name, value) for name, value in values.items() if value is not None]
    return reduce(and_, wanted, Everything())
