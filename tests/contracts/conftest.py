"""Worlds and faces shared by the generated tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.callers import Caller, callers
from tests.support.http import HttpFace, http_face
from tests.support.rows import Rows, open_rows
from tests.support.stack import Stack
from tests.support.world import World


@pytest.fixture(scope="module")
async def world(stack: Stack) -> World:
    """Return an organization with one of everything."""
    return await World.create(stack)


@pytest.fixture(scope="module")
async def neighbour(stack: Stack) -> World:
    """Return another organization with one of everything, in the same database."""
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


@pytest.fixture(scope="module")
async def pg_world(pg_stack: Stack) -> World:
    """Return an organization with one of everything on PostgreSQL."""
    return await World.create(pg_stack)


@pytest.fixture(scope="module")
async def pg_http(pg_stack: Stack) -> AsyncIterator[HttpFace]:
    """Return the HTTP face on PostgreSQL."""
    async with http_face(pg_stack) as face:
        yield face


@pytest.fixture(scope="module")
async def pg_rows(pg_stack: Stack) -> AsyncIterator[Rows]:
    """Return a reader of everything that is in the tables of PostgreSQL."""
    async with open_rows(pg_stack.urls) as opened:
        yield opened


@pytest.fixture(scope="module")
async def everybody(pg_world: World) -> dict[str, Caller]:
    """Return one caller of each kind."""
    return await callers(pg_world)
