"""A self-check that fails closed: what Stoa stands on, and what to do about what is missing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import text

from application.kernel.start_error import StartError
from domain.shared.errors import StoaError
from infrastructure.locations import Locations, locate
from infrastructure.persistence import guard, tenancy
from infrastructure.persistence.database import Database
from infrastructure.persistence.refusals import entering
from infrastructure.settings import Settings
from infrastructure.settings_rules import SettingsError


class Finding(Protocol):
    """What a check, or a step of the demo, found."""

    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def detail(self) -> str: ...
    @property
    def remedy(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


_UNWALLED = """
SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
"""
_UNSEALED = "SELECT count(*) FROM audit_entries WHERE seq IS NULL AND occurred_at < now() - interval '1 minute'"
_BURIED = "SELECT count(*) FROM jobs WHERE dead_at IS NOT NULL"
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE occurred_at < now() - interval '1 minute'"
_REVIVE = "See `job_buried` in the log; payment_orders.reconcile and refunds.reconcile try a payment's job again."


async def examine(settings: Settings) -> list[Check]:
    """Run every check; a failed one does not keep the others from running."""
    checks = [Check("settings", ok=True, detail=f"environment {settings.environment}")]
    checks.append(
        await _held(
            "secrets",
            partial(_read_secrets, settings),
            "Restore them from a backup; only a first `stoa up` makes new ones.",
        )
    )
    try:
        locations = locate(settings)
    except StartError as error:
        return [*checks, Check("database", ok=False, detail=str(error), remedy="Repair the data folder or the URL.")]
    databases = [Database(url, pool_size=1) for url in (locations.app, locations.relay, locations.sealer)]
    try:
        return [*checks, *await _examine(databases, locations)]
    finally:
        for database in databases:
            await database.dispose()


async def _read_secrets(settings: Settings) -> None:
    # A secret that is gone must not be made anew here: every key and every seal made with the old one is lost with it.
    if missing := settings.missing_secrets():
        raise SettingsError(f"STOA_DATA_DIR: {' and '.join(missing)} missing in {settings.data_dir}")
    settings.pepper()
    settings.seal_key()


async def _examine(databases: list[Database], locations: Locations) -> list[Check]:
    app, relay, sealer = databases
    roles = (
        ("database role", app, "STOA_DATABASE_URL", tenancy.APP),
        ("relay role", relay, "STOA_RELAY_DATABASE_URL", tenancy.RELAY),
        ("sealer role", sealer, "STOA_SEALER_DATABASE_URL", tenancy.SEALER),
    )
    checks = [
        await _held(name, partial(guard.refuse_privileged_role, database, setting), f"Use the role {role}.")
        for name, database, setting, role in roles
    ]
    checks.append(await _held("migrations", partial(guard.refuse_other_schema, app), "Run `stoa db upgrade`."))
    if not locations.app.startswith("postgres") or not all(check.ok for check in checks):
        return checks
    return [
        *checks,
        await _empty("row security", app, _UNWALLED, "tables without forced row security", "Run `stoa db upgrade`."),
        await _empty("audit seal", sealer, _UNSEALED, "entries unsealed for a minute", "Run `stoa worker`."),
        await _empty("jobs", relay, _BURIED, "jobs given up after too many failures", _REVIVE),
        await _empty("outbox", relay, _UNPUBLISHED, "events unpublished for a minute", "Run `stoa worker`."),
    ]


async def _held(name: str, check: Callable[[], Awaitable[None]], remedy: str) -> Check:
    try:
        await check()
    except (StartError, StoaError) as error:
        return Check(name, ok=False, detail=str(error), remedy=remedy)
    return Check(name, ok=True, detail="as it should be")


async def _empty(name: str, database: Database, sql: str, what: str, remedy: str) -> Check:
    try:
        async with database.engine.connect() as connection:
            found = (await connection.execute(text(sql))).scalar()
    except Exception as error:  # noqa: BLE001 - one failed check must not hide the others
        return Check(name, ok=False, detail=str(entering(error, name)), remedy=remedy)
    return Check(name, ok=not found, detail=f"{found or 'no'} {what}", remedy=remedy if found else "")
