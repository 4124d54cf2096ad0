"""Everything the command line can do, composed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import uvloop

from application.kernel.actor import Actor, operator
from infrastructure import books, doctor, lifecycle, serving
from infrastructure.checks import Check, Finding
from infrastructure.container import Container, anchors
from infrastructure.demo_chain import DemoChain, demo_chain
from infrastructure.locations import embedded, locate
from infrastructure.observability.logging import configure_logging
from infrastructure.persistence import guard
from infrastructure.persistence.database import Database
from infrastructure.runtime import Runtime, Stage
from infrastructure.settings import Settings, load_settings
from infrastructure.settings_rules import SettingsError, without_pooled
from infrastructure.workers.verify import AuditReport, verify

type RunStdio = Callable[[Container, Callable[[], Awaitable[Actor]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Faces:
    """How the other interfaces are built on a container; those that serve are loaded, which imports them, first."""

    app: serving.LoadApp
    vitals: serving.LoadApp
    stdio: RunStdio
    story: Callable[[Stage], AsyncIterator[Finding]]


class Operations:
    """The methods own their event loop and return when they are done."""

    def __init__(self, faces: Faces) -> None:
        """Keep the other faces' builders."""
        self._faces = faces

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator[Runtime]:
        """Open the application for one use-case."""
        async with lifecycle.opened(self._settings("warning"), work=False) as container:
            yield Runtime(container)

    def up(self) -> None:
        """Serve API and worker on a migrated database."""
        _forever(serving.serve(self._settings(), self._faces.app, work=True, prepare=True))

    def serve(self) -> None:
        """Serve the API only."""
        _forever(serving.serve(self._settings(), self._faces.app, work=False, prepare=False))

    def worker(self) -> None:
        """Run the workers only."""
        _forever(serving.work(self._settings(), self._faces.vitals))

    def mcp_stdio(self, api_key: str | None, organization: str | None) -> None:
        """Serve MCP over standard input and output."""

        async def run() -> None:
            async with self.runtime() as runtime:

                async def actor() -> Actor:
                    if api_key is not None:
                        named = None if organization is None else await runtime.organization(organization)
                        return await runtime.authenticate(api_key, named)
                    return operator(await runtime.organization(organization))

                await self._faces.stdio(runtime.container, actor)

        asyncio.run(run())

    def db_upgrade(self, revision: str) -> None:
        """Migrate up."""
        asyncio.run(_migrations().upgrade(self._owner_url(), revision))

    def db_downgrade(self, revision: str) -> None:
        """Migrate down."""
        asyncio.run(_migrations().downgrade(self._owner_url(), revision))

    def db_current(self) -> str | None:
        """Return the database's revision."""
        found: str | None = asyncio.run(_migrations().current(self._owner_url()))
        return found

    def db_check(self) -> str | None:
        """Return how the schema differs from the models, or which rules of migrations are broken."""
        migrations = _migrations()
        found: str | None = asyncio.run(migrations.differences(self._owner_url())) or migrations.broken_rules()
        return found

    def db_url(self, *, superuser: bool) -> str:
        """Return an address for psql."""
        locations = locate(self._settings())
        return self._owner_url() if superuser else without_pooled(locations.app)

    def db_stop(self) -> None:
        """Stop the embedded database."""
        server = embedded(self._settings())
        if server is not None:
            server.stop()

    def audit_verify(self, progress: Callable[[int], None], kept: Path | None = None) -> AuditReport:
        """Verify every organization's audit chain; ``progress`` hears how many entries were read so far."""
        settings = self._settings("warning")
        locations, known = locate(settings), kept or anchors(settings)

        async def run() -> AuditReport:
            database = Database(locations.sealer, pool_size=2)
            try:
                await guard.refuse_other_schema(database, "STOA_SEALER_DATABASE_URL")
                return await verify(database, settings.seal_key(), known, progress=progress)
            finally:
                await database.dispose()

        return asyncio.run(run())

    def books_verify(self, organization: str | None, progress: Callable[[int], None]) -> books.BooksReport:
        """Verify the books of one organization, or of every one."""

        async def run() -> books.BooksReport:
            async with lifecycle.opened(self._settings("warning"), work=True) as container:
                chosen = None if organization is None else await Runtime(container).organization(organization)
                return await books.verify(container, chosen, progress)

        return asyncio.run(run())

    def demo(self, show: Callable[[Finding], None]) -> None:
        """Tell the demo's story; ``show`` sees every step, and the first that did not hold ends it."""
        settings = self._settings("error")
        if settings.is_production:
            raise SettingsError("STOA_ENVIRONMENT: the demo is for development; it makes organizations and orders")
        locations = locate(settings)

        async def run(chain: DemoChain) -> None:
            await lifecycle.migrate(settings, locations)
            async with lifecycle.opened(chain.added_to(settings), work=True, locations=locations) as container:
                async for step in self._faces.story(Stage(container, chain)):
                    show(step)
                    if not step.ok:
                        return

        with demo_chain() as chain:
            asyncio.run(run(chain))

    def doctor(self) -> Iterable[Finding]:
        """Check what the application stands on."""
        try:
            settings = self._settings()
        except SettingsError as error:
            remedy = "Correct what is named, in the environment or in .env."
            return [Check("settings", ok=False, detail=str(error), remedy=remedy)]
        return asyncio.run(doctor.examine(settings))

    def _owner_url(self) -> str:
        settings = self._settings()
        url = locate(settings).migration
        if not url:
            raise SettingsError("STOA_MIGRATION_DATABASE_URL: required to migrate this database")
        return url

    @staticmethod
    def _settings(quieter: str | None = None) -> Settings:
        """Read the settings; a command that answers a person logs less, unless debugging was asked for."""
        settings = load_settings()
        level = settings.log_level if quieter is None or settings.log_level == "debug" else quieter
        configure_logging(level, json=settings.is_production)
        return settings


def _forever(server: Coroutine[object, object, None]) -> None:
    """Run what serves until it is told to stop, on the loop that serves twice as many."""
    asyncio.run(server, loop_factory=uvloop.new_event_loop)


def _migrations() -> ModuleType:
    """Import Alembic only for the commands that need it: all others would wait for it."""
    from infrastructure.persistence import migrations  # noqa: PLC0415 - see above

    return migrations
