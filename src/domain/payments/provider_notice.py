"""A provider's notice: what a payment provider told us without being asked, and whether it meant anything to us."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, ProviderNoticeId


class NoticeTaken(DuplicateError):
    """The same notice came before."""

    code = "provider_notice_taken"
    summary = "This notice was already received."


class NoticeStatus(StrEnum):
    """What was done with it."""

    APPLIED = "applied"
    IGNORED = "ignored"


@frozen(kw_only=True)
class ProviderNoticeReceivedEvent(DomainEvent):
    """A provider told us something."""

    verb: ClassVar[str] = "received"
    provider: str
    type: str
    status: NoticeStatus


@define(kw_only=True, eq=False)
class ProviderNotice(Entity):
    """One notice, kept once whatever is delivered how often. ``source`` is ``provider:event``, unique everywhere.

    What belongs to nobody we know is kept under the platform.
    """

    kind: ClassVar[str] = "provider_notice"

    id: ProviderNoticeId
    source: str
    type: str
    status: NoticeStatus

    @classmethod
    def receive(
        cls, *, id: ProviderNoticeId, organization_id: OrganizationId, provider: str, event: str, type: str,
        status: NoticeStatus, now: datetime,
    ) -> Self:  # fmt: skip
        """Take down that a notice came."""
        notice = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, source=f"{provider}:{event}",
            type=type, status=status,
        )  # fmt: skip
        notice.record(ProviderNoticeReceivedEvent(provider=provider, type=type, status=status), now)
        return notice
