"""How many statements a use-case sends: no more than it declares, and no more of them when there are more rows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields

import pytest

from domain.shared.specification import Everything
from tests.infrastructure.persistence.samples import unit
from tests.support.crowd import ONE_OF_A_KIND, crowd, statements
from tests.support.databases import TestDatabases
from tests.support.stack import open_stack
from tests.support.use_cases import EVERY, REGISTRY
from tests.support.world import World

FEW, MANY = 10, 10_000


@dataclass(frozen=True, slots=True)
class Places:
    """An organization with ten rows of everything, and one with ten thousand, in a database of their own."""

    few: World
    many: World
    rows: dict[str, int]


@pytest.fixture(scope="module")
async def places(test_databases: TestDatabases) -> AsyncIterator[Places]:
    """Make both once; neighbours would only share the indexes."""
    async with open_stack(test_databases.postgres()) as stack:
        few, many = await World.create(stack), await World.create(stack)
        await crowd(stack, few.actor.organization_id, FEW)
        yield Places(few, many, await crowd(stack, many.actor.organization_id, MANY))


async def sent(world: World, name: str) -> list[str]:
    """Run a use-case with valid fields, and a full page where it has one; return the statements it sent."""
    given = await world.fields(name)
    if any(field.name == "limit" for field in fields(REGISTRY[name].command)):
        given["limit"] = 100
    with statements() as seen:
        await world.send(name, given)
    return seen


@pytest.mark.parametrize("name", EVERY)
async def test_a_use_case_keeps_to_its_budget_however_many_rows_there_are(name: str, places: Places) -> None:
    """With ten thousand rows it sends as many statements as with ten, and at most what it declares."""
    few, many = await sent(places.few, name), await sent(places.many, name)
    budget = REGISTRY[name].statements
    assert len(many) == len(few), "\n".join(many)
    assert budget or not few, f"{name} declares no budget; measured: statements={len(few)}"
    assert len(few) <= budget, f"{name} sent {len(few)} statements of {budget}:\n" + "\n".join(few)


JOURNAL_OF_SQLITE = 2
"""What PostgreSQL writes in one statement at the end of a commit, events, audit entries and answer, is up to three."""


@pytest.mark.parametrize("name", EVERY)
async def test_a_budget_holds_on_both_engines(name: str, world: World) -> None:
    """On SQLite, a run sends as many statements as it declares, and the journal's."""
    seen = await sent(world, name)
    budget = REGISTRY[name].statements + (0 if world.stack.urls.is_postgres else JOURNAL_OF_SQLITE)
    assert len(seen) <= budget, f"{name} sent {len(seen)} statements of {budget}:\n" + "\n".join(seen)


def test_the_crowd_is_one(places: Places) -> None:
    """The large organization really has ten thousand rows of every table that it has any rows of."""
    small = {name for name, count in places.rows.items() if 0 < count < MANY}
    assert small <= ONE_OF_A_KIND


async def test_a_loop_over_rows_would_be_seen(places: Places) -> None:
    """A handler that asks again for each row sends more statements where there are more rows, and is counted so."""
    counted = []
    for world in (places.few, places.many):
        async with unit(world.stack, world.actor, read_only=True) as uow:
            with statements() as seen:
                for customer in await uow.customers.find(Everything(), limit=100):
                    await uow.payment_methods.of_customer(customer.id)
        counted.append(len(seen))
    assert counted[0] < counted[1] == 1 + 100
