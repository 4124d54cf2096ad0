"""Products by categories, tags and prices, and prices by everything they are."""

from typing import Any, cast

import pytest

from application.kernel.actor import Actor
from domain.catalog import product as product_module
from domain.shared.errors import StoaError
from tests.support.crowd import statements
from tests.support.stack import Body, Stack
from tests.support.use_cases import REGISTRY

type Rows = list[Body]


async def names(stack: Stack, actor: Actor, **asked: Any) -> list[str]:  # reason: whatever a list can be asked
    """Return the names of the products that a list answers with, sorted."""
    listed = await stack.run("products.list", actor, **asked)
    return sorted(str(product["name"]) for product in cast("Rows", listed["data"]))


def euros(minor: int) -> dict[str, object]:
    """Return an amount of money."""
    return {"amount": minor, "currency": "EUR"}


async def refused(stack: Stack, name: str, actor: Actor, /, **fields: Any) -> str:  # reason: as above
    """Return the code with which a use-case refuses."""
    with pytest.raises(StoaError) as error:
        await stack.run(name, actor, **fields)
    return error.value.code


async def test_products_are_found_by_category_tags_and_price(stack: Stack) -> None:
    """Criteria combine; another organization's products with the same labels are nowhere."""
    actor, rival = await stack.organization(), await stack.organization()
    espresso = await stack.run(
        "products.create", actor, name="Espresso", sku="esp-1", category="Coffee", tags=["Beans", "dark  roast"],
        metadata={"origin": "Huila"},
    )  # fmt: skip
    filters = await stack.run("products.create", actor, name="Filter", category="coffee", tags=["beans", "light"])
    await stack.run("products.create", actor, name="Oolong", category="tea", tags=["leaves"])
    await stack.run("products.create", rival, name="Rival", category="coffee", tags=["beans"])
    await stack.run("prices.create", actor, product_id=espresso["id"], unit_amount=euros(1250))
    await stack.run("prices.create", actor, product_id=filters["id"], unit_amount=euros(990))

    assert espresso["tags"] == ["beans", "dark roast"]
    assert await names(stack, actor, category=" COFFEE ") == ["Espresso", "Filter"]
    assert await names(stack, actor, tags=["dark roast", "leaves"]) == ["Espresso", "Oolong"]
    assert await names(stack, actor, tags=["BEANS", "light"], match_all=True) == ["Filter"]
    assert await names(stack, actor, currency="EUR") == ["Espresso", "Filter"]
    assert await names(stack, actor, currency="EUR", min_amount=1000) == ["Espresso"]
    assert await names(stack, actor, currency="EUR", max_amount=1249, category="coffee") == ["Filter"]
    assert await names(stack, actor, currency="USD") == []
    assert await names(stack, actor, metadata_key="origin") == ["Espresso"]
    assert await names(stack, actor, metadata_key="origin", metadata_value="Nariño") == []
    assert await names(stack, actor, text="esp-") == ["Espresso"]
    categories = cast("Rows", (await stack.run("products.get_categories", actor))["data"])
    assert categories == [{"name": "coffee", "products": 2}, {"name": "tea", "products": 1}]
    tags = cast("Rows", (await stack.run("products.get_all_tags", actor))["data"])
    assert tags[0] == {"name": "beans", "products": 2}
    assert await refused(stack, "products.list", actor, min_amount=1) == "currency_needed"
    assert await refused(stack, "products.list", actor, currency="eur") == "currency_invalid"


async def test_a_search_by_price_is_paged_and_counted(stack: Stack) -> None:
    """Cursor and total belong to the whole question: with other prices asked for, the cursor is none."""
    actor = await stack.organization()
    for n in range(3):
        product = await stack.run("products.create", actor, name=f"Blend {n}")
        for minor in (900, 1100):
            await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(minor))
    asked: dict[str, Any] = {"currency": "EUR", "min_amount": 800, "limit": 2, "include_total": True}
    first = await stack.run("products.list", actor, **asked)
    rest = await stack.run("products.list", actor, **asked, cursor=first["next_cursor"])
    found = [product["name"] for page in (first, rest) for product in cast("Rows", page["data"])]
    assert (sorted(map(str, found)), first["total"]) == (["Blend 0", "Blend 1", "Blend 2"], 3)
    other: dict[str, Any] = {**asked, "min_amount": 801, "cursor": first["next_cursor"]}
    assert await refused(stack, "products.list", actor, **other) == "cursor_invalid"


