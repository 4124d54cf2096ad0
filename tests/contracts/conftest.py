"""Worlds and faces shared by the generated tests."""

import pytest

from tests.support.callers import Caller, callers
from tests.support.stack import Stack
from tests.support.world import World


@pytest.fixture(scope="module")
async def neighbour(stack: Stack) -> World:
    """Return another organization with one of everything, in the same database."""
    return await World.create(stack)


@pytest.fixture(scope="module")
async def everybody(world: World) -> dict[str, Caller]:
    """Return one caller of each kind."""
    return await callers(world)
