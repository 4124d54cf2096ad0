"""Playbooks: templates of work with typed parameters, their versions, and what they were run with."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.playbook_views import (
    PlaybookDiffView,
    PlaybookRunView,
    PlaybookVersionHeadView,
    PlaybookVersionView,
    PlaybookView,
)
from application.work.workflow_views import (
    Description,
    Document,
    Name,
    Parameters,
    Steps,
    VersionNumber,
    read_definition,
)
from application.work.workflow_workers import refuse_unknown_workers
from domain.shared.ids import PlaybookId, PlaybookVersionId
from domain.work.playbook import Playbook, PlaybookStatus
from domain.work.playbook_diff import diff
from domain.work.playbook_repositories import heads_of, playbooks_matching, runs_matching

EXAMPLE: Document = {
    "steps": [
        {
            "key": "greet",
            "kind": "agent_task",
            "capability": "parcels",
            "input": {"customer": {"from": "params.customer"}},
        },
        {"key": "pause", "kind": "wait", "depends_on": ["greet"], "wait_seconds": 3600},
        {
            "key": "ask",
            "kind": "agent_task",
            "capability": "parcels",
            "depends_on": ["pause"],
            "input": {"said": {"from": "greet.output.said"}},
        },
    ],
    "parameters": [{"name": "customer", "type": "string"}, {"name": "gift", "type": "money", "required": False}],
    "defaults": {"gift": {"amount": 500, "currency": "EUR"}},
    "output": {"said": {"from": "greet.output.said"}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePlaybook:
    """The draft: its name, steps and parameters; `defaults` are the parameters' default values."""

    name: Name
    description: Description = ""
    steps: Steps
    parameters: Parameters = field(default_factory=list)
    defaults: dict[str, object] = field(default_factory=dict)
    output: dict[str, object] = field(default_factory=dict)