async def test_the_archive_is_a_shelf_of_its_own(stack: Stack) -> None:
    """What is archived is found there, with its prices, and counts in no category and no tag."""
    actor = await stack.organization()
    kept = await stack.run("products.create", actor, name="Kept", category="coffee", tags=["beans"])
    gone = await stack.run("products.create", actor, name="Gone", category="coffee", tags=["beans", "rare"])
    for product in (kept, gone):
        await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(500))
    await stack.run("products.archive", actor, id=gone["id"])

    assert await names(stack, actor, tags=["beans"]) == ["Kept"]
    assert await names(stack, actor, tags=["beans"], shelf="archived") == ["Gone"]
    assert await names(stack, actor, tags=["beans"], shelf="any") == ["Gone", "Kept"]
    assert await names(stack, actor, currency="EUR", shelf="any") == ["Kept"]
    archived = cast("Rows", (await stack.run("prices.list", actor, shelf="archived"))["data"])
    assert [price["product_id"] for price in archived] == [gone["id"]]
    assert (await stack.run("products.get_categories", actor))["data"] == [{"name": "coffee", "products": 1}]
    assert (await stack.run("products.get_all_tags", actor))["data"] == [{"name": "beans", "products": 1}]
    await stack.run("products.restore", actor, id=gone["id"])
    tags = (await stack.run("products.get_all_tags", actor))["data"]
    assert tags == [{"name": "beans", "products": 2}, {"name": "rare", "products": 1}]
    assert (await stack.run("products.get_all_tags", actor, limit=1))["data"] == [{"name": "beans", "products": 2}]


async def test_changed_tags_are_found_and_the_old_ones_are_not(stack: Stack) -> None:
    """The list on the product and what it is found by never differ."""
    actor = await stack.organization()
    product = await stack.run("products.create", actor, name="Espresso", tags=["beans", "dark"])
    changed = await stack.run("products.update", actor, id=product["id"], expected_version=1, tags=["DARK", "new"])
    assert changed["tags"] == ["dark", "new"]
    assert await names(stack, actor, tags=["beans"]) == []
    assert await names(stack, actor, tags=["dark", "new"], match_all=True) == ["Espresso"]
    await stack.run("products.update", actor, id=product["id"], expected_version=2, tags=[])
    assert await names(stack, actor, tags=["dark"]) == []
    twenty = [f"tag {n}" for n in range(20)]
    assert (
        len(
            cast(
                "list[str]",
                (await stack.run("products.create", actor, name="Twenty", tags=[*twenty, "TAG  1"]))["tags"],
            )
        )
        == 20
    )
    assert await refused(stack, "products.create", actor, name="More", tags=[*twenty, "other"]) == "too_many_tags"


async def test_a_product_comes_with_its_prices_and_a_price_with_its_product(stack: Stack) -> None:
    """Only those on sale, oldest first."""
    actor = await stack.organization()
    product = await stack.run("products.create", actor, name="Espresso")
    old, dropped, new = [
        await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(minor))
        for minor in (1250, 1, 990)
    ]
    await stack.run("prices.archive", actor, id=dropped["id"])
    whole = await stack.run("products.get_with_prices", actor, id=product["id"])
    assert [price["id"] for price in cast("Rows", whole["prices"])] == [old["id"], new["id"]]
    assert cast("Body", whole["product"])["version"] == 5
    both = await stack.run("prices.get_with_product", actor, id=new["id"])
    assert (cast("Body", both["price"])["id"], cast("Body", both["product"])["id"]) == (new["id"], product["id"])
    assert await refused(stack, "prices.get_with_product", actor, id=dropped["id"]) == "not_found"


