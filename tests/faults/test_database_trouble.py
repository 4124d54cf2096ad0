"""The database is there and in trouble: every connection taken, locked by a migration, read-only, or paused."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from application.kernel.actor import TENANT_SCOPES, Actor
from domain.shared.errors import Unavailable
from domain.shared.ids import decode_id
from infrastructure.persistence import migrations
from infrastructure.persistence.database import POOL_TIMEOUT_SECONDS
from infrastructure.persistence.embedded import EmbeddedPostgres
from tests.faults.database_server import Server, serving
from tests.faults.processes import crowd
from tests.faults.writers import at_work, superuser
from tests.support.databases import DatabaseUrls, TestDatabases
from tests.support.http import HttpFace, http_face
from tests.support.stack import Stack, open_stack

POOL = 4
SLOW = 4 * POOL
TOLD_WITHIN = POOL_TIMEOUT_SECONDS + 0.1
ALIVE_WITHIN = 0.1
LOCK_SECONDS = 2.0
DEADLINE = timedelta(seconds=4)
DRIVER_GIVES_UP = 8.0
PAUSED = 5.0
PAUSED_AT_FULL_LENGTH = 30.0
BACK_WITHIN = 5.0


async def test_when_every_connection_is_busy_the_rest_is_told_so_in_time(
    test_databases: TestDatabases, tmp_path: Path
) -> None:
    """Four times as many slow requests as connections: told within the pool's patience, and the process is alive."""
    async with serving(test_databases.postgres(), tmp_path, pool_size=POOL) as server, server.client() as client:
        made = (await client.post("/v1/products", json={"name": "Beans", "sku": None, "description": ""})).json()
        async with _locked(server.urls, made["id"]), _watched(server) as alive:
            refused = await asyncio.gather(*(_change(client, made["id"]) for _ in range(SLOW)))
        assert (await _change(client, made["id"]))[0] == "ok"
    codes = Counter(code for code, _ in refused)
    told = max(seconds for code, seconds in refused if code != "lock_timeout")
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{SLOW} requests, {POOL} connections: {dict(codes)}; told within {told:.2f} s; "
        f"/livez within {max(alive) * 1000:.0f} ms at most, {len(alive)} times"
    )
    assert codes.keys() <= {"lock_timeout", "pool_exhausted", "overloaded"}
    assert codes["lock_timeout"] == POOL
    assert codes["pool_exhausted"] > 0
    assert told <= TOLD_WITHIN * crowd()
    assert max(alive) <= ALIVE_WITHIN * crowd()


async def _change(client: httpx2.AsyncClient, product: str) -> tuple[str, float]:
    """Rename a product; returns what came of it, and the seconds it took."""
    began = perf_counter()
    headers = {"If-Match": '"1"'}
    answer = await client.patch(f"/v1/products/{product}", json={"name": "Ground beans"}, headers=headers)
    assert answer.is_success or (answer.status_code == 503 and int(answer.headers["retry-after"]) > 0), answer.text
    return "ok" if answer.is_success else answer.json()["code"], perf_counter() - began


@asynccontextmanager
async def _locked(urls: DatabaseUrls, product: str) -> AsyncIterator[None]:
    """Hold a product's row for the length of the block."""
    other = await asyncpg.connect(urls.superuser)
    try:
        async with other.transaction():
            await other.fetch("SELECT 1 FROM products WHERE id = $1 FOR UPDATE", decode_id("prod", product))
            yield
    finally:
        await other.close()


@asynccontextmanager
async def _watched(server: Server) -> AsyncIterator[list[float]]:
    """Ask whether the process lives for the length of the block; gives the seconds that each answer took."""
    took: list[float] = []

    async def ask() -> None:
        async with server.client() as client:
            while not server.stopping:
                began = perf_counter()
                assert (await client.get("/livez")).status_code == 200
                took.append(perf_counter() - began)
                await asyncio.sleep(0.05)

    async with at_work([ask()], server.stop):
        yield took


@dataclass
class Till:
    """The HTTP face on a database of the test's own, with a key and a product."""

    stack: Stack
    http: HttpFace
    key: str
    product: str

    async def change(self, name: str) -> httpx2.Response:
        """Rename the product."""
        change = {"id": self.product, "expected_version": 1, "name": name}
        return await self.http.send("products.update", change, key=self.key)

    async def read(self) -> httpx2.Response:
        """Read the product."""
        return await self.http.send("products.get", {"id": self.product}, key=self.key)


@pytest.fixture
async def till(test_databases: TestDatabases) -> AsyncIterator[Till]:
    """Open a till."""
    async with open_stack(test_databases.postgres()) as stack, http_face(stack) as http:
        actor = await stack.organization()
        made = await stack.run("api_keys.create", actor, name="Till", scopes=sorted(TENANT_SCOPES))
        product = await stack.run("products.create", actor, name="Beans")
        yield Till(stack, http, str(made["secret"]), str(product["id"]))


