"""What is shown of playbooks."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.view import View
from application.work.workflow_views import ParameterView, StepDefinitionView
from domain.shared.ids import PlaybookId, PlaybookRunId, PlaybookVersionId, WorkflowExecutionId
from domain.work.playbook import Playbook, PlaybookRun, PlaybookStatus, PlaybookVersion, PlaybookVersionHead
from domain.work.playbook_diff import Changed, Differences, PlaybookDiff


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookView(View[Playbook]):
    """A playbook with its draft; `latest_version` is 0 before it is published."""

    id: PlaybookId
    version: int
    name: str
    description: str
    status: PlaybookStatus
    latest_version: int
    steps: list[StepDefinitionView]
    parameters: list[ParameterView]
    output: dict[str, object]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookVersionView(View[PlaybookVersion]):
    """One version with its whole template, which never changes."""

    id: PlaybookVersionId
    version: int
    playbook_id: PlaybookId
    number: int
    notes: str
    steps_count: int
    steps: list[StepDefinitionView]
    parameters: list[ParameterView]
    output: dict[str, object]
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookVersionHeadView(View[PlaybookVersionHead]):
    """One version without its template."""

    id: PlaybookVersionId
    version: int
    playbook_id: PlaybookId
    number: int
    notes: str
    steps_count: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedView(View[Changed]):
    """A step or parameter that both versions have, and which of its fields differ."""

    name: str
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferencesView(View[Differences]):
    """By name: only in the later version, only in the earlier one, different in both."""

    added: list[str]
    removed: list[str]
    changed: list[ChangedView]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookDiffView(View[PlaybookDiff]):
    """Everything that tells two versions apart."""

    earlier: int
    later: int
    steps: DifferencesView
    parameters: DifferencesView
    output_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookRunView(View[PlaybookRun]):
    """One run: which version, with what, and the execution that it became."""

    id: PlaybookRunId
    version: int
    playbook_id: PlaybookId
    playbook_version_id: PlaybookVersionId
    number: int
    execution_id: WorkflowExecutionId
    parameters: dict[str, object]
    created_at: datetime
    created_by: str