async def test_prices_are_found_by_what_they_are(stack: Stack) -> None:
    """Type, model, interval, amount, quantity, nickname and metadata combine."""
    actor = await stack.organization()
    product = await stack.run("products.create", actor, name="Espresso")

    async def create(**terms: Any) -> object:  # reason: as above
        return (await stack.run("prices.create", actor, product_id=product["id"], **terms))["id"]

    once = await create(unit_amount=euros(1250), nickname="Spring", metadata={"campaign": "may"})
    many = await create(unit_amount=euros(990), min_quantity=10)
    monthly = await create(unit_amount=euros(2500), interval="month")
    tiered = await create(model="volume", tiers=[{"unit_amount": euros(800)}])

    async def found(**asked: Any) -> set[object]:  # reason: as above
        return {price["id"] for price in cast("Rows", (await stack.run("prices.list", actor, **asked))["data"])}

    assert await found(type="recurring") == {monthly}
    assert await found(interval="year") == set()
    assert await found(model="volume") == {tiered}
    assert await found(quantity=9) == {once, monthly, tiered}
    assert await found(currency="EUR", max_amount=1250) == {once, many}
    assert await found(text="spring") == await found(metadata_key="campaign", metadata_value="may") == {once}
    summary = cast("Rows", (await stack.run("prices.get_summary_by_currency", actor))["data"])
    assert summary == [
        {
            "currency": "EUR", "prices": 4, "recurring": 1, "tiered": 1, "lowest": euros(990), "highest": euros(2500),
        }
    ]  # fmt: skip
    assert (await stack.run("prices.get_summary_by_currency", await stack.organization()))["data"] == []


async def test_the_best_price_is_the_cheapest_for_the_quantity(stack: Stack) -> None:
    """Among prices per unit and tiered ones alike, in the currency that was asked for."""
    actor = await stack.organization()
    product = await stack.run("products.create", actor, name="Espresso")
    single = await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(1000))
    tiers = [{"up_to": 10, "unit_amount": euros(1200)}, {"unit_amount": euros(700)}]
    tiered = await stack.run("prices.create", actor, product_id=product["id"], model="volume", tiers=tiers)
    asked: dict[str, Any] = {"product_id": product["id"], "currency": "EUR"}
    few = await stack.run("prices.best", actor, **asked, quantity=10)
    many = await stack.run("prices.best", actor, **asked, quantity=11)
    assert (few["id"], few["total"]) == (single["id"], euros(10_000))
    assert (many["id"], many["total"]) == (tiered["id"], euros(7700))
    assert await refused(stack, "prices.best", actor, **{**asked, "currency": "USD"}) == "price_not_offered"
    assert await refused(stack, "prices.best", actor, **{**asked, "currency": "usd"}) == "currency_invalid"


@pytest.mark.parametrize(
    ("tiers", "code"),
    [
        ([], "tiers_missing"),
        ([{"up_to": 10, "unit_amount": euros(5)}], "tiers_gap"),
        ([{"up_to": 10, "unit_amount": euros(5)}, {"up_to": 10, "unit_amount": euros(4)}], "tiers_overlap"),
        ([{"up_to": 10, "unit_amount": euros(5)}, {"up_to": 9, "unit_amount": euros(4)}], "tiers_descending"),
        ([{"unit_amount": euros(5)}, {"up_to": 9, "unit_amount": euros(4)}], "tiers_unbounded"),
        ([{"unit_amount": euros(5), "flat_amount": {"amount": 1, "currency": "USD"}}], "tiers_currency_mixed"),
        ([{"unit_amount": euros(0)}], "tiers_free"),
        ([{"unit_amount": euros(-1)}], "amount_invalid"),
    ],
)
async def test_tiers_with_a_mistake_are_refused_by_its_name(stack: Stack, tiers: list[object], code: str) -> None:
    """Creating, duplicating and validating refuse alike."""
    actor = await stack.organization()
    product = await stack.run("products.create", actor, name="Espresso")
    price = await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(5))
    model: dict[str, Any] = {"model": "graduated", "tiers": tiers}
    assert await refused(stack, "prices.validate_tiers", actor, **model, quantities=[1]) == code
    assert await refused(stack, "prices.create", actor, product_id=product["id"], **model) == code
    assert await refused(stack, "prices.duplicate", actor, id=price["id"], **model, unit_amount=None) == code


