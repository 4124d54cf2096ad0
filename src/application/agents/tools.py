"""Tools: what agents may call."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.agents.agents import Capabilities
from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.agents.figures import CapableTool, ToolCapability
from domain.agents.labels import CATEGORY
from domain.agents.specifications import tools_matching
from domain.agents.tool import HEALTH_NOTE, Tool, ToolAvailability
from domain.shared.ids import ToolId
from domain.shared.money import Money
from domain.shared.text import DESCRIPTION, NAME

Category = Annotated[str, CATEGORY]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolView(View[Tool]):
    """A tool. `parameters` is a JSON Schema of what it takes, `cost` what one call costs unless its caller says more.

    `last_checked_at` and `health_note` are of the latest `tools.set_availability`.
    """

    id: ToolId
    version: int
    name: str
    category: str
    description: str
    parameters: dict[str, object]
    capabilities: list[str]
    cost: Money | None
    availability: ToolAvailability
    last_checked_at: datetime | None
    health_note: str | None
    retired_at: datetime | None
    metadata: dict[str, str | int | bool]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTool:
    """What the tool is. Category and capabilities are kept in lower case; the cost is of one call."""

    name: Annotated[str, NAME]
    category: Category
    description: Annotated[str, DESCRIPTION] = ""
    parameters: dict[str, object] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=list)
    cost: Money | None = None
    metadata: dict[str, str | int | bool] = field(default_factory=dict)


@use_case(
    "tools.create",
    scope=Scope.TOOLS_WRITE,
    statements=6,
    example={
        "name": "Web search",
        "category": "research",
        "description": "Finds pages by words.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string", "maxLength": 200}, "pages": {"type": "integer", "minimum": 1}},
            "required": ["query"],
        },
        "capabilities": ["web.search"],
        "cost": {"amount": 2, "currency": "EUR"},
        "metadata": {"vendor": "Harbour Search"},
    },
)
async def create_tool(cmd: CreateTool, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ToolView:
    """Make a tool known, as available. Agents use it once it is granted to them.

    The parameters are a JSON Schema of an object, which may refer to its own `$defs` and to nothing outside of it.

    Errors: `text_invalid`, `parameters_invalid`, `document_invalid`, `capability_invalid`, `too_many_capabilities`,
    `cost_negative`, `amount_invalid`, `currency_invalid`, `metadata_invalid`.
    """
    tool = Tool.create(
        id=ToolId(ids.new()),
        organization_id=uow.actor.organization_id,
        name=cmd.name,
        category=cmd.category,
        description=cmd.description,
        parameters=cmd.parameters,
        capabilities=cmd.capabilities,
        cost=cmd.cost,
        metadata=cmd.metadata,
        now=clock.now(),
    )
    uow.tools.add(tool)
    return ToolView.of(tool)


get_use_case(
    "tools.get", lambda uow: uow.tools, ToolView, "Return one tool, also a retired one.", scope=Scope.TOOLS_READ
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTools(PageQuery):
    """Which tools: everything that is given has to hold. `text` is part of the name.

    With `match_all` a tool has all of the `capabilities`, else at least one. `retired` asks for retired tools instead.
    """

    category: Category | None = None
    availability: ToolAvailability | None = None
    capabilities: Capabilities = field(default_factory=list)
    match_all: bool = False
    text: Annotated[str, Len(1, 200)] | None = None
    retired: bool = False
    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"


list_use_case(
    "tools.list", ListTools, lambda uow: uow.tools, ToolView,
    "List tools by category, capability and how they are doing.\n\n"
    "Errors: `text_invalid`, `capability_invalid`, `too_many_capabilities`.",
    where=lambda cmd: tools_matching(
        category=cmd.category, availability=cmd.availability, capabilities=cmd.capabilities, match_all=cmd.match_all,
        text=cmd.text, retired=cmd.retired,
    ),
    scope=Scope.TOOLS_READ, example={"limit": 20, "category": "research"},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTool:
    """New values for what is mentioned; the rest stays."""

    id: ToolId
    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    category: Maybe[Category] = UNSET
    description: Maybe[Annotated[str, DESCRIPTION]] = UNSET
    parameters: Maybe[dict[str, object]] = UNSET
    capabilities: Maybe[Capabilities] = UNSET
    cost: Maybe[Money | None] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "tools.update",
    scope=Scope.TOOLS_WRITE,
    statements=8,
    example={"expected_version": 1, "description": "Finds pages by words.", "capabilities": ["web.search", "news"]},
)
async def update_tool(cmd: UpdateTool, uow: IUnitOfWork, *, clock: IClock) -> ToolView:
    """Change a tool; fields left out stay as they are, lists and objects are replaced as a whole.

    Errors: `not_found`, `version_stale`, `transition_invalid` when it is retired, `text_invalid`,
    `parameters_invalid`, `document_invalid`, `capability_invalid`, `too_many_capabilities`, `cost_negative`,
    `amount_invalid`, `currency_invalid`, `metadata_invalid`.
    """
    tool = await uow.tools.get(cmd.id)
    tool.expect_version(cmd.expected_version)
    tool.edit(
        clock.now(),
        name=given(cmd.name, tool.name),
        category=given(cmd.category, tool.category),
        description=given(cmd.description, tool.description),
        parameters=given(cmd.parameters, tool.parameters),
        capabilities=given(cmd.capabilities, list(tool.capabilities)),
        cost=given(cmd.cost, tool.cost),
        metadata=given(cmd.metadata, tool.metadata),
    )
    return ToolView.of(tool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetToolAvailability:
    """Which tool, how it is doing, and what whoever looked has to say about it."""

    id: ToolId
    availability: ToolAvailability
    note: Annotated[str, HEALTH_NOTE] | None = None
    expected_version: Version | None = None


@use_case(
    "tools.set_availability",
    scope=Scope.TOOLS_WRITE,
    example={"availability": "degraded", "note": "Answers take ten seconds."},
    statements=4,
)
async def set_tool_availability(cmd: SetToolAvailability, uow: IUnitOfWork, *, clock: IClock) -> ToolView:
    """Say how a tool is doing, as of now. While it is unavailable its use is refused (`tool_unavailable`).

    Errors: `not_found`, `version_stale`, `transition_invalid` when it is retired, `text_invalid`.
    """
    tool = await uow.tools.get(cmd.id, lock=True)
    tool.expect_version(cmd.expected_version)
    tool.set_availability(cmd.availability, cmd.note, clock.now())
    return ToolView.of(tool)


change_use_case(
    "tools.retire", lambda uow: uow.tools, ToolView, Tool.retire,
    "Take a tool away for good: neither used nor granted. Its calls stay counted. Doing it twice changes nothing.",
    scope=Scope.TOOLS_WRITE, statements=4, destructive=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CapableToolView(View[CapableTool]):
    """A tool that has a capability."""

    id: ToolId
    name: str
    availability: ToolAvailability


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCapabilityView(View[ToolCapability]):
    """A capability, and the tools that have it, by name."""

    capability: str
    tools: list[CapableToolView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCapabilitiesView:
    """Capabilities by name."""

    data: list[ToolCapabilityView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetToolCapabilities:
    """How many pairs of a capability and a tool at most."""

    limit: Annotated[int, Interval(ge=1, le=1000)] = 1000


@use_case("tools.get_capabilities", scope=Scope.TOOLS_READ, example={}, read_only=True, statements=1)
async def get_tool_capabilities(cmd: GetToolCapabilities, uow: IUnitOfWork) -> ToolCapabilitiesView:
    """Return which capabilities there are, each with the tools that have it and are not retired."""
    found = await uow.tools.get_tool_capabilities(cmd.limit)
    return ToolCapabilitiesView(data=[ToolCapabilityView.of(each) for each in found])
