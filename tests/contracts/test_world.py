"""The world that all generated tests stand on."""

import pytest

from tests.support.stack import Stack
from tests.support.world import EVERY, World


@pytest.mark.parametrize("name", EVERY)
async def test_the_world_can_run_every_use_case_twice(name: str, stack: Stack, world: World) -> None:
    """Fields made from annotations, example and preparations succeed, each time anew."""
    for _ in range(2):
        assert await world.run(name)
