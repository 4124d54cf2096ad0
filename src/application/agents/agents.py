"""Agents: programs that work for the organization."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.agents.agent import Agent, AgentStatus, AgentType
from domain.agents.labels import CAPABILITY, ROLE
from domain.agents.specifications import agents_matching
from domain.shared.ids import AgentId
from domain.shared.text import DESCRIPTION, NAME

Role = Annotated[str, ROLE]
Capability = Annotated[str, CAPABILITY]
Capabilities = Annotated[list[Capability], Len(0, 100)]
"""At most 50 different ones; spellings that differ in letter case only are one capability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView(View[Agent]):
    """An agent. `configuration` and `state` are objects of its own, which mean nothing to Stoa."""

    id: AgentId
    version: int
    name: str
    type: AgentType
    role: str | None
    description: str
    capabilities: list[str]
    configuration: dict[str, object]
    state: dict[str, object]
    status: AgentStatus
    metadata: dict[str, str | int | bool]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAgent:
    """What the agent is. Role and capabilities are kept in lower case; the configuration holds no secrets."""

    name: Annotated[str, NAME]
    type: AgentType
    role: Role | None = None
    description: Annotated[str, DESCRIPTION] = ""
    capabilities: Capabilities = field(default_factory=list)
    configuration: dict[str, object] = field(default_factory=dict)
    metadata: dict[str, str | int | bool] = field(default_factory=dict)


@use_case(
    "agents.create",
    scope=Scope.AGENTS_WRITE,
    statements=6,
    example={
        "name": "Purchasing assistant",
        "type": "buyer",
        "role": "purchasing",
        "description": "Buys what the office runs out of.",
        "capabilities": ["web.search", "orders.place"],
        "configuration": {"model": "any", "language": "pt"},
        "metadata": {"team": "office"},
    },
)
async def create_agent(cmd: CreateAgent, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> AgentView:
    """Make an agent known, as a draft: it is given work once it is activated.

    Errors: `text_invalid`, `capability_invalid`, `too_many_capabilities`, `document_invalid`, `metadata_invalid`.
    """
    agent = Agent.create(
        id=AgentId(ids.new()),
        organization_id=uow.actor.organization_id,
        name=cmd.name,
        type=cmd.type,
        role=cmd.role,
        description=cmd.description,
        capabilities=cmd.capabilities,
        configuration=cmd.configuration,
        metadata=cmd.metadata,
        now=clock.now(),
    )
    uow.agents.add(agent)
    return AgentView.of(agent)


get_use_case(
    "agents.get", lambda uow: uow.agents, AgentView, "Return one agent with its configuration and state.",
    scope=Scope.AGENTS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAgents(PageQuery):
    """Which agents: everything that is given has to hold. `text` is part of the name."""

    type: AgentType | None = None
    status: AgentStatus | None = None
    role: Role | None = None
    capability: Capability | None = None
    text: Annotated[str, Len(1, 200)] | None = None
    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"


list_use_case(
    "agents.list", ListAgents, lambda uow: uow.agents, AgentView,
    "List agents by what they are and can do.\n\nErrors: `text_invalid`, `capability_invalid`.",
    where=lambda cmd: agents_matching(
        type=cmd.type, status=cmd.status, role=cmd.role, capability=cmd.capability, text=cmd.text
    ),
    scope=Scope.AGENTS_READ, example={"limit": 20, "capability": "web.search"},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAgent:
    """New values for what is mentioned; the rest stays."""

    id: AgentId
    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    type: Maybe[AgentType] = UNSET
    role: Maybe[Role | None] = UNSET
    description: Maybe[Annotated[str, DESCRIPTION]] = UNSET
    capabilities: Maybe[Capabilities] = UNSET
    configuration: Maybe[dict[str, object]] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "agents.update",
    scope=Scope.AGENTS_WRITE,
    statements=8,
    example={"expected_version": 1, "name": "Purchasing", "capabilities": ["orders.place", "invoices.read"]},
)
async def update_agent(cmd: UpdateAgent, uow: IUnitOfWork, *, clock: IClock) -> AgentView:
    """Change an agent; fields left out stay as they are, lists and objects are replaced as a whole.

    What the agent itself remembers is changed with `agents.update_state`.

    Errors: `not_found`, `version_stale`, `transition_invalid` when it is retired, `text_invalid`,
    `capability_invalid`, `too_many_capabilities`, `document_invalid`, `metadata_invalid`.
    """
    agent = await uow.agents.get(cmd.id)
    agent.expect_version(cmd.expected_version)
    agent.edit(
        clock.now(),
        name=given(cmd.name, agent.name),
        type=given(cmd.type, agent.type),
        role=given(cmd.role, agent.role),
        description=given(cmd.description, agent.description),
        capabilities=given(cmd.capabilities, list(agent.capabilities)),
        configuration=given(cmd.configuration, agent.configuration),
        metadata=given(cmd.metadata, agent.metadata),
    )
    return AgentView.of(agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAgentState:
    """Which agent as of which version, and a JSON merge patch (RFC 7396) for what it remembers.

    In the patch null removes a member, an object is merged into the one that is there, and anything else replaces it.
    """

    id: AgentId
    expected_version: Version
    patch: dict[str, object]


@use_case(
    "agents.update_state",
    scope=Scope.AGENTS_WORK,
    example={"expected_version": 1, "patch": {"cursor": 42, "last_supplier": "Harbour Coffee"}},
    statements=5,
)
async def update_agent_state(cmd: UpdateAgentState, uow: IUnitOfWork, *, clock: IClock) -> AgentView:
    """Change what an agent remembers between its runs. An agent does this for itself only.

    The version that the caller read has to be the present one, so that two runs never mix what they remember.

    Errors: `not_found`, `version_stale`, `document_invalid`, `not_the_agent`, `transition_invalid` when it is retired.
    """
    uow.actor.act_as(cmd.id)
    agent = await uow.agents.get(cmd.id, lock=True)
    agent.expect_version(cmd.expected_version)
    agent.update_state(cmd.patch, clock.now())
    return AgentView.of(agent)
