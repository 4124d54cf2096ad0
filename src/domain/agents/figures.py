"""Numbers about agents and their tools that statements count."""

from attrs import frozen

from domain.agents.tool import ToolAvailability
from domain.shared.ids import ToolId
from domain.shared.money import Money


@frozen(kw_only=True)
class CallFigures:
    """Calls of tools, how many of them failed or took too long, and the durations that half and 95 % kept within."""

    calls: int = 0
    failures: int = 0
    timeouts: int = 0
    p50_ms: int | None = None
    p95_ms: int | None = None
    costs: tuple[Money, ...] = ()


@frozen(kw_only=True)
class ToolFigures:
    """The calls of one tool."""

    tool_id: ToolId
    calls: CallFigures


@frozen(kw_only=True)
class MetricFigures:
    """The measurements of one metric in one unit."""

    metric: str
    unit: str
    records: int
    total: int
    lowest: int
    highest: int


@frozen(kw_only=True)
class WorkFigures:
    """Runs of tasks that began in a period: how they ended, and the durations that half and 95 % of the done ones kept.

    A task that is tried again is another run; what was completed is completed once.
    """

    runs: int = 0
    completed: int = 0
    failed: int = 0
    timed_out: int = 0
    p50_ms: int | None = None
    p95_ms: int | None = None


@frozen(kw_only=True)
class AgentMetrics:
    """What an agent did in a period. ``spent`` is what its mandates paid in it, for orders and for tools."""

    tasks: WorkFigures
    tools: CallFigures
    spent: tuple[Money, ...]
    performance: tuple[MetricFigures, ...]


@frozen(kw_only=True)
class CapableTool:
    """A tool that has a capability."""

    id: ToolId
    name: str
    availability: ToolAvailability


@frozen(kw_only=True)
class ToolCapability:
    """A capability, and the tools that have it."""

    capability: str
    tools: tuple[CapableTool, ...]
