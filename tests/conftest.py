"""Fixtures shared by all tests: real databases, and the core wired on them."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvloop

from tests.support.chain import DevChain, open_chain, require_anvil
from tests.support.databases import DatabaseUrls, TestDatabases, databases
from tests.support.http import HttpFace, http_face
from tests.support.rows import Rows, open_rows
from tests.support.stack import Stack, open_stack
from tests.support.world import World

ENGINES = ("postgres", "sqlite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switches of the long suites."""
    parser.addoption("--faults", action="store_true", help="run the fault suites at full length (minutes)")
    parser.addoption("--soak", action="store_true", help="run the soak suites (long)")
    parser.addoption("--soak-minutes", type=float, default=30, help="how long the soak suites run")
    parser.addoption("--cut-points", type=int, default=0, help="least number of connection cuts; 0 = the suite's own")


def pytest_configure() -> None:
    """Run on the loop that serves in production. As the plugin's parameter it would take the tests out of order."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def pytest_collection(session: pytest.Session) -> None:
    """Look for no garbage among what stays; what is collected is set aside below."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave ten thousand tests and everything imported out of all later searches for garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long suites out unless they are asked for."""
    for name in ("faults", "soak"):
        if not config.getoption(f"--{name}"):
            skip = pytest.mark.skip(reason=f"long suite: run with --{name} (make {name})")
            for item in items:
                if item.get_closest_marker(name):
                    item.add_marker(skip)


@pytest.fixture(scope="session")
def test_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDatabases]:
    """Make databases of both engines."""
    folder: Path = tmp_path_factory.mktemp("databases")
    with databases(folder) as made:
        yield made


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Run the test on both engines."""
    return str(request.param)


@pytest.fixture(scope="session")
async def stack(engine: str, test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a database shared by the session; tests keep apart by their own organizations."""
    async with open_stack(test_databases.make(engine)) as opened:
        yield opened


@pytest.fixture(scope="session")
async def pg_stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on PostgreSQL only, for what SQLite does not have."""
    async with open_stack(test_databases.postgres()) as opened:
        yield opened


@pytest.fixture(scope="module")
async def world(stack: Stack) -> World:
    """Return an organization with one of everything."""
    return await World.create(stack)


@pytest.fixture(scope="module")
async def http(stack: Stack) -> AsyncIterator[HttpFace]:
    """Return the HTTP face."""
    async with http_face(stack) as face:
        yield face


@pytest.fixture(scope="module")
async def rows(stack: Stack) -> AsyncIterator[Rows]:
    """Return a reader of everything that is in the tables."""
    async with open_rows(stack.urls) as opened:
        yield opened


@pytest.fixture
async def fresh_stack(engine: str, test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a database of the test's own."""
    async with open_stack(test_databases.make(engine)) as opened:
        yield opened


@pytest.fixture
def fresh_urls(engine: str, test_databases: TestDatabases) -> DatabaseUrls:
    """Return the URLs of an empty migrated database of the test's own."""
    return test_databases.make(engine)


@pytest.fixture(scope="session")
def dev_chain() -> Iterator[DevChain]:
    """Return a chain shared by the session; tests keep apart by their own accounts."""
    kind = os.environ.get("STOA_TEST_CHAIN", "py-evm")
    if kind == "anvil":
        require_anvil()
    with open_chain(kind) as opened:
        yield opened


@pytest.fixture
def anvil() -> Iterator[DevChain]:
    """Return an anvil of the test's own, for what needs a mempool or another history."""
    require_anvil()
    with open_chain("anvil") as opened:
        yield opened