@use_case(
    "playbooks.create", scope=Scope.PLAYBOOKS_WRITE, example={"name": "Welcome a customer", **EXAMPLE}, statements=4
)  # fmt: skip
async def create_playbook(cmd: CreatePlaybook, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PlaybookView:
    """Write the draft of a playbook. It can be run once it is published.

    Errors: `not_found` for an agent, `text_invalid`, and for the template those of `workflows.publish_version`.
    """
    definition = read_definition(cmd.steps, cmd.parameters, cmd.defaults, cmd.output)
    await refuse_unknown_workers(uow, definition.steps)
    playbook = Playbook.create(
        definition, id=PlaybookId(ids.new()), organization_id=uow.actor.organization_id, name=cmd.name,
        description=cmd.description, now=clock.now(),
    )  # fmt: skip
    uow.playbooks.add(playbook)
    return PlaybookView.of(playbook)


get_use_case(
    "playbooks.get", lambda uow: uow.playbooks, PlaybookView, "Return one playbook with its draft.",
    scope=Scope.PLAYBOOKS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlaybooks(PageQuery):
    """Which playbooks: `text` occurs in the name."""

    status: PlaybookStatus | None = None
    text: Annotated[str, Len(1, 200)] | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "playbooks.list", ListPlaybooks, lambda uow: uow.playbooks, PlaybookView, "List the organization's playbooks.",
    where=lambda cmd: playbooks_matching(status=cmd.status, text=cmd.text), scope=Scope.PLAYBOOKS_READ,
    example={"limit": 20, "status": "published"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisePlaybook:
    """The whole draft anew, in place of the one there is."""

    id: PlaybookId
    steps: Steps
    parameters: Parameters = field(default_factory=list)
    defaults: dict[str, object] = field(default_factory=dict)
    output: dict[str, object] = field(default_factory=dict)
    expected_version: Version | None = None


@use_case("playbooks.revise", scope=Scope.PLAYBOOKS_WRITE, example={**EXAMPLE, "expected_version": 1}, statements=6)
async def revise_playbook(cmd: RevisePlaybook, uow: IUnitOfWork, *, clock: IClock) -> PlaybookView:
    """Write a playbook's draft anew; versions that are published stay as they are.

    Errors: `not_found`, `version_stale`, `playbook_archived`, and those of `workflows.publish_version`.
    """
    playbook = await uow.playbooks.get(cmd.id, lock=True)
    playbook.expect_version(cmd.expected_version)
    definition = read_definition(cmd.steps, cmd.parameters, cmd.defaults, cmd.output)
    await refuse_unknown_workers(uow, definition.steps)
    playbook.revise(definition, clock.now())
    return PlaybookView.of(playbook)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPlaybook:
    """Which playbook, and what is new about it."""

    id: PlaybookId
    notes: Description = ""
    expected_version: Version | None = None


@use_case(
    "playbooks.publish", scope=Scope.PLAYBOOKS_WRITE, example={"notes": "We ask a day later now."}, statements=6
)  # fmt: skip
async def publish_playbook(cmd: PublishPlaybook, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PlaybookVersionView:
    """Publish a playbook's draft as its next version, which never changes.

    Errors: `not_found`, `version_stale`, `playbook_archived`, `text_invalid`.
    """
    playbook = await uow.playbooks.get(cmd.id, lock=True)
    playbook.expect_version(cmd.expected_version)
    version = playbook.publish(id=PlaybookVersionId(ids.new()), notes=cmd.notes, now=clock.now())
    uow.playbook_versions.add(version)
    return PlaybookVersionView.of(version)


change_use_case(
    "playbooks.archive", lambda uow: uow.playbooks, PlaybookView, Playbook.archive,
    "Run a playbook no more, and change it no more; what it was run as goes on.", scope=Scope.PLAYBOOKS_WRITE,
    statements=5, destructive=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPlaybookVersion:
    """Which version of which playbook."""

    playbook_id: PlaybookId
    number: VersionNumber


@use_case("playbooks.get_version", scope=Scope.PLAYBOOKS_READ, example={"number": 1}, read_only=True, statements=2)
async def get_playbook_version(cmd: GetPlaybookVersion, uow: IUnitOfWork) -> PlaybookVersionView:
    """Return one version of a playbook with its whole template.

    Errors: `not_found`, `playbook_version_not_found`.
    """
    playbook = await uow.playbooks.get(cmd.playbook_id)
    return PlaybookVersionView.of(await uow.playbook_versions.get_version(playbook.id, cmd.number))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlaybookVersions(PageQuery):
    """Versions of which playbook."""

    playbook_id: PlaybookId
    sort: Literal["number", "-number"] = "-number"


@use_case("playbooks.list_versions", scope=Scope.PLAYBOOKS_READ, example={"limit": 20}, read_only=True, statements=3)
async def list_playbook_versions(cmd: ListPlaybookVersions, uow: IUnitOfWork) -> ListView[PlaybookVersionHeadView]:
    """List a playbook's versions without their templates, newest first.

    Errors: `not_found`.
    """
    playbook = await uow.playbooks.get(cmd.playbook_id)
    page = await uow.playbook_versions.page_of_heads(heads_of(playbook.id), cmd.request(cmd.sort))
    return ListView.of(page, PlaybookVersionHeadView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPlaybookVersions:
    """Which two versions of which playbook."""

    playbook_id: PlaybookId
    earlier: VersionNumber
    later: VersionNumber


@use_case(
    "playbooks.diff", scope=Scope.PLAYBOOKS_READ, example={"earlier": 1, "later": 2}, read_only=True, statements=3
)  # fmt: skip
async def diff_playbook_versions(cmd: DiffPlaybookVersions, uow: IUnitOfWork) -> PlaybookDiffView:
    """Say what is different between two versions: steps and parameters added, removed and changed, field by field.

    Errors: `not_found`, `playbook_version_not_found`.
    """
    playbook = await uow.playbooks.get(cmd.playbook_id)
    earlier = await uow.playbook_versions.get_version(playbook.id, cmd.earlier)
    return PlaybookDiffView.of(diff(earlier, await uow.playbook_versions.get_version(playbook.id, cmd.later)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlaybookRuns(PageQuery):
    """Runs of which playbook, or all."""

    playbook_id: PlaybookId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "playbook_runs.list", ListPlaybookRuns, lambda uow: uow.playbook_runs, PlaybookRunView,
    "List what was run, with which parameters, and as which execution.",
    where=lambda cmd: runs_matching(cmd.playbook_id), scope=Scope.PLAYBOOKS_READ, example={"limit": 20}, statements=2,
)  # fmt: skip

get_use_case(
    "playbook_runs.get", lambda uow: uow.playbook_runs, PlaybookRunView, "Return one run of a playbook.",
    scope=Scope.PLAYBOOKS_READ,
)  # fmt: skip
