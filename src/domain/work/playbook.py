"""A playbook: a template of work with typed parameters, and its immutable versions."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.documents import check_document
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, NotFound
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, PlaybookId, PlaybookRunId, PlaybookVersionId, WorkflowExecutionId
from domain.shared.text import DESCRIPTION, NAME
from domain.work.workflow import Definition
from domain.work.workflow_definition import StepDefinition, check_definition
from domain.work.workflow_parameters import Parameter, declare


class PlaybookStatus(StrEnum):
    """Whether it may be run: not before its first version, and not once it is archived."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class PlaybookUnpublished(BusinessRuleViolation):
    """Only a version can be run."""

    code = "playbook_unpublished"
    summary = "The playbook has no version yet."


class PlaybookArchived(BusinessRuleViolation):
    """An archived playbook neither runs nor changes."""

    code = "playbook_archived"
    summary = "The playbook is archived."


class PlaybookVersionNotFound(NotFound):
    """The playbook has no version of this number."""

    code = "playbook_version_not_found"
    summary = "The playbook has no such version."


@frozen(kw_only=True)
class PlaybookCreatedEvent(DomainEvent):
    """A draft of a playbook came into being."""

    verb: ClassVar[str] = "created"
    name: str


@frozen(kw_only=True)
class PlaybookRevisedEvent(DomainEvent):
    """The draft changed; versions stay as they are."""

    verb: ClassVar[str] = "revised"
    steps: int


@frozen(kw_only=True)
class PlaybookPublishedEvent(DomainEvent):
    """The draft became a version, which never changes again."""

    verb: ClassVar[str] = "published"
    number: int


@frozen(kw_only=True)
class PlaybookArchivedEvent(DomainEvent):
    """It is run no more."""

    verb: ClassVar[str] = "archived"


@frozen(kw_only=True)
class PlaybookVersionCreatedEvent(DomainEvent):
    """A version came into being."""

    verb: ClassVar[str] = "created"
    playbook_id: PlaybookId
    number: int


@frozen(kw_only=True)
class PlaybookRunStartedEvent(DomainEvent):
    """Somebody ran a version; the execution tells how it goes."""

    verb: ClassVar[str] = "started"
    playbook_id: PlaybookId
    execution_id: WorkflowExecutionId


@define(kw_only=True, eq=False)
class PlaybookVersion(Entity):
    """What the draft was when it was published; nothing about it ever changes."""

    kind: ClassVar[str] = "playbook_version"

    id: PlaybookVersionId
    playbook_id: PlaybookId
    number: int
    steps_count: int
    notes: str
    steps: tuple[StepDefinition, ...]
    parameters: tuple[Parameter, ...]
    output: dict[str, object]


@define(kw_only=True, eq=False)
class PlaybookVersionHead:
    """A version without its template, for lists."""

    id: PlaybookVersionId
    organization_id: OrganizationId
    version: int
    playbook_id: PlaybookId
    number: int
    steps_count: int
    notes: str
    created_at: datetime
    created_by: str


@define(kw_only=True, eq=False)
class PlaybookRun(Entity):
    """One line of the execution log: which version was run with what, and which execution it became."""

    kind: ClassVar[str] = "playbook_run"

    id: PlaybookRunId
    playbook_id: PlaybookId
    playbook_version_id: PlaybookVersionId
    number: int
    execution_id: WorkflowExecutionId
    parameters: dict[str, object]

    @classmethod
    def of(
        cls, version: PlaybookVersion, *, id: PlaybookRunId, execution_id: WorkflowExecutionId,
        parameters: dict[str, object], now: datetime,
    ) -> Self:  # fmt: skip
        """Note that a version was run."""
        run = cls(
            id=id, organization_id=version.organization_id, created_at=now, updated_at=now,
            playbook_id=version.playbook_id, playbook_version_id=version.id, number=version.number,
            execution_id=execution_id, parameters=parameters,
        )  # fmt: skip
        run.record(PlaybookRunStartedEvent(playbook_id=version.playbook_id, execution_id=execution_id), now)
        return run


@define(kw_only=True, eq=False)
class Playbook(Entity):
    """A draft that is published as a version. ``latest_version`` is 0 before there is one."""

    kind: ClassVar[str] = "playbook"

    id: PlaybookId
    name: str
    description: str
    status: PlaybookStatus = field(default=PlaybookStatus.DRAFT)
    latest_version: int = 0
    steps: tuple[StepDefinition, ...]
    parameters: tuple[Parameter, ...]
    output: dict[str, object]

    @classmethod
    def create(
        cls, definition: Definition, *, id: PlaybookId, organization_id: OrganizationId, name: str,
        description: str = "", now: datetime,
    ) -> Self:  # fmt: skip
        """Write a draft.

        Raises:
            InvalidText: name or description are not acceptable.
            ValidationError: the template breaks a rule, see :func:`check_definition` and :func:`declare`.
        """
        steps, parameters = _checked(definition)
        playbook = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, name=NAME.check(name),
            description=DESCRIPTION.check(description), steps=steps, parameters=parameters,
            output=check_document(definition.output),
        )  # fmt: skip
        playbook.record(PlaybookCreatedEvent(name=playbook.name), now)
        return playbook

    def revise(self, definition: Definition, now: datetime) -> None:
        """Write the draft anew.

        Raises:
            PlaybookArchived: it changes no more.
            ValidationError: as for :meth:`create`.
        """
        self.ensure_kept()
        self.steps, self.parameters = _checked(definition)
        self.output = check_document(definition.output)
        self.record(PlaybookRevisedEvent(steps=len(self.steps)), now)

    def publish(self, *, id: PlaybookVersionId, notes: str, now: datetime) -> PlaybookVersion:
        """Make the next version of the draft.

        Raises:
            PlaybookArchived: there are no new versions.
            InvalidText: the notes are not acceptable.
        """
        self.ensure_kept()
        self.latest_version, self.status = self.latest_version + 1, PlaybookStatus.PUBLISHED
        version = PlaybookVersion(
            id=id, organization_id=self.organization_id, created_at=now, updated_at=now, playbook_id=self.id,
            number=self.latest_version, steps_count=len(self.steps), notes=DESCRIPTION.check(notes), steps=self.steps,
            parameters=self.parameters, output=self.output,
        )  # fmt: skip
        self.record(PlaybookPublishedEvent(number=self.latest_version), now)
        version.record(PlaybookVersionCreatedEvent(playbook_id=self.id, number=self.latest_version), now)
        return version

    def archive(self, now: datetime) -> None:
        """Run it no more; doing it twice changes nothing."""
        if self.status is not PlaybookStatus.ARCHIVED:
            self.status = PlaybookStatus.ARCHIVED
            self.record(PlaybookArchivedEvent(), now)

    def number_to_run(self, asked: int | None) -> int:
        """Return which version is meant, the latest unless another is asked for.

        Raises:
            PlaybookArchived, PlaybookUnpublished: it cannot be run.
        """
        self.ensure_kept()
        if not self.latest_version:
            raise PlaybookUnpublished
        return asked or self.latest_version

    def ensure_kept(self) -> None:
        """Refuse whatever an archived playbook does not do.

        Raises:
            PlaybookArchived: it is archived.
        """
        if self.status is PlaybookStatus.ARCHIVED:
            raise PlaybookArchived


def _checked(definition: Definition) -> tuple[tuple[StepDefinition, ...], tuple[Parameter, ...]]:
    parameters = declare(definition.parameters, definition.defaults)
    steps: Sequence[StepDefinition] = definition.steps
    check_definition(steps, parameters, definition.output)
    return tuple(steps), parameters
