"""Links of before count failed orders no more, and going back counts as many of them as there is room for."""

from infrastructure.persistence import migrations
from tests.support.databases import TestDatabases
from tests.support.shop import Shop
from tests.support.stack import open_stack


async def test_uses_are_counted_again_both_ways(engine: str, test_databases: TestDatabases) -> None:
    """One order pending and two failed of three are three uses before and one afterwards; with room for two, two."""
    async with open_stack(test_databases.make(engine)) as stack:
        for max_uses, before in ((3, 3), (2, 2), (None, 3)):
            shop = await Shop.open(stack, max_uses=max_uses)
            for _ in range(2):
                await shop.sale("decline")
            await shop.order()
            await migrations.downgrade(stack.urls.superuser, "0012")
            assert await _uses(shop) == before
            await migrations.upgrade(stack.urls.superuser)
            # What was sold again before going back cannot be told apart from what failed.
            assert await _uses(shop) == max(before - 2, 0)


async def _uses(shop: Shop) -> object:
    return (await shop.run("payment_links.get", id=shop.link["id"]))["uses"]
