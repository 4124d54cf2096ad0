"""A database that cannot prove who it is gets no password, no query, and no start.

The embedded PostgreSQL is built without TLS, so a proxy with certificates of the test's own ends it in front of it.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from application.kernel.actor import NOWHERE
from infrastructure.lifecycle import opened
from infrastructure.persistence import migrations
from infrastructure.persistence.database import Database
from infrastructure.persistence.refusals import DatabaseInsecure
from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError
from tests.support.readme import free_port
from tests.support.stack import Stack
from tests.support.tls_proxy import Authority, tls_proxy

FAULTS: Mapping[str, str] = {
    "refuses TLS": "refuses to encrypt the connection",
    "another host's certificate": "IP address mismatch, certificate is not valid for '127.0.0.1'",
    "an expired certificate": "certificate has expired",
    "an authority nobody knows": "unable to get local issuer certificate",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make one authority for this file."""
    return Authority.make(tmp_path_factory.mktemp("authority"))


def environment(url: str, authority: Authority, folder: Path) -> dict[str, str]:
    """Demand the strictest check there is."""
    demanded = f"{url}?sslmode=verify-full&sslrootcert={authority.path}"
    return {"STOA_DATABASE_URL": demanded, "STOA_DATA_DIR": str(folder)}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_database_that_proves_nothing_is_refused(
    fault: str, authority: Authority, pg_stack: Stack, tmp_path: Path
) -> None:
    """The start ends with one line that names the setting and what is wrong, and nothing is repeated of the URL."""
    stranger = Authority.make(tmp_path, "Somebody Else")
    context = {
        "refuses TLS": None,
        "another host's certificate": authority.server("db.elsewhere.example"),
        "an expired certificate": authority.server(valid=timedelta(hours=-1)),
        "an authority nobody knows": stranger.server(),
    }[fault]
    async with tls_proxy(pg_stack.urls.app, context) as url:
        settings = load_settings(environment(url, authority, tmp_path))
        with pytest.raises(DatabaseInsecure) as refused:
            async with opened(settings, work=False):
                pass
        with pytest.raises(DatabaseInsecure):
            await migrations.current(settings.database_url)
    assert str(refused.value).startswith("STOA_DATABASE_URL: ")
    assert FAULTS[fault] in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_the_right_certificate_opens_the_door(authority: Authority, pg_stack: Stack, tmp_path: Path) -> None:
    """With the authority and the name as they should be the same start succeeds, and use-cases run over TLS."""
    async with tls_proxy(pg_stack.urls.app, authority.server()) as url:
        settings = load_settings(environment(url, authority, tmp_path))
        async with opened(settings, work=False) as container:
            database: Database = container.database()
            statement = database.prepare("one", lambda: text("SELECT 1"))
            assert await database.rows(statement, {}, organization_id=NOWHERE) == [(1,)]
        assert await migrations.current(settings.database_url) == migrations.head()


async def test_authorities_are_to_be_named(pg_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody forgot the file, or to mount it: neither falls back on anything."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    async with tls_proxy(pg_stack.urls.app, None) as url:
        demanded = f"{url}?sslmode=verify-full"
        with pytest.raises(SettingsError, match="sslrootcert names no file"):
            load_settings({"STOA_DATABASE_URL": f"{demanded}&sslrootcert={tmp_path / 'none.pem'}"})
        settings = load_settings({"STOA_DATABASE_URL": demanded, "STOA_DATA_DIR": str(tmp_path)})
        with pytest.raises(DatabaseInsecure, match="sslmode needs sslrootcert"):
            async with opened(settings, work=False):
                pass


async def test_the_process_ends_with_one_line(authority: Authority, pg_stack: Stack, tmp_path: Path) -> None:
    """So does `stoa serve` itself, with the code of a start that is refused."""
    async with tls_proxy(pg_stack.urls.app, None) as url:
        variables = {**os.environ, **environment(url, authority, tmp_path), "STOA_PORT": str(free_port())}
        command = [str(Path(sys.executable).with_name("stoa")), "serve"]
        done = await asyncio.to_thread(
            subprocess.run, command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: STOA_DATABASE_URL: the database refuses to encrypt the connection, which sslmode demands."
    ]
