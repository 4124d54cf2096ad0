"""A grant: which agent may use which tool."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import define, frozen

from domain.agents.agent import Agent
from domain.agents.tool import Tool
from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError, Forbidden
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, ToolGrantId, ToolId


class ToolNotGranted(Forbidden):
    """The agent has no grant for the tool."""

    code = "tool_not_granted"
    summary = "The tool is not granted to the agent."


class ToolAlreadyGranted(DuplicateError):
    """The agent has a grant for the tool."""

    code = "tool_already_granted"
    summary = "The tool is granted to the agent already."


@frozen(kw_only=True)
class ToolGrantedEvent(DomainEvent):
    """The agent may use the tool, until the grant is deleted."""

    verb: ClassVar[str] = "created"
    tool_id: ToolId
    agent_id: AgentId


@define(kw_only=True, eq=False)
class ToolGrant(Entity):
    """That an agent may use a tool. It is deleted when it is revoked."""

    kind: ClassVar[str] = "tool_grant"

    id: ToolGrantId
    tool_id: ToolId
    agent_id: AgentId

    @classmethod
    def give(cls, tool: Tool, agent: Agent, *, id: ToolGrantId, now: datetime) -> Self:
        """Let the agent use the tool.

        Raises:
            ToolUnavailable: the tool is retired.
            InvalidTransition: the agent is retired.
        """
        tool.refuse_retired()
        agent.refuse_retired()
        grant = cls(
            id=id, organization_id=tool.organization_id, created_at=now, updated_at=now, tool_id=tool.id,
            agent_id=agent.id,
        )  # fmt: skip
        grant.record(ToolGrantedEvent(tool_id=tool.id, agent_id=agent.id), now)
        return grant
