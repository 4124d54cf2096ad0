"""A workflow: a named process, and its immutable versions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.documents import check_document
from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, WorkflowId, WorkflowVersionId
from domain.shared.text import DESCRIPTION, NAME
from domain.work.workflow_definition import StepDefinition, check_definition
from domain.work.workflow_errors import WorkflowArchived, WorkflowNotActive, WorkflowUnpublished
from domain.work.workflow_parameters import Parameter, declare


class WorkflowStatus(StrEnum):
    """Whether executions may begin: not yet, yes, no more."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


@frozen(kw_only=True)
class WorkflowCreatedEvent(DomainEvent):
    """A workflow got a name; it cannot run before it has a version."""

    verb: ClassVar[str] = "created"
    name: str


@frozen(kw_only=True)
class WorkflowPublishedEvent(DomainEvent):
    """A definition became a version, which never changes again."""

    verb: ClassVar[str] = "version_published"
    number: int
    steps: int


@frozen(kw_only=True)
class WorkflowActivatedEvent(DomainEvent):
    """Executions may begin."""

    verb: ClassVar[str] = "activated"


@frozen(kw_only=True)
class WorkflowArchivedEvent(DomainEvent):
    """No execution begins any more; those under way go on."""

    verb: ClassVar[str] = "archived"


@frozen(kw_only=True)
class WorkflowVersionCreatedEvent(DomainEvent):
    """A version came into being."""

    verb: ClassVar[str] = "created"
    workflow_id: WorkflowId
    number: int


@frozen(kw_only=True)
class Definition:
    """What a version consists of, before it is checked. ``defaults`` are the parameters' default values by name."""

    steps: Sequence[StepDefinition]
    parameters: Sequence[Parameter]
    defaults: Mapping[str, object]
    output: Mapping[str, object]


@define(kw_only=True, eq=False)
class WorkflowVersion(Entity):
    """One definition, numbered within its workflow; nothing about it ever changes.

    Attributes:
        output: a template of what an execution answers, see ``workflow_references``.
    """

    kind: ClassVar[str] = "workflow_version"

    id: WorkflowVersionId
    workflow_id: WorkflowId
    number: int
    steps_count: int
    notes: str
    steps: tuple[StepDefinition, ...]
    parameters: tuple[Parameter, ...]
    output: dict[str, object]


@define(kw_only=True, eq=False)
class WorkflowVersionHead:
    """A version without its definition, for lists."""

    id: WorkflowVersionId
    organization_id: OrganizationId
    version: int
    workflow_id: WorkflowId
    number: int
    steps_count: int
    notes: str
    created_at: datetime
    created_by: str


@define(kw_only=True, eq=False)
class Workflow(Entity):
    """A named process. ``latest_version`` is the number of its newest version, 0 before there is one."""

    kind: ClassVar[str] = "workflow"

    id: WorkflowId
    name: str
    description: str
    status: WorkflowStatus = field(default=WorkflowStatus.DRAFT)
    latest_version: int = 0

    @classmethod
    def create(
        cls, *, id: WorkflowId, organization_id: OrganizationId, name: str, description: str = "", now: datetime
    ) -> Self:
        """Name a process.

        Raises:
            InvalidText: name or description are not acceptable.
        """
        workflow = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, name=NAME.check(name),
            description=DESCRIPTION.check(description),
        )  # fmt: skip
        workflow.record(WorkflowCreatedEvent(name=workflow.name), now)
        return workflow

    def publish(
        self, definition: Definition, *, id: WorkflowVersionId, notes: str = "", now: datetime
    ) -> WorkflowVersion:
        """Make the next version of a definition.

        Raises:
            WorkflowArchived: there are no new versions any more.
            ValidationError: the definition breaks a rule, see :func:`check_definition` and :func:`declare`.
            InvalidText: the notes are not acceptable.
        """
        if self.status is WorkflowStatus.ARCHIVED:
            raise WorkflowArchived
        parameters = declare(definition.parameters, definition.defaults)
        check_definition(definition.steps, parameters, definition.output)
        self.latest_version += 1
        number, count = self.latest_version, len(definition.steps)
        version = WorkflowVersion(
            id=id, organization_id=self.organization_id, created_at=now, updated_at=now, workflow_id=self.id,
            number=number, steps_count=count, notes=DESCRIPTION.check(notes), steps=tuple(definition.steps),
            parameters=parameters, output=check_document(definition.output),
        )  # fmt: skip
        self.record(WorkflowPublishedEvent(number=number, steps=count), now)
        version.record(WorkflowVersionCreatedEvent(workflow_id=self.id, number=number), now)
        return version

    def activate(self, now: datetime) -> None:
        """Let executions begin; doing it twice changes nothing.

        Raises:
            WorkflowUnpublished: it has no version.
        """
        if not self.latest_version:
            raise WorkflowUnpublished
        if self.status is not WorkflowStatus.ACTIVE:
            self.status = WorkflowStatus.ACTIVE
            self.record(WorkflowActivatedEvent(), now)

    def archive(self, now: datetime) -> None:
        """Let no execution begin any more; doing it twice changes nothing, and activating it undoes it."""
        if self.status is not WorkflowStatus.ARCHIVED:
            self.status = WorkflowStatus.ARCHIVED
            self.record(WorkflowArchivedEvent(), now)

    def ensure_active(self) -> None:
        """Refuse to begin an execution of a workflow that is not active.

        Raises:
            WorkflowNotActive: it is a draft, or archived.
        """
        if self.status is not WorkflowStatus.ACTIVE:
            raise WorkflowNotActive
