"""Single checks of what Stoa stands on; each says what it found, and what to do about it."""

import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, cast

from sqlalchemy import text

from application.kernel.ports import IClock
from application.kernel.start_error import StartError
from domain.shared.errors import StoaError
from infrastructure.persistence import catalogue
from infrastructure.persistence.database import Database
from infrastructure.persistence.refusals import DatabaseInsecure, entering
from infrastructure.settings import Settings
from infrastructure.settings_rules import SettingsError, check_secret

LEAST_FREE = 1 << 30
"""Bytes on the disk of the data folder below which it is time to act."""
LARGEST_SKEW = timedelta(seconds=2)
"""Between the machine's clock and the database's: leases go by the one, what expires by the other."""

_MAKE_ANOTHER = "`openssl rand -hex 32` makes one; a new pepper or seal key invalidates what the old one made."
_RESTORE = "Restore them from a backup; only a first `stoa up` makes new ones."
_PROVE = "Let the server speak TLS with a valid certificate of the host's name, and name its authority by sslrootcert."


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


async def held(name: str, check: Callable[[], Awaitable[None]], remedy: str) -> Check:
    """Run what raises when something is wrong."""
    try:
        await check()
    except DatabaseInsecure as error:
        return Check("database tls", ok=False, detail=str(error), remedy=_PROVE)
    except (StartError, StoaError) as error:
        return Check(name, ok=False, detail=str(error), remedy=remedy)
    return Check(name, ok=True, detail="as it should be")


async def empty(name: str, database: Database, sql: str, what: str, remedy: str) -> Check:
    """Run a query that counts what there should be none of."""
    try:
        async with database.engine.connect() as connection:
            found = (await connection.execute(text(sql))).scalar()
    except Exception as error:  # noqa: BLE001 - one failed check must not hide the others
        return Check(name, ok=False, detail=str(entering(error, name)), remedy=remedy)
    return Check(name, ok=not found, detail=f"{found or 'no'} {what}", remedy=remedy if found else "")


def secrets(settings: Settings) -> Check:
    """Look for secrets that are missing, damaged, short, default-like or used twice.

    A secret that is gone must not be made anew here: every key and every seal made with the old one is lost with it.
    """
    if missing := settings.missing_secrets():
        detail = f"STOA_DATA_DIR: {' and '.join(missing)} missing in {settings.data_dir}"
        return Check("secrets", ok=False, detail=detail, remedy=_RESTORE)
    given = {
        "STOA_KEY_PEPPER": settings.key_pepper, "STOA_AUDIT_SEAL_KEY": settings.audit_seal_key,
        "STOA_WALLET_KEY": settings.wallet_key,
    }  # fmt: skip
    chosen = {name: secret for name, secret in given.items() if secret.get_secret_value()}
    try:
        for name, secret in chosen.items():
            check_secret(name, secret)
    except SettingsError as error:
        return Check("secrets", ok=False, detail=str(error), remedy=_MAKE_ANOTHER)
    if len({secret.get_secret_value() for secret in chosen.values()}) < len(chosen):
        detail = f"{', '.join(chosen)}: must differ from each other"
        return Check("secrets", ok=False, detail=detail, remedy=_MAKE_ANOTHER)
    try:
        settings.pepper()
        settings.seal_key()
    except SettingsError as error:
        return Check("secrets", ok=False, detail=str(error), remedy=_RESTORE)
    return Check("secrets", ok=True, detail="as they should be")


async def walls(database: Database) -> list[Check]:
    """Ask the catalogue for holes in the walls between tenants, and for foreign keys without an index."""
    try:
        async with database.engine.connect() as connection:
            found = await catalogue.holes(connection)
    except Exception as error:  # noqa: BLE001 - one failed check must not hide the others
        return [Check("walls", ok=False, detail=str(entering(error, "walls")), remedy="See the log of the database.")]
    indexes = {lint: holes for lint, holes in found.items() if lint == catalogue.INDEX}
    holes = {lint: holes for lint, holes in found.items() if lint != catalogue.INDEX}
    return [*_of_catalogue("walls", holes), *_of_catalogue("indexes", indexes)]


def _of_catalogue(name: str, found: Mapping[str, list[str]]) -> list[Check]:
    if not found:
        return [Check(name, ok=True, detail="nothing found in the catalogue")]
    return [
        Check(name, ok=False, detail=f"{lint}: {', '.join(holes)}", remedy=catalogue.LINTS[lint].remedy)
        for lint, holes in found.items()
    ]


async def clock(database: Database, here: IClock) -> Check:
    """Compare the machine's clock with the database's, allowing for the way there and back."""
    try:
        async with database.engine.connect() as connection:
            before = here.now()
            there = cast("datetime", (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one())
            after = here.now()
    except Exception as error:  # noqa: BLE001 - one failed check must not hide the others
        return Check("clock", ok=False, detail=str(entering(error, "clock")), remedy="See the log of the database.")
    apart = max(before - there.astimezone(UTC), there.astimezone(UTC) - after, timedelta())
    detail = f"{apart.total_seconds():.1f} seconds between this machine and the database"
    remedy = "Let both machines take their time from the same source (NTP)."
    return Check("clock", ok=apart <= LARGEST_SKEW, detail=detail, remedy="" if apart <= LARGEST_SKEW else remedy)


def disk(folder: Path, least: int) -> Check:
    """Look how much room the data folder has left."""
    free = shutil.disk_usage(_existing(folder)).free
    detail = f"{free // (1 << 20)} MiB free for {folder}"
    remedy = f"Keep at least {least // (1 << 20)} MiB free: anchors, mails and the journal are written there."
    return Check("disk", ok=free >= least, detail=detail, remedy="" if free >= least else remedy)


def anchors(path: Path) -> Check:
    """Look whether the sealer can append to the anchors."""
    there = _existing(path)
    writable = os.access(there, os.W_OK) and (there.is_file() if there == path else there.is_dir())
    if writable:
        return Check("anchors", ok=True, detail=f"{path} can be written")
    remedy = "Give the data folder to the user Stoa runs as, on a disk that can be written, and back it up."
    return Check("anchors", ok=False, detail=f"{path} cannot be written", remedy=remedy)


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
