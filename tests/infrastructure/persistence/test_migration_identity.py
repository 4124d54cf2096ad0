"""What was in the database before people could sign in is still there afterwards, and after going back."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from application.kernel.actor import PLATFORM
from infrastructure.persistence import migrations
from infrastructure.persistence.connecting import administrator_engine
from tests.support.databases import ROOT, TestDatabases

_TWO_SCOPES = '["refunds:write", "prices:read"]'  # the first was not there before
ORGANIZATION, USER, KEY = uuid4(), uuid4(), uuid4()


def _insert(connection: Connection, table: str, **values: object) -> None:
    if connection.dialect.name == "sqlite":
        values = {name: value.hex if isinstance(value, UUID) else value for name, value in values.items()}
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"), values)


def _fill(connection: Connection) -> None:
    """Insert one organization with a member and a key, as revision 0003 knows them."""
    at: object = "2026-03-14T09:30:00.000000Z"
    if connection.dialect.name == "postgresql":
        at = connection.execute(text("SELECT now()")).scalar_one()
    by = {"version": 1, "created_at": at, "created_by": "operator", "updated_at": at, "updated_by": "operator"}
    _insert(
        connection, "organizations", organization_id=ORGANIZATION, id=ORGANIZATION, name="Harbour", slug="harbour",
        default_currency="EUR", status="active", **by,
    )  # fmt: skip
    _insert(connection, "users", id=USER, email="ines@harbour.example", name="Inês", **by)
    _insert(
        connection, "memberships", organization_id=ORGANIZATION, id=uuid4(), user_id=USER,
        email="ines@harbour.example", role="owner", **by,
    )  # fmt: skip
    _insert(
        connection, "api_keys", organization_id=ORGANIZATION, id=KEY, name="Shop", hash="0f" * 32, prefix="stoa_sk_",
        last_four="9xYz", scopes="[]", **by,
    )  # fmt: skip


@pytest.fixture
def url(engine: str, test_databases: TestDatabases, tmp_path: Path) -> Iterator[str]:
    """Make a database without a schema."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    cluster, name = test_databases.cluster, f"t_{os.getpid()}_identity"
    # Roles are the cluster's, so whoever migrates beside this run has to wait.
    with (ROOT / ".stoa" / "test" / "template.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster.start()
        cluster.ensure_database(name)
        yield cluster.url(name, "postgres")
        cluster.drop_database(name)


async def _run(url: str, *statements: str) -> list[tuple[object, ...]]:
    engine = administrator_engine(url)
    try:
        async with engine.begin() as connection:
            found: list[tuple[object, ...]] = []
            for statement in statements:
                found += [tuple(row) for row in await connection.execute(text(statement))]
            return found
    finally:
        await engine.dispose()


async def test_rows_of_before_survive_both_ways(url: str) -> None:
    """Organizations get settings nobody chose, keys begin a line of their own, and going back loses only that."""
    await migrations.upgrade(url, "0003")
    engine = administrator_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_fill)
    await engine.dispose()
    kept = ["SELECT count(*) FROM organizations", "SELECT count(*) FROM memberships", "SELECT count(*) FROM api_keys"]
    for _ in range(2):
        await migrations.upgrade(url, "0004")
        assert await _run(url, "SELECT time_zone, locale, order_expiry_minutes, status FROM organizations") == [
            ("UTC", "en", 1440, "active")
        ]
        assert await _run(url, "SELECT count(*) FROM api_keys WHERE lineage_id = id AND replaced_by_id IS NULL") == [
            (1,)
        ]
        assert await _run(url, *kept) == [(1,)] * 3
        await _run(url, f"UPDATE api_keys SET scopes = '{_TWO_SCOPES}' RETURNING 1")
        await migrations.downgrade(url, "0003")
        assert await _run(url, *kept) == [(1,)] * 3
        ((scopes,),) = await _run(url, "SELECT scopes FROM api_keys")
        assert (json.loads(scopes) if isinstance(scopes, str) else scopes) == ["prices:read"]


def _fill_twice(connection: Connection) -> None:
    """Insert two people who claim one wallet, the first of them with two tokens of one purpose."""
    at: object = "2026-03-14T09:30:00.000000Z"
    if connection.dialect.name == "postgresql":
        at = connection.execute(text("SELECT now()")).scalar_one()
    by = {"version": 1, "created_at": at, "created_by": "operator", "updated_at": at, "updated_by": "operator"}
    first, second = UUID(int=1), UUID(int=2)
    for id_ in (first, second):
        _insert(connection, "users", id=id_, email=f"{id_}@harbour.example", name="Ada", wallet_address="0x1", **by)
        _insert(
            connection, "single_use_tokens", id=id_, user_id=first, purpose="recover_password", hash=str(id_),
            expires_at=at, **by,
        )  # fmt: skip
        _insert(
            connection, "lookups", kind="single_use_token", value=str(id_), organization_id=PLATFORM, subject_id=id_
        )


async def test_what_may_be_twice_is_once_after_going_back(url: str) -> None:
    """The first claim of a wallet and the latest token stay, everything else of both people does."""
    await migrations.upgrade(url, "0011")
    engine = administrator_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_fill_twice)
    await engine.dispose()
    counted = [
        "SELECT count(*) FROM users", "SELECT count(*) FROM users WHERE wallet_address IS NOT NULL",
        "SELECT count(*) FROM single_use_tokens", "SELECT count(*) FROM lookups",
    ]  # fmt: skip
    assert await _run(url, *counted) == [(2,)] * 4
    await migrations.downgrade(url, "0010")
    assert await _run(url, *counted) == [(2,), (1,), (1,), (1,)]
    assert await _run(url, "SELECT hash FROM single_use_tokens") == [(str(UUID(int=2)),)]
    await migrations.upgrade(url, "0011")
    assert await _run(url, *counted) == [(2,), (1,), (1,), (1,)]
