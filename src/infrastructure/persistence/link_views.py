"""Counting who looks at payment links, without a write in the way of any look.

Views are added up in memory, and the sums are written once a second in a transaction of their own: one statement for
each link that was looked at, however often. A process that is killed loses what it counted in its last second; the
orders, which matter, are counted from their rows.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from typing import cast
from uuid import UUID

from sqlalchemy import Date, Executable, Integer, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from application.kernel.ports import IClock, ILinkViews
from domain.shared.ids import OrganizationId, PaymentLinkId
from infrastructure.persistence import tenancy
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.technical import CounterRow
from infrastructure.persistence.types import Guid, text

_COUNTERS = cast("Table", CounterRow.__table__)


def counter_of(link_id: UUID) -> str:
    """Return the name of a link's counter; there is one for each day."""
    return f"views:{link_id.hex}"


class LinkViews(ILinkViews):
    """Views not written yet, and the one task that writes them."""

    def __init__(self, database: Database, clock: IClock, *, every: float = 1.0) -> None:
        """Begin with none; ``every`` is in seconds."""
        self._database = database
        self._clock = clock
        self._every = every
        self._seen: Counter[tuple[OrganizationId, PaymentLinkId]] = Counter()
        self._writer: asyncio.Task[None] | None = None

    def opened(self, organization_id: OrganizationId, link_id: PaymentLinkId) -> None:
        """Add one view, and have it written soon."""
        self._seen[organization_id, link_id] += 1
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_later())

    async def settle(self) -> None:
        """Write what is left now, and stop waiting for more."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        await self._write()

    async def _write_later(self) -> None:
        await asyncio.sleep(self._every)
        self._writer = None
        await self._write()

    async def _write(self) -> None:
        seen, self._seen = self._seen, Counter()
        by_tenant: defaultdict[OrganizationId, dict[PaymentLinkId, int]] = defaultdict(dict)
        for (organization_id, link_id), views in seen.items():
            by_tenant[organization_id][link_id] = views
        for organization_id, links in by_tenant.items():
            # A lost count is not worth an error anywhere; neither is it worth being counted twice.
            with contextlib.suppress(Exception):
                await self._add(organization_id, links)

    async def _add(self, organization_id: OrganizationId, links: dict[PaymentLinkId, int]) -> None:
        statement = self._database.prepare("views-add", lambda: _add(postgres=self._database.is_postgres))
        today = self._clock.now().date()
        async with self._database.transaction(organization_id) as transaction:
            # In the order of ids, so that two processes never wait for each other.
            for link_id in sorted(links):
                await transaction.rows(
                    statement,
                    {
                        tenancy.TENANT: organization_id, "counter_name": counter_of(link_id), "counter_day": today,
                        "more": links[link_id],
                    },
                )  # fmt: skip


def _add(*, postgres: bool) -> Executable:
    more = bindparam("more", type_=Integer())
    statement = postgresql.insert(_COUNTERS) if postgres else sqlite.insert(_COUNTERS)
    values = statement.values(
        organization_id=bindparam(tenancy.TENANT, type_=Guid()), name=bindparam("counter_name", type_=text()),
        day=bindparam("counter_day", type_=Date()), value=more,
    )  # fmt: skip
    return values.on_conflict_do_update(
        index_elements=["organization_id", "name", "day"], set_={"value": _COUNTERS.c.value + more}
    )