async def test_a_migrations_lock_keeps_nobody_waiting_for_long(till: Till) -> None:
    """Whoever needs the table is told so after two seconds, reading or writing; everybody else is served."""
    async with superuser(till.stack) as other, other.transaction():
        await other.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        began = perf_counter()
        refused = await asyncio.gather(till.change("Tea"), till.read())
        waited = perf_counter() - began
        customers = await till.http.send("customers.list", {}, key=till.key)
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(503, "lock_timeout")] * 2
    assert LOCK_SECONDS * 0.9 < waited < LOCK_SECONDS + 0.5 * crowd()
    assert customers.status_code == 200
    assert (await till.change("Tea")).status_code == 200


async def test_a_database_that_takes_no_changes_can_be_read(till: Till) -> None:
    """A standby, or a server that was set so: changes are refused with a code, and are taken again afterwards."""
    async with superuser(till.stack) as other:
        name = await other.fetchval("SELECT current_database()")
        await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await till.stack.authenticate.settle()
    await till.stack.database.dispose()
    refused, read = await till.change("Tea"), await till.read()
    async with superuser(till.stack) as other:
        await other.execute("SET default_transaction_read_only = off")
        await other.execute(f"ALTER DATABASE {name} RESET ALL")
    await till.stack.authenticate.settle()
    await till.stack.database.dispose()
    assert (refused.status_code, refused.json()["code"]) == (503, "database_read_only")
    assert refused.headers["retry-after"] == "1"
    assert (read.status_code, read.json()["name"]) == (200, "Beans")
    assert (await till.change("Tea")).status_code == 200


@dataclass
class Patient:
    """Somebody who creates one product after the other.

    Attributes:
        ends: of each attempt the code, when it ended, and the seconds that it took.
    """

    stack: Stack
    actor: Actor
    ends: list[tuple[str, float, float]] = field(default_factory=list)
    stopping: bool = False

    async def write(self) -> None:
        """Try again under the same key until it is answered, and then the next one."""
        key = str(uuid4())
        while not self.stopping:
            began, code = perf_counter(), "ok"
            try:
                await self.stack.run_once(key, "products.create", self.actor, name="Beans")
            except Unavailable as error:
                code = error.code
            self.ends.append((code, perf_counter(), perf_counter() - began))
            key = str(uuid4()) if code == "ok" else key
            await asyncio.sleep(0.02)

    def stop(self) -> None:
        """Try nothing more."""
        self.stopping = True


async def test_a_paused_database_is_given_up_in_time(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Nobody waits for longer than the deadline, soon nobody waits at all, and when it goes on so does everybody."""
    paused = PAUSED_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else PAUSED
    async with _cluster(tmp_path) as urls, open_stack(urls, deadline=DEADLINE) as stack:
        patient = Patient(stack, await stack.organization())
        async with at_work((patient.write() for _ in range(8)), patient.stop):
            await _until(lambda: len(patient.ends) > 20)
            began = perf_counter()
            with _paused(tmp_path):
                await asyncio.sleep(paused)
                # On a busy machine those who had begun may need all of their deadline before anybody knows.
                await _until(lambda: any(code == "database_unreachable" for code, *_ in patient.ends))
            woken = perf_counter()
            await _until(lambda: any(code == "ok" and ended > woken for code, ended, _ in patient.ends))
        back = min(ended for code, ended, _ in patient.ends if code == "ok" and ended > woken) - woken
        async with superuser(stack) as connection:
            assert await connection.fetchval("SELECT count(*) FROM products") >= _done(patient)
            assert await connection.fetchval("SELECT count(*) FROM products") <= _done(patient) + 8
    meanwhile = [(code, took) for code, ended, took in patient.ends if began + DRIVER_GIVES_UP > ended > began]
    slowest = max(took for code, took in meanwhile if code not in ("ok", "outcome_unknown"))
    at_once = sum(code == "database_unreachable" and took < 0.5 for code, _, took in patient.ends)
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"paused for {paused:.0f} s: {dict(Counter(code for code, _ in meanwhile))}, slowest refusal {slowest:.2f} s, "
        f"{at_once} at once; first success {back:.2f} s after it went on"
    )
    assert slowest <= (DEADLINE.total_seconds() + 1.5) * crowd()
    assert at_once > 0
    # What was silent at its first word is enough to know; nobody has to fail at connecting first.
    assert next(took for code, _, took in patient.ends if code == "database_unreachable") < 1
    assert back <= BACK_WITHIN * crowd()


@asynccontextmanager
async def _cluster(folder: Path) -> AsyncIterator[DatabaseUrls]:
    """Start a cluster of the test's own, with a migrated database."""
    made = EmbeddedPostgres(folder / "data", fast=True)
    try:
        await asyncio.to_thread(made.start)
        await asyncio.to_thread(made.ensure_database, "stoa")
        await migrations.upgrade(made.url("stoa", "postgres"))
        yield DatabaseUrls(*(made.url("stoa", role) for role in ("stoa_app", "stoa_relay", "stoa_sealer", "postgres")))
    finally:
        await asyncio.to_thread(made.stop)


@contextmanager
def _paused(folder: Path) -> Iterator[None]:
    """Stop the server's processes where they are, for the length of the block."""
    first = int((folder / "data/pg/postmaster.pid").read_text().split()[0])
    os.kill(first, signal.SIGSTOP)
    stopped = [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
    try:
        for process in stopped[1:]:
            os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in stopped:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.02)


def _done(patient: Patient) -> int:
    return sum(code == "ok" for code, *_ in patient.ends)
