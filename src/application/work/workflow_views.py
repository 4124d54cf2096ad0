"""What is shown of workflows, and how steps and parameters are written down in commands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.view import View
from domain.shared.ids import (
    AgentId,
    PlaybookVersionId,
    TaskId,
    ToolId,
    WorkflowExecutionId,
    WorkflowId,
    WorkflowStepId,
    WorkflowVersionId,
)
from domain.shared.text import DESCRIPTION, NAME, TextRule
from domain.work.workflow import Definition, Workflow, WorkflowStatus, WorkflowVersion, WorkflowVersionHead
from domain.work.workflow_definition import MAX_STEPS, StepDefinition, StepKind
from domain.work.workflow_execution import ExecutionStatus, WorkflowExecution
from domain.work.workflow_parameters import MAX_PARAMETERS, Parameter, ParameterType
from domain.work.workflow_step import StepStatus, WorkflowStep

StepKey = Annotated[str, TextRule(max_length=60)]
StepName = Annotated[str, TextRule(max_length=200, min_length=0)]
Name = Annotated[str, NAME]
Description = Annotated[str, DESCRIPTION]
Document = dict[str, object]
VersionNumber = Annotated[int, Interval(ge=1, le=2**31 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStepInput:
    """One step: who does it (`kind`), what has to be completed before, and what it is given.

    In `input`, `{"from": "params.name"}` stands for a parameter and `{"from": "step.output.path"}` for what an earlier
    step answered. `agent_id` or `capability` say which agent does an `agent_task`, `tool_id` which tool is called,
    `wait_seconds` how long a `wait` lasts; a `payment` takes `payment_order_id` and `payment_method_id` as input.
    """

    key: StepKey
    kind: StepKind
    name: StepName = ""
    depends_on: Annotated[list[StepKey], Len(0, 1_000)] = field(default_factory=list)
    input: dict[str, object] = field(default_factory=dict)
    agent_id: AgentId | None = None
    capability: Annotated[str, TextRule(max_length=80)] | None = None
    tool_id: ToolId | None = None
    wait_seconds: Annotated[int, Interval(ge=1, le=31_536_000)] | None = None
    max_attempts: Annotated[int, Interval(ge=1, le=100)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterInput:
    """One parameter; money is `{"amount": minor units, "currency": code}`."""

    name: StepKey
    type: ParameterType
    required: bool = True
    description: Annotated[str, TextRule(max_length=500, min_length=0)] = ""


Steps = Annotated[list[WorkflowStepInput], Len(1, MAX_STEPS)]
Parameters = Annotated[list[ParameterInput], Len(0, MAX_PARAMETERS)]


def read_definition(
    steps: Sequence[WorkflowStepInput], parameters: Sequence[ParameterInput], defaults: Document, output: Document
) -> Definition:
    """Return a definition as the domain has it, not checked yet."""
    return Definition(
        steps=[
            StepDefinition(
                key=step.key, kind=step.kind, name=step.name, depends_on=tuple(step.depends_on), input=step.input,
                agent_id=step.agent_id, capability=step.capability, tool_id=step.tool_id,
                wait_seconds=step.wait_seconds, max_attempts=step.max_attempts,
            )
            for step in steps
        ],
        parameters=[
            Parameter(name=each.name, type=each.type, required=each.required, description=each.description)
            for each in parameters
        ],
        defaults=defaults, output=output,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowView(View[Workflow]):
    """A named process; `latest_version` is 0 before its first version is published."""

    id: WorkflowId
    version: int
    name: str
    description: str
    status: WorkflowStatus
    latest_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDefinitionView(View[StepDefinition]):
    """One step of a definition."""

    key: str
    kind: StepKind
    name: str
    depends_on: list[str]
    input: dict[str, object]
    agent_id: AgentId | None
    capability: str | None
    tool_id: ToolId | None
    wait_seconds: int | None
    max_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView(View[Parameter]):
    """One parameter, with its default."""

    name: str
    type: ParameterType
    required: bool
    description: str
    default: object


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowVersionView(View[WorkflowVersion]):
    """One version with its whole definition, which never changes."""

    id: WorkflowVersionId
    version: int
    workflow_id: WorkflowId
    number: int
    notes: str
    steps_count: int
    steps: list[StepDefinitionView]
    parameters: list[ParameterView]
    output: dict[str, object]
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowVersionHeadView(View[WorkflowVersionHead]):
    """One version without its definition."""

    id: WorkflowVersionId
    version: int
    workflow_id: WorkflowId
    number: int
    notes: str
    steps_count: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowExecutionView(View[WorkflowExecution]):
    """One run of a version; `failed_step` is the latest step that failed while the execution is `failed`."""

    id: WorkflowExecutionId
    version: int
    workflow_id: WorkflowId | None
    workflow_version_id: WorkflowVersionId | None
    playbook_version_id: PlaybookVersionId | None
    status: ExecutionStatus
    input: dict[str, object]
    output: dict[str, object] | None
    failed_step: str | None
    steps_total: int
    steps_completed: int
    steps_failed: int
    steps_running: int
    steps_waiting: int
    started_at: datetime
    ended_at: datetime | None
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStepView(View[WorkflowStep]):
    """One step of one run; `open_dependencies` is how many others it still waits for."""

    id: WorkflowStepId
    execution_id: WorkflowExecutionId
    position: int
    key: str
    kind: StepKind
    name: str
    status: StepStatus
    depends_on: list[str]
    open_dependencies: int
    input: dict[str, object] | None
    output: dict[str, object] | None
    error: dict[str, object] | None
    task_id: TaskId | None
    due_at: datetime | None
    attempts: int
    failures: int
    started_at: datetime | None
    ended_at: datetime | None
    concluded_by: str | None
