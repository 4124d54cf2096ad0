"""A self-check that fails closed: what Stoa stands on, and what to do about what is missing."""

from dataclasses import dataclass, field
from functools import partial

import structlog

from application.kernel.ports import IClock
from application.kernel.start_error import StartError
from infrastructure import checks
from infrastructure.checks import Check
from infrastructure.container import Container, anchors
from infrastructure.locations import Locations, locate
from infrastructure.persistence import guard, tenancy
from infrastructure.persistence.database import Database
from infrastructure.settings import Settings
from infrastructure.system import SystemClock

_UNSEALED = "SELECT count(*) FROM audit_entries WHERE seq IS NULL AND occurred_at < now() - interval '1 minute'"
_BURIED = "SELECT count(*) FROM jobs WHERE dead_at IS NOT NULL"
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE occurred_at < now() - interval '1 minute'"
_REVIVE = "See `job_buried` in the log; payment_orders.reconcile and refunds.reconcile try a payment's job again."

FATAL = frozenset({"walls", "anchors"})
"""What keeps a server in production from starting, beside settings, roles and schema; all else is a warning then."""

_log = structlog.get_logger("stoa.doctor")


class Unsound(StartError):
    """What Stoa stands on does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is asked of the machine itself."""

    clock: IClock = field(default_factory=SystemClock)
    least_free: int = checks.LEAST_FREE


async def examine(settings: Settings, machine: Machine | None = None) -> list[Check]:
    """Run every check; a failed one keeps only those from running that stand on it."""
    machine = machine or Machine()
    findings = [
        Check("settings", ok=True, detail=f"environment {settings.environment}"),
        checks.secrets(settings),
        checks.disk(settings.data_dir, machine.least_free),
        checks.anchors(anchors(settings)),
    ]
    try:
        locations = locate(settings)
    except StartError as error:
        return [*findings, Check("database", ok=False, detail=str(error), remedy="Repair the data folder or the URL.")]
    databases = [Database(url, pool_size=1) for url in (locations.app, locations.relay, locations.sealer)]
    try:
        return [*findings, *await _examine(databases, locations, machine)]
    finally:
        for database in databases:
            await database.dispose()


async def refuse_unsound(container: Container, *, work: bool) -> None:
    """Run the same checks as a server in production starts; what is no reason to refuse is logged.

    Raises:
        Unsound: there is a hole in the walls, or nowhere to keep the audit chain's anchors.
    """
    settings = container.settings()
    found = [checks.disk(settings.data_dir, checks.LEAST_FREE)]
    if container.database().is_postgres:
        found += [*await checks.walls(container.database()), await checks.clock(container.database(), SystemClock())]
    if work:
        found += [checks.anchors(anchors(settings))]
        found += await _lags(container.relay_database(), container.sealer_database())
    for check in found:
        if check.ok:
            continue
        if check.name in FATAL:
            raise Unsound(f"{check.name}: {check.detail}. {check.remedy}")
        _log.warning("doctor_finding", check=check.name, detail=check.detail, remedy=check.remedy)


async def _examine(databases: list[Database], locations: Locations, machine: Machine) -> list[Check]:
    app, relay, sealer = databases
    roles = (
        ("database role", app, "STOA_DATABASE_URL", tenancy.APP),
        ("relay role", relay, "STOA_RELAY_DATABASE_URL", tenancy.RELAY),
        ("sealer role", sealer, "STOA_SEALER_DATABASE_URL", tenancy.SEALER),
    )
    found = [
        await checks.held(name, partial(guard.refuse_privileged_role, database, setting), f"Use the role {role}.")
        for name, database, setting, role in roles
    ]
    found.append(await checks.held("migrations", partial(guard.refuse_other_schema, app), "Run `stoa db upgrade`."))
    if not locations.app.startswith("postgres") or not all(check.ok for check in found):
        return found
    return [*found, *await checks.walls(app), await checks.clock(app, machine.clock), *await _lags(relay, sealer)]


async def _lags(relay: Database, sealer: Database) -> list[Check]:
    return [
        await checks.empty("audit seal", sealer, _UNSEALED, "entries unsealed for a minute", "Run `stoa worker`."),
        await checks.empty("jobs", relay, _BURIED, "jobs given up after too many failures", _REVIVE),
        await checks.empty("outbox", relay, _UNPUBLISHED, "events unpublished for a minute", "Run `stoa worker`."),
    ]
