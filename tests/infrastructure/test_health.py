"""What ``/readyz`` says of a real database: there, silent, gone, or of another revision."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import pytest
from dependency_injector import providers
from httpx2 import ASGITransport, AsyncClient, Response
from structlog.testing import capture_logs

from infrastructure.container import Container
from infrastructure.health import Health
from infrastructure.persistence import guard
from infrastructure.persistence.database import Database
from infrastructure.workers.supervisor import Supervisor
from interfaces.http.app import create_app
from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import DatabaseUrls
from tests.support.stack import Stack


def health_of(database: Database) -> Health:
    """Return the health of a process with this database and no workers."""
    container = Container()
    container.database.override(providers.Object(database))
    return Health(container, Supervisor({}))


@asynccontextmanager
async def behind_a_proxy(urls: DatabaseUrls) -> AsyncIterator[tuple[CutProxy, Health]]:
    """Return a proxy to a database, and the health of a process that knows the database by way of it."""
    async with cut_proxy(urls.app) as proxy:
        database = Database(proxy.url(urls.app), pool_size=2)
        try:
            yield proxy, health_of(database)
        finally:
            proxy.blackhole = False
            await database.dispose()


async def readyz(stack: Stack, health: Health) -> Response:
    """Ask as a load balancer does."""
    app = create_app(
        registry=stack.registry, dispatcher=stack.dispatcher, authenticate=stack.authenticate, readiness=health,
        metrics=lambda: b"", metrics_content_type="text/plain", observe=lambda *_: None,
    )  # fmt: skip
    async with AsyncClient(transport=ASGITransport(app), base_url="http://stoa.test") as client:
        return await client.get("/readyz")


def a_moment_later(health: Health) -> None:
    """Let the answer that is kept for a second be too old."""
    health._asked = -1.0


async def test_a_database_that_answers_is_ready(stack: Stack) -> None:
    """Both engines are asked for their schema, and are well."""
    ready = await readyz(stack, health_of(stack.database))
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "draining": "ok"})


async def test_a_silent_database_is_given_half_a_second(pg_stack: Stack) -> None:
    """Nothing answers: 503 with the word "silent", whether connected or not, and ready afterwards.

    Only the end of the half second is called silence: what the driver gives up on by itself is "unavailable".
    """
    async with behind_a_proxy(pg_stack.urls) as (proxy, health):
        for _ in range(2):
            proxy.blackhole = True
            a_moment_later(health)
            started = perf_counter()
            silent = await readyz(pg_stack, health)
            assert perf_counter() - started > 0.4
            assert (silent.status_code, silent.json()["code"]) == (503, "not_ready")
            assert silent.json()["detail"] == "database: silent"
            proxy.blackhole = False
            a_moment_later(health)
            assert (await readyz(pg_stack, health)).status_code == 200


async def test_a_database_that_is_gone_is_unavailable(stack: Stack, tmp_path: Path) -> None:
    """Nobody listens: 503 without a word of what went wrong, which is in the log."""
    database = Database(f"postgresql://stoa_app@/stoa?host={tmp_path}", pool_size=2)
    try:
        with capture_logs() as lines:
            gone = await readyz(stack, health_of(database))
    finally:
        await database.dispose()
    assert (gone.status_code, gone.json()["detail"]) == (503, "database: unavailable")
    assert str(tmp_path) not in gone.text
    assert [(line["event"], line["log_level"]) for line in lines] == [("database_check_failed", "warning")]


async def test_a_schema_of_another_revision_is_not_ready(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that the database was migrated away from under serves nobody."""
    monkeypatch.setattr(guard, "head", lambda: "0000_of_tomorrow")
    other = await readyz(stack, health_of(stack.database))
    assert (other.status_code, other.json()["detail"]) == (503, "database: schema_out_of_date")


async def test_a_process_that_drains_is_not_ready(stack: Stack) -> None:
    """Told to stop, it asks for no more requests though its database is well."""
    health = health_of(stack.database)
    health.draining = True
    draining = await readyz(stack, health)
    assert (draining.status_code, draining.json()["detail"]) == (503, "draining: draining")


async def test_many_who_ask_at_once_are_one_question(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty load balancers cost the database one connection a second."""
    asked = 0
    real = guard.refuse_other_schema

    async def counted(database: Database) -> None:
        nonlocal asked
        asked += 1
        await real(database)

    monkeypatch.setattr(guard, "refuse_other_schema", counted)
    health = health_of(stack.database)
    answers = await asyncio.gather(*(health() for _ in range(50)))
    assert all(each["database"] == "ok" for each in answers)
    assert asked == 1
    a_moment_later(health)
    await health()
    assert asked == 2