async def test_tiers_are_tried_on_quantities_before_they_are_sold(stack: Stack) -> None:
    """What validating says is what a price with these tiers then costs, and validating stores nothing."""
    actor = await stack.organization()
    tiers = [
        {"up_to": 10, "unit_amount": euros(1250)},
        {"unit_amount": euros(990), "flat_amount": euros(500)},
    ]
    tried = await stack.run(
        "prices.validate_tiers", actor, model="graduated", tiers=tiers, quantities=[1, 10, 11, 1_000_000]
    )
    assert [each["total"] for each in cast("Rows", tried["totals"])] == [
        euros(1250), euros(12_500), euros(12_500 + 500 + 990), euros(12_500 + 500 + 999_990 * 990),
    ]  # fmt: skip
    assert (await stack.run("prices.list", actor))["data"] == []
    product = await stack.run("products.create", actor, name="Espresso")
    price = await stack.run("prices.create", actor, product_id=product["id"], model="graduated", tiers=tiers)
    stored = await stack.run("prices.get", actor, id=price["id"])
    first, last = cast("Rows", stored["tiers"])
    assert first == {"up_to": 10, "unit_amount": euros(1250), "flat_amount": None}
    assert last == {"up_to": None, "unit_amount": euros(990), "flat_amount": euros(500)}
    best = await stack.run("prices.best", actor, product_id=product["id"], currency="EUR", quantity=11)
    assert best["total"] == euros(13_990)


async def test_a_duplicate_differs_in_what_was_said_and_archives_nothing(stack: Stack) -> None:
    """Both prices are on sale, and the product tells that it has a new one."""
    actor = await stack.organization()
    product = await stack.run("products.create", actor, name="Espresso")
    terms: dict[str, Any] = {
        "interval": "month",
        "interval_count": 3,
        "trial_days": 14,
        "min_quantity": 2,
        "nickname": "Quarterly",
    }
    original = await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(1250), **terms)
    copy = await stack.run(
        "prices.duplicate", actor, id=original["id"], unit_amount=euros(1350), trial_days=0, nickname=None
    )
    differing = {name for name in copy if copy[name] != original[name]}
    assert differing == {"id", "unit_amount", "trial_days", "nickname", "created_at", "updated_at"}
    assert len(cast("Rows", (await stack.run("prices.list", actor))["data"])) == 2
    assert (await stack.run("products.get", actor, id=product["id"]))["version"] == 3
    once: dict[str, Any] = {"interval": None, "interval_count": None, "trial_days": 0}
    assert (await stack.run("prices.duplicate", actor, id=original["id"], **once))["type"] == "one_time"
    await stack.run("prices.archive", actor, id=original["id"])
    assert await refused(stack, "prices.duplicate", actor, id=original["id"]) == "not_found"


async def test_a_product_has_two_hundred_prices_on_sale_at_most(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archived ones do not count, nor do another product's; a duplicate does."""
    monkeypatch.setattr(product_module, "MAX_PRICES", 2)
    actor = await stack.organization()
    product, other = [await stack.run("products.create", actor, name=name) for name in ("Espresso", "Filter")]
    asked: dict[str, object] = {"product_id": product["id"], "unit_amount": euros(1250)}
    first = await stack.run("prices.create", actor, **asked)
    await stack.run("prices.create", actor, product_id=other["id"], unit_amount=euros(990))
    await stack.run("prices.duplicate", actor, id=first["id"])
    assert await refused(stack, "prices.create", actor, **asked) == "price_limit"
    assert await refused(stack, "prices.duplicate", actor, id=first["id"]) == "price_limit"
    await stack.run("prices.archive", actor, id=first["id"])
    await stack.run("prices.create", actor, **asked)


async def test_an_archived_product_takes_any_number_of_prices_along_within_its_budget(stack: Stack) -> None:
    """Four prices are the most that are written one by one on PostgreSQL; SQLite writes every one so."""
    actor = await stack.organization()
    counts = []
    for prices in (4, 5, 20):
        product = await stack.run("products.create", actor, name="Espresso")
        for n in range(prices):
            await stack.run("prices.create", actor, product_id=product["id"], unit_amount=euros(1000 + n))
        for name in ("products.archive", "products.restore"):
            with statements() as seen:
                await stack.run_once(f"{name} {prices}", name, actor, id=product["id"])
            counts.append((name, len(seen), REGISTRY[name].statements))
    if stack.urls.is_postgres:
        assert all(sent <= budget for _, sent, budget in counts), counts
