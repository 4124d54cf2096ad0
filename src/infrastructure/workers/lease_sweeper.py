"""The lease sweeper: takes tasks from agents that fell silent, a moment after their leases end."""

import asyncio
from datetime import timedelta
from typing import cast
from uuid import uuid4

import structlog

from application.kernel.actor import NOWHERE, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.wire import Wire
from application.work.task_sweep import ExpireLeases
from domain.shared.ids import OrganizationId
from infrastructure.persistence.database import Database
from infrastructure.persistence.repositories.task_statements import organizations_with_expired
from infrastructure.system import SystemClock
from infrastructure.workers.rounds import round_after_round

EVERY = timedelta(milliseconds=400)
"""How long after its lease a task is free again at the latest, apart from the work of freeing it."""


class LeaseSweeper:
    """Ends leases that are over; any number of sweepers may run, each task is taken away once."""

    def __init__(self, database: Database, dispatch: IDispatch, *, every: timedelta = EVERY) -> None:
        """Look through ``database``, whose role sees the runs of all tenants, so often."""
        self._database = database
        self._dispatch = dispatch
        self._every = every
        self._clock = SystemClock()
        self._log = structlog.get_logger("stoa.workers").bind(worker="leases")

    async def run(self) -> None:
        """Sweep until cancelled."""
        await round_after_round(self._round, self._log)

    async def sweep_once(self) -> int:
        """End every lease that is over, and return how many there were."""
        postgres = self._database.is_postgres
        statement = self._database.prepare("leases-over", lambda: organizations_with_expired(postgres=postgres))
        rows = await self._database.rows(statement, {"now": self._clock.now()}, organization_id=NOWHERE)
        return sum([await self._sweep(cast("OrganizationId", row[0])) for row in rows])

    async def _round(self) -> None:
        await self.sweep_once()
        await asyncio.sleep(self._every.total_seconds())

    async def _sweep(self, organization_id: OrganizationId) -> int:
        """Work off one organization, a batch at a time."""
        command, done = ExpireLeases(), 0
        while True:
            call = Call(actor=worker(organization_id), request_id=str(uuid4()))
            answer = await self._dispatch("tasks.expire_leases", command, call)
            expired = cast("int", cast("dict[str, Wire]", answer.body)["expired"])
            done += expired
            if expired < command.limit:
                return done
