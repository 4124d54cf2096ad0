"""Organizations and the HTTP face for tests of use-cases."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete

from infrastructure.persistence.models.technical import JobRow
from tests.support.http import HttpFace, http_face
from tests.support.rows import Rows, open_rows
from tests.support.stack import Stack
from tests.support.world import World


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
async def no_other_jobs(stack: Stack) -> None:
    """Forget the jobs that other tests left: whoever takes jobs from the database would take those as well."""
    async with stack.relay_database.engine.begin() as connection:
        await connection.execute(delete(JobRow))
