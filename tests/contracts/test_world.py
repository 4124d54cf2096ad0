"""The world that all generated tests stand on."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from annotated_types import Len

from application.kernel.patch import Maybe
from domain.shared.ids import PriceId, ProductId, TaskRunId
from tests.support.ground import WorldIncomplete
from tests.support.use_cases import EVERY, Slot, slots
from tests.support.world import World


@pytest.mark.parametrize("name", EVERY)
async def test_the_world_can_run_every_use_case_twice(name: str, world: World) -> None:
    """Fields made from annotations, example and preparations succeed, each time anew."""
    for _ in range(2):
        assert await world.run(name)


async def test_what_the_world_cannot_make_it_names(world: World) -> None:
    """An id nobody makes is refused with what to add, so that a new use-case cannot slip by untested."""
    with pytest.raises(WorldIncomplete, match=r"run_ ids.*_add_specimens_without_creator"):
        await world.id_of(TaskRunId)


@dataclass(frozen=True)
class _Line:
    price_id: PriceId
    quantity: int


@dataclass(frozen=True)
class _Basket:
    id: ProductId
    lines: Annotated[list[_Line], Len(1, 9)]
    gift_id: Maybe[PriceId | None]
    others: list[PriceId]


def test_ids_are_found_wherever_they_are() -> None:
    """Ids in nested records, in lists and in optional fields are places to attack, and can be replaced there."""
    found = slots(_Basket)
    assert list(map(str, found)) == ["id", "lines.0.price_id", "gift_id", "others.0"]
    assert [slot.id_type for slot in found] == [ProductId, PriceId, PriceId, PriceId]
    data = {"id": "a", "lines": [{"price_id": "b", "quantity": 1}], "others": []}
    nested = Slot(("lines", 0, "price_id"), PriceId).put(data, "x")
    assert nested == {"id": "a", "lines": [{"price_id": "x", "quantity": 1}], "others": []}
    assert Slot(("others", 0), PriceId).put(data, "x")["others"] == ["x"]
