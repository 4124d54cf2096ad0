"""The open application, as one command or the demo's story uses it."""

import asyncio
import os
from collections.abc import Mapping
from typing import cast

from sqlalchemy import func, select, update

from application.kernel.actor import PLATFORM, Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.import_files import ImportFile
from application.kernel.use_case import UseCase
from domain.shared.errors import NotFound
from domain.shared.ids import OrganizationId, decode_id
from infrastructure import lifecycle
from infrastructure.container import Container, anchors
from infrastructure.demo_chain import DemoChain
from infrastructure.persistence.models.technical import JobRow, OutboxRow
from infrastructure.workers.verify import verify


class Runtime:
    """The application, open for one command."""

    def __init__(self, container: Container) -> None:
        """Use an open container."""
        self.container = container

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case."""
        outcome: Outcome = await self.container.dispatcher()(name, command, call)
        return outcome

    async def import_file(self, name: str, file: ImportFile, call: Call) -> Outcome:
        """Run an import over a whole file."""
        outcome: Outcome = await self.container.importer()(name, file, call)
        return outcome

    async def authenticate(self, secret: str, organization_id: OrganizationId | None = None) -> Actor:
        """Return the caller behind an API key or a session's token."""
        actor: Actor = await self.container.authenticator()(secret, organization_id)
        return actor

    async def organization(self, given: str | None) -> OrganizationId:
        """Return the organization with an id or slug; the demo organization when none is given."""
        wanted = given or os.environ.get("STOA_ORGANIZATION") or lifecycle.DEMO
        if wanted.startswith("org_"):
            return OrganizationId(decode_id("org", wanted))
        found = await lifecycle.find_organization(self.container.database(), wanted)
        if found is None:
            raise NotFound(f"No organization {wanted!r}; name one with --organization.")
        return found


class Stage(Runtime):
    """Where the demo's story plays: the application, its workers run by hand, and a chain that is the demo's own."""

    def __init__(self, container: Container, chain: DemoChain) -> None:
        """Use an open container, whose settings know the chain."""
        super().__init__(container)
        self.chain = chain

    @property
    def registry(self) -> Mapping[str, UseCase]:
        """Return every use-case."""
        registry: Mapping[str, UseCase] = self.container.registry()
        return registry

    async def work(self) -> int:
        """Perform the jobs that are due."""
        done: int = await self.container.jobs().run_due_once()
        return done

    async def hurry(self, subject: str) -> None:
        """Make the job that waits for an order, a settlement or a transaction due now."""
        waiting = JobRow.subject_id == decode_id(subject.partition("_")[0], subject)
        due = update(JobRow).where(waiting).values(run_at=self.container.clock().now())
        async with self.container.relay_database().engine.begin() as connection:
            await connection.execute(due)

    async def publish(self) -> int:
        """Publish what is in the outbox, or see the worker that runs beside us do it; returns how many went."""
        relay = self.container.relay_database()
        count = relay.prepare("outbox-waiting", lambda: select(func.count()).select_from(OutboxRow))
        waiting = cast("int", (await relay.rows(count, {}, organization_id=PLATFORM))[0][0])
        await self.container.relay().drain_once()
        async with asyncio.timeout(10):
            # The row that is waited for is another process's to delete.
            while (await relay.rows(count, {}, organization_id=PLATFORM))[0][0]:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.05)
        return waiting

    async def seal_and_verify(self) -> tuple[int, bool]:
        """Seal the audit chain and verify it."""
        await self.container.sealer().seal_once()
        settings = self.container.settings()
        report = await verify(self.container.sealer_database(), settings.seal_key(), anchors(settings))
        return report.entries, report.ok
