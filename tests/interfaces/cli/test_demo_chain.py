"""The demo's chapter of chains holds on a real chain, and notices when it does not."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from infrastructure import lifecycle
from infrastructure.demo_chain import DemoChain, demo_chain
from infrastructure.locations import locate
from infrastructure.runtime import Stage
from infrastructure.settings import load_settings
from interfaces.cli import demo_chain as chapter
from interfaces.cli.demo_stage import Step, Tenant, tenant
from interfaces.mcp.main import server_of


@pytest.fixture(scope="module")
def ground() -> Iterator[DemoChain]:
    with demo_chain() as chain:
        yield chain


@pytest.fixture
async def stage(ground: DemoChain, tmp_path: Path) -> AsyncIterator[Stage]:
    """Open everything as the demo does."""
    given = {"STOA_DATABASE_URL": f"sqlite:///{tmp_path}/demo.db", "STOA_DATA_DIR": str(tmp_path)}
    settings = ground.added_to(load_settings(given))
    locations = locate(settings)
    await lifecycle.migrate(settings, locations)
    async with lifecycle.opened(settings, work=True, locations=locations) as container:
        yield Stage(container, ground)


@pytest.fixture
async def shop(stage: Stage) -> Tenant:
    return await tenant(stage, "Harbour Coffee")


async def told(stage: Stage, shop: Tenant) -> list[Step]:
    return [step async for step in chapter.chain_chapter(stage, shop, partial(server_of, stage.container))]


async def test_every_step_holds_and_so_do_books_and_audit(stage: Stage, shop: Tenant) -> None:
    """Told, bought, settled, once; what was written down agrees."""
    steps = await told(stage, shop)
    assert [step.name for step in steps if not step.ok] == []
    assert [step.name for step in steps][-2:] == [
        "the worker settles it on the chain", "the same signature pays nothing else",
    ]  # fmt: skip
    report = await shop.run("books.verify")
    assert (report["ok"], report["orders"]) == (True, 3)
    entries, holds = await stage.seal_and_verify()
    assert (entries > 0, holds) == (True, True)


async def test_a_payment_that_nobody_works_on_does_not_hold(
    stage: Stage, shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chapter believes the chain, not the answer."""

    async def idle(_: Stage) -> int:
        return 0

    monkeypatch.setattr(Stage, "work", idle)
    monkeypatch.setattr(chapter, "_PATIENCE", 2)
    broken = [step.name for step in await told(stage, shop) if not step.ok]
    assert broken == ["the worker settles it on the chain", "the same signature pays nothing else"]


async def test_without_a_chain_the_chapter_is_one_line(stage: Stage, shop: Tenant) -> None:
    """Why is said, and the demo goes on."""
    bare = Stage(stage.container, DemoChain(missing="not installed: eth-tester"))
    assert await told(bare, shop) == [
        Step("payments on a chain are left out", ok=True, detail="not installed: eth-tester")
    ]  # fmt: skip
