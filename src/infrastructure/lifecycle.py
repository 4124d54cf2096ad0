"""From settings to a running system and back: start, first run, drain."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import structlog

from application.identity.api_keys import CreateAPIKey
from application.identity.organizations import CreateOrganization
from application.kernel.actor import NOWHERE, TENANT_SCOPES, operator
from application.kernel.dispatcher import Call
from domain.identity.organization import OrganizationSlugTaken
from domain.shared.ids import OrganizationId
from domain.shared.specification import Everything
from infrastructure import doctor
from infrastructure.container import Container
from infrastructure.events.kafka import KafkaEventPublisher
from infrastructure.locations import Locations, locate
from infrastructure.payments.choice import close_provider
from infrastructure.persistence import guard
from infrastructure.persistence.database import Database
from infrastructure.persistence.lookups import find_statement
from infrastructure.settings import Settings
from infrastructure.workers.relay import Relay
from infrastructure.workers.supervisor import Supervisor
from infrastructure.workers.wakeup import Notifier

DEMO = "demo"
LEASEHOLDERS = ("jobs", "webhooks", "leases")
"""The tasks that take work from the database; at the end they go first, so that what is due is free for others."""

_FLUSH_SECONDS = 2.0
_STOP_SECONDS = 1.0
_log = structlog.get_logger("stoa")


@asynccontextmanager
async def opened(settings: Settings, *, work: bool, locations: Locations | None = None) -> AsyncIterator[Container]:
    """Build the container on a checked database, and close everything at the end.

    Only who does the workers' ``work`` needs, and is checked for, their database roles; the relay's also who hears past
    a pooler what changed.

    Raises:
        StartError: a privileged role, or a schema of another revision.
        Unavailable: the database does not answer.
    """
    container = Container(settings=settings, locations=locations or await asyncio.to_thread(locate, settings))
    spans = container.spans()
    databases: dict[str, Database] = {"STOA_DATABASE_URL": container.database()}
    if work or container.database().is_pooled:
        databases["STOA_RELAY_DATABASE_URL"] = container.relay_database()
    if work:
        databases["STOA_SEALER_DATABASE_URL"] = container.sealer_database()
    if settings.is_production and settings.payment_provider == "sandbox":
        _log.warning("payments go to the sandbox provider: no money moves")
    try:
        for setting, database in databases.items():
            await guard.refuse_privileged_role(database, setting)
        await guard.refuse_other_schema(container.database())
        yield container
    finally:
        await container.cache_news().settle()
        await container.authenticator().settle()
        await container.link_views().settle()
        container.passwords().close()
        await close_provider(container.provider())
        await container.chains().close()
        await container.signer().close()
        for database in databases.values():
            await database.dispose()
        # A thread of its own, since what is left is sent over the network.
        await asyncio.to_thread(spans.close)


async def migrate(settings: Settings, locations: Locations) -> None:
    """Bring the schema to this code's revision, where somebody said who may."""
    if await _is_current(locations.app):
        return
    if locations.migration:
        from infrastructure.persistence import migrations  # noqa: PLC0415 - every other start can do without Alembic

        announce("Migrating the database.")
        await migrations.upgrade(locations.migration)
    elif settings.is_production:
        _log.info("STOA_MIGRATION_DATABASE_URL is empty: migrations are left to you")


async def _is_current(url: str) -> bool:
    """Say whether nothing is left to migrate; on a database without our role or tables everything is."""
    database = Database(url, pool_size=1)
    try:
        await guard.refuse_other_schema(database)
    except Exception:  # noqa: BLE001 - migrating, or opening afterwards, says what is really wrong
        return False
    finally:
        await database.dispose()
    return True


@asynccontextmanager
async def working(container: Container, *, work: bool) -> AsyncIterator[Supervisor]:
    """Run the background tasks for the length of the block: the workers, or the note that wakes them elsewhere.

    Raises:
        Unsound: in production, what all of this stands on does not hold.
    """
    if container.settings().is_production:
        await doctor.refuse_unsound(container, work=work)
    publisher = container.publisher() if work else None
    if isinstance(publisher, KafkaEventPublisher):
        await publisher.check()
    if work:
        tasks = {
            "relay": container.relay().run, "sealer": container.sealer().run, "jobs": container.jobs().run,
            "webhooks": container.deliveries().run, "leases": container.lease_sweeper().run,
        }  # fmt: skip
    else:
        tasks = {"notifier": Notifier(container.database(), container.wakeup()).run}
    supervisor = Supervisor({**tasks, "cache": container.cache_news().run}, metrics=container.metrics())
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop(names=LEASEHOLDERS)
        if work:
            await _flush(container.relay())
        await supervisor.stop(_STOP_SECONDS)
        if work:
            await container.webhook_sender().close()
            container.webhook_names().close()
        if isinstance(publisher, KafkaEventPublisher):
            await publisher.close()


async def _flush(relay: Relay) -> None:
    """Publish what the last requests left in the outbox, unless that takes more than a moment: it can stay there."""
    # A relay that cannot publish, for whatever reason, has said so before; it is no reason to end otherwise.
    with suppress(Exception):
        async with asyncio.timeout(_FLUSH_SECONDS):
            await relay.drain_once()


async def find_organization(database: Database, slug: str) -> OrganizationId | None:
    """Return the organization with a slug, before any tenant is known."""
    statement = database.prepare("organization", lambda: find_statement("organization", postgres=database.is_postgres))
    rows = await database.read(statement, {"lookup_value": slug}, organization_id=NOWHERE)
    return OrganizationId(rows[0][0]) if rows else None  # type: ignore[arg-type]  # reason: the column is a uuid


async def first_run(container: Container) -> str | None:
    """Create the organization "Demo" and its API key unless they exist; returns the secret when it made one.

    Killed between the two, the next start makes the missing key.
    """
    dispatch, request = container.dispatcher(), str(uuid4())
    demo = CreateOrganization(
        name="Demo", slug=DEMO, default_currency="EUR", owner_email="owner@demo.example", owner_name="Demo Owner"
    )
    with suppress(OrganizationSlugTaken):
        await dispatch("organizations.create", demo, Call(actor=operator(), request_id=request))
    organization_id = await find_organization(container.database(), DEMO)
    if organization_id is None:
        raise RuntimeError("the demo organization cannot be found")
    actor = operator(organization_id)
    async with container.units()(actor, use_case="first_run", request_id=request, read_only=True) as uow:
        if await uow.api_keys.exists(Everything()):
            return None
    key = CreateAPIKey(name="Demo", scopes=sorted(TENANT_SCOPES), expires_at=None)
    outcome = await dispatch("api_keys.create", key, Call(actor=actor, request_id=request))
    return str(outcome.body["secret"])  # type: ignore[index, call-overload]  # reason: a view is an object


async def told_to_stop() -> None:
    """Return at the first SIGINT or SIGTERM; the second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
        # Not Python's handler of SIGINT, which would still wait for every task to end.
        signal.signal(number, signal.SIG_DFL)


def announce(text: str) -> None:
    """Say something to the person who started the process."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - not a log record
