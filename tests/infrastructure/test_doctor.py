"""What `stoa doctor` finds: each fault is made on a real database or machine, and found by its name with a remedy."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from infrastructure.container import Container, anchors
from infrastructure.doctor import Machine, Unsound, examine
from infrastructure.lifecycle import opened, working
from infrastructure.settings import Settings, load_settings
from tests.support.databases import DatabaseUrls, TestDatabases
from tests.support.stack import FrozenClock, open_stack

PEPPER, SEAL, WALLET = (
    "".join(f"{n:02x}" for n in range(32)),
    "0f1e2d3c4b5a6978" * 2 + "q7w8",
    "9a8b7c6d5e4f3021" * 2 + "z",
)
OLD = "now() - interval '5 minutes'"


@dataclass(frozen=True, slots=True)
class Patient:
    """A healthy system, to which a fault is done."""

    settings: Settings
    urls: DatabaseUrls
    machine: Machine

    async def sql(self, *statements: str) -> "Patient":
        """Run statements as the superuser, to whom nothing is forbidden."""
        connection = await asyncpg.connect(self.urls.superuser)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()
        return self

    def but(self, **changed: object) -> "Patient":
        """Change settings."""
        return replace(self, settings=self.settings.model_copy(update=changed))


@pytest.fixture(scope="module")
async def healthy(test_databases: TestDatabases) -> DatabaseUrls:
    """Make a database in order: one organization, nothing waiting."""
    return await a_healthy_database(test_databases)


async def a_healthy_database(test_databases: TestDatabases) -> DatabaseUrls:
    urls = test_databases.postgres()
    async with open_stack(urls) as stack:
        await stack.organization()
    return urls


@pytest.fixture
async def patient(
    request: pytest.FixtureRequest, test_databases: TestDatabases, healthy: DatabaseUrls, tmp_path: Path
) -> Patient:
    """Make a system in order, with a database of its own if that is what will be harmed."""
    fault = request.node.callspec.params.get("fault") if hasattr(request.node, "callspec") else ""
    is_harmed = fault in BROKEN_DATABASES
    urls = await a_healthy_database(test_databases) if is_harmed else healthy
    settings = load_settings(
        {
            "STOA_DATABASE_URL": urls.app, "STOA_DATA_DIR": str(tmp_path / "data"), "STOA_KEY_PEPPER": PEPPER,
            "STOA_AUDIT_SEAL_KEY": SEAL, "STOA_PUBLIC_URL": "https://stoa.example", "STOA_MAIL": "file",
            "STOA_ENVIRONMENT": "production",
        }
    )  # fmt: skip
    return Patient(settings, urls, Machine(least_free=1))


type Harm = Callable[[Patient], Awaitable[Patient]]


async def _anchors_are_a_folder(patient: Patient) -> Patient:
    anchors(patient.settings).mkdir(parents=True)
    return patient


async def _secrets_readable_by_all(patient: Patient) -> Patient:
    folder = patient.settings.data_dir
    folder.mkdir()
    for name in ("key_pepper", "audit_seal_key"):
        (folder / name).write_text(PEPPER)
        (folder / name).chmod(0o644)
    return patient.but(key_pepper=Settings().key_pepper, audit_seal_key=Settings().audit_seal_key)


def _setting(**changed: str) -> Harm:
    async def harm(patient: Patient) -> Patient:
        return Patient(Settings(**{**patient.settings.model_dump(), **changed}), patient.urls, patient.machine)

    return harm


def _sql(*statements: str) -> Harm:
    return lambda patient: patient.sql(*statements)


def _clock(hours: int) -> Harm:
    async def harm(patient: Patient) -> Patient:
        shifted = FrozenClock()
        shifted.shift = timedelta(hours=hours)
        return replace(patient, machine=Machine(clock=shifted, least_free=1))

    return harm


async def _full(patient: Patient) -> Patient:
    return replace(patient, machine=Machine(least_free=1 << 60))


async def _superuser(patient: Patient) -> Patient:
    return patient.but(database_url=patient.urls.superuser)


async def _relay_superuser(patient: Patient) -> Patient:
    return patient.but(relay_database_url=patient.urls.superuser)


async def _sealer_superuser(patient: Patient) -> Patient:
    return patient.but(sealer_database_url=patient.urls.superuser)


async def _no_database(patient: Patient) -> Patient:
    return patient.but(database_url=patient.urls.app.replace("/t_", "/gone_"))


_UNSEALED = (
    "ALTER TABLE audit_entries DISABLE TRIGGER audit_rows",
    f"UPDATE audit_entries SET occurred_at = {OLD}, seq = NULL, hash = NULL",
    "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_rows",
)
_BURIED = (
    "INSERT INTO jobs (organization_id, kind, subject_id, run_at, token, attempts, dead_at) "
    "SELECT organization_id, 'k', gen_random_uuid(), now(), 1, 50, now() FROM organizations LIMIT 1"
)

BROKEN_DATABASES: dict[str, tuple[str, str, Harm]] = {
    "a pending migration": ("migrations", "stoa db upgrade", _sql("UPDATE alembic_version SET version_num = '0001'")),
    "a newer schema": ("migrations", "stoa db upgrade", _sql("UPDATE alembic_version SET version_num = '9999'")),
    "no forced row security": ("walls", "FORCE ROW", _sql("ALTER TABLE products NO FORCE ROW LEVEL SECURITY")),
    "a policy for everybody": ("walls", "Drop the policy", _sql("CREATE POLICY p ON products USING (true)")),
    "a dangerous grant": ("walls", "Take the grant back", _sql("GRANT TRUNCATE ON products TO stoa_app")),
    "no index of a foreign key": ("indexes", "CONCURRENTLY", _sql("DROP INDEX ix_prices_product_id")),
    "an entry unsealed": ("audit seal", "stoa worker", _sql(*_UNSEALED)),
    "an event unpublished": ("outbox", "stoa worker", _sql(f"UPDATE outbox SET occurred_at = {OLD}")),
    "a buried job": ("jobs", "payment_orders.reconcile", _sql(_BURIED)),
}
FAULTS: dict[str, tuple[str, str, Harm]] = {
    **BROKEN_DATABASES,
    "a superuser": ("database role", "stoa_app", _superuser),
    "a privileged relay": ("relay role", "stoa_relay", _relay_superuser),
    "a privileged sealer": ("sealer role", "stoa_sealer", _sealer_superuser),
    "no such database": ("database role", "stoa_app", _no_database),
    "a clock an hour ahead": ("clock", "NTP", _clock(1)),
    "a clock an hour behind": ("clock", "NTP", _clock(-1)),
    "a full disk": ("disk", "MiB free", _full),
    "anchors that cannot be written": ("anchors", "back it up", _anchors_are_a_folder),
    "a default secret": ("secrets", "openssl", _setting(key_pepper="changeme-" * 5 + "xyz")),
    "a short secret": ("secrets", "openssl", _setting(audit_seal_key="0f1e2d3c4b5a6978")),
    "equal secrets": ("secrets", "openssl", _setting(audit_seal_key=PEPPER)),
    "a wallet key used twice": ("secrets", "openssl", _setting(wallet_key=SEAL)),
    "a missing secret": ("secrets", "Restore them", _setting(key_pepper="")),
    "secrets that others can read": ("secrets", "Restore them", _secrets_readable_by_all),
}


async def test_a_healthy_system_has_no_finding(patient: Patient) -> None:
    """Every check is there, all of them hold, and none has anything to remedy."""
    findings = await examine(patient.settings, patient.machine)
    assert [finding for finding in findings if not finding.ok or finding.remedy] == []
    assert {"settings", "database role", *(name for name, _, _ in FAULTS.values())} == {f.name for f in findings}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_found_by_its_name(fault: str, patient: Patient) -> None:
    """Exactly the one finding of that name, with what to do about it."""
    name, remedy, harm = FAULTS[fault]
    harmed = await harm(patient)
    found = [finding for finding in await examine(harmed.settings, harmed.machine) if not finding.ok]
    assert {finding.name for finding in found} - ({"migrations"} if fault == "no such database" else set()) == {name}
    assert all(finding.detail and remedy in finding.remedy for finding in found if finding.name == name)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("no forced row security", "walls: .*products.*FORCE ROW"),
        ("a dangerous grant", "walls: dangerous grant: products"),
        ("anchors that cannot be written", "anchors: .* cannot be written"),
    ],
)
async def test_a_server_in_production_does_not_start_on_it(fault: str, line: str, patient: Patient) -> None:
    """The same checks: what is fatal is one line."""
    harmed = await FAULTS[fault][2](patient)
    async with opened(harmed.settings, work=True) as container:
        with pytest.raises(Unsound, match=line) as refused:
            async with working(container, work=True):
                pass
    assert "\n" not in str(refused.value)


async def _started(container: Container) -> None:
    async with working(container, work=False):
        pass


@pytest.mark.parametrize("fault", ["no index of a foreign key"])
async def test_what_is_not_fatal_is_a_warning(fault: str, patient: Patient) -> None:
    """The start goes on, and the log names the finding with its remedy."""
    harmed = await FAULTS[fault][2](patient)
    async with opened(harmed.settings, work=False) as container:
        with capture_logs() as logs:
            await _started(container)
    found = [(log["check"], log["log_level"]) for log in logs if log["event"] == "doctor_finding"]
    assert ("indexes", "warning") in found


@pytest.mark.parametrize("fault", ["no forced row security"])
async def test_development_starts_without_the_checks(fault: str, patient: Patient) -> None:
    """Who tries things out on a schema of their own is not kept from it; `stoa doctor` tells them."""
    harmed = await FAULTS[fault][2](patient)
    async with opened(harmed.but(environment="development").settings, work=False) as container:
        await _started(container)


async def test_a_wrong_setting_is_a_finding_too(patient: Patient, tmp_path: Path) -> None:
    """The command itself tells it in its table, in place of ending without one."""
    variables = {**os.environ, "STOA_DATABASE_URL": patient.urls.app, "STOA_ENVIRONMENT": "production"}
    command = [str(Path(sys.executable).with_name("stoa")), "doctor"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6
    assert '"STOA_KEY_PEPPER: required in production' in done.stdout
