"""Repositories of playbooks, their versions and runs."""

from typing import ClassVar

from domain.shared.ids import PlaybookId
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Spec
from domain.work.playbook import Playbook, PlaybookRun, PlaybookVersion, PlaybookVersionHead, PlaybookVersionNotFound
from domain.work.playbook_repositories import IPlaybookVersionRepository, version_of
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.playbooks import PlaybookRow, PlaybookRunRow, PlaybookVersionRow
from infrastructure.persistence.reader import SqlReader
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.session import Session


class SqlPlaybookRepository(SqlRepository[Playbook]):
    """The organization's playbooks."""

    mapper: ClassVar[Mapper[Playbook]] = Mapper(Playbook, PlaybookRow)


class _Heads(SqlReader[PlaybookVersionHead]):
    mapper: ClassVar[Mapper[PlaybookVersionHead]] = Mapper(PlaybookVersionHead, PlaybookVersionRow)


class SqlPlaybookVersionRepository(SqlRepository[PlaybookVersion], IPlaybookVersionRepository):
    """The organization's playbook versions."""

    mapper: ClassVar[Mapper[PlaybookVersion]] = Mapper(PlaybookVersion, PlaybookVersionRow)

    def __init__(self, session: Session) -> None:
        """Start empty."""
        super().__init__(session)
        self._heads = _Heads(session)

    async def get_version(self, playbook_id: PlaybookId, number: int) -> PlaybookVersion:
        """Return the version of a playbook with a number."""
        found = await self.find_one(version_of(playbook_id, number))
        if found is None:
            raise PlaybookVersionNotFound
        return found

    async def page_of_heads(self, spec: Spec[PlaybookVersionHead], request: PageRequest) -> Page[PlaybookVersionHead]:
        """Return one keyset page of versions without their templates."""
        return await self._heads.page(spec, request)


class SqlPlaybookRunRepository(SqlRepository[PlaybookRun]):
    """The organization's execution log of playbooks."""

    mapper: ClassVar[Mapper[PlaybookRun]] = Mapper(PlaybookRun, PlaybookRunRow)
