"""Questions about playbooks, and the port to their versions."""

from typing import Protocol

from domain.shared.ids import PlaybookId
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository
from domain.shared.specification import Contains, Equal, Everything, Spec
from domain.work.playbook import Playbook, PlaybookRun, PlaybookStatus, PlaybookVersion, PlaybookVersionHead


def playbooks_matching(*, status: PlaybookStatus | None = None, text: str | None = None) -> Spec[Playbook]:
    """Playbooks in a status whose name contains a text, or all."""
    found: Spec[Playbook] = Everything() if status is None else Equal("status", status)
    return found if text is None else found & Contains("name", text)


def version_of(playbook_id: PlaybookId, number: int) -> Spec[PlaybookVersion]:
    """The version of a playbook with a number."""
    return Equal("playbook_id", playbook_id) & Equal("number", number)


def heads_of(playbook_id: PlaybookId) -> Spec[PlaybookVersionHead]:
    """Every version of a playbook."""
    return Equal("playbook_id", playbook_id)


def runs_matching(playbook_id: PlaybookId | None) -> Spec[PlaybookRun]:
    """Runs of a playbook, or all."""
    return Everything() if playbook_id is None else Equal("playbook_id", playbook_id)


class IPlaybookVersionRepository(IRepository[PlaybookVersion], Protocol):
    """The organization's playbook versions."""

    async def get_version(self, playbook_id: PlaybookId, number: int) -> PlaybookVersion:
        """Return the version of a playbook with a number.

        Raises:
            PlaybookVersionNotFound: there is none.
        """
        ...

    async def page_of_heads(self, spec: Spec[PlaybookVersionHead], request: PageRequest) -> Page[PlaybookVersionHead]:
        """Return one keyset page of versions without their templates."""
        ...
