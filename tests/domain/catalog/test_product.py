"""Products and their prices."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.catalog.labels import MAX_TAGS, TooManyTags, check_category, check_tags
from domain.catalog.price import Price
from domain.catalog.price_terms import PriceTerms, PriceType, PricingModel
from domain.catalog.product import MAX_PRICES, PriceChange, PriceLimit, Product, ProductPriceUpdatedEvent
from domain.catalog.specifications import (
    CurrencyNeeded,
    amounting,
    offered_for,
    prices_matching,
    prices_of,
    products_matching,
    recurring,
)
from domain.shared.errors import InvalidTransition
from domain.shared.events import Updated
from domain.shared.ids import OrganizationId, PriceId, ProductId
from domain.shared.metadata import InvalidMetadata
from domain.shared.money import InvalidCurrency, Money
from domain.shared.text import InvalidSku, InvalidText

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ORGANIZATION = OrganizationId(UUID(int=1))
PRODUCT = ProductId(UUID(int=2))


def a_product(
    name: str = "Espresso", sku: str | None = "esp-1", metadata: dict[str, object] | None = None,
    category: str | None = None, tags: tuple[str, ...] = (),
) -> Product:  # fmt: skip
    return Product.create(
        id=PRODUCT, organization_id=ORGANIZATION, name=name, sku=sku, category=category, tags=tags,
        metadata=metadata, now=NOW,
    )  # fmt: skip


def a_price(n: int = 3) -> Price:
    return Price.create(
        id=PriceId(UUID(int=n)), organization_id=ORGANIZATION, product_id=PRODUCT,
        terms=PriceTerms(unit_amount=Money.of(1250, "EUR")), nickname="Spring", metadata={"campaign": "may"}, now=NOW,
    )  # fmt: skip


def test_a_product_has_one_spelling_of_its_sku() -> None:
    """Letter case and trailing dots make no second product."""
    assert a_product(sku=" esp-1. ").sku == "ESP-1"
    assert a_product(sku=None).sku is None


def test_a_product_is_not_created_on_bad_values() -> None:
    """SKU and metadata are checked by their own rules."""
    with pytest.raises(InvalidSku):
        a_product(sku="-")
    with pytest.raises(InvalidMetadata):
        a_product(metadata={"cvv": "123"})


def test_editing_names_the_attributes_that_changed() -> None:
    """The event tells which, the audit entry what."""
    product = a_product()
    product.pull_events()
    product.edit(
        NOW, name="Espresso", sku=None, description="Dark", category="Coffee", tags=[], metadata={"origin": "Huila"}
    )
    (recorded,) = product.pull_events()
    assert recorded.event == Updated(changed=["sku", "description", "category", "metadata"])


def test_a_category_and_a_tag_have_one_spelling() -> None:
    """Letter case, white space and composition of characters make no second label, and tags come sorted, each once."""
    product = a_product(category="  Filter   COFFEE ", tags=("Fair Trade", "café", "fair  trade", "CAFE\u0301"))
    assert product.category == "filter coffee"
    assert product.tags == ("café", "fair trade")


@pytest.mark.parametrize("spelling", ["\u0130stanbul", "ΣΊΣΥΦΟΣ", "STRASSE", "\u1e9e", "A\u0328\u0301"])
def test_a_canonical_label_is_its_own_canonical_form(spelling: str) -> None:
    """Lowering can decompose letters, and doing it again changes nothing."""
    once = check_category(spelling)
    assert check_category(once) == once
    assert check_tags([once, spelling]) == (once,)


@pytest.mark.parametrize("tags", [[""], [" "], ["a" * 51], ["<b>"], ["a\x00"]])
def test_a_tag_that_is_none_is_refused(tags: list[str]) -> None:
    """Tags are names: short, visible, without markup."""
    with pytest.raises(InvalidText):
        check_tags(tags)


def test_a_product_has_at_most_twenty_tags() -> None:
    """Repetitions do not count."""
    twenty = [f"tag {n}" for n in range(MAX_TAGS)]
    assert len(check_tags([*twenty, "TAG 1"])) == MAX_TAGS
    with pytest.raises(TooManyTags):
        check_tags([*twenty, "one more"])


def test_changing_prices_is_a_fact_about_the_product() -> None:
    """Every price that is added or archived for itself moves the product's version on; twice archived is once."""
    product, price = a_product(), a_price()
    product.add_price(price, NOW, others=0)
    product.archive_price(price, LATER, "key_1")
    product.archive_price(price, LATER, "key_1")
    events = [recorded.event for recorded in product.pull_events()][1:]
    assert events == [
        ProductPriceUpdatedEvent(price_id=price.id, change=change, currency="EUR")
        for change in (PriceChange.ADDED, PriceChange.ARCHIVED)
    ]
    assert price.archived_at == LATER


def test_a_product_is_on_sale_at_so_many_prices_and_no_more() -> None:
    """The last one still goes; a refused one leaves no trace."""
    product = a_product()
    product.add_price(a_price(), NOW, others=MAX_PRICES - 1)
    version = product.version
    with pytest.raises(PriceLimit):
        product.add_price(a_price(), NOW, others=MAX_PRICES)
    assert product.version == version


def test_archiving_takes_the_prices_along_and_restoring_brings_them_back() -> None:
    """A price archived earlier, for itself, stays archived."""
    product, kept, dropped = a_product(), a_price(n=3), a_price(n=4)
    dropped.delete(NOW, "key_1")
    product.archive([kept, dropped], LATER, "key_1")
    assert product.deleted_at == kept.deleted_at == LATER
    assert dropped.deleted_at == NOW
    product.restore([kept, dropped], LATER)
    assert not product.is_deleted
    assert not kept.is_deleted
    assert dropped.is_deleted


def test_only_an_archived_product_is_restored() -> None:
    """There is nothing to undo otherwise."""
    with pytest.raises(InvalidTransition):
        a_product().restore([], NOW)


def test_products_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing."""
    product = a_product(category="Coffee", tags=("beans", "dark roast"), metadata={"origin": "Huila"})
    assert products_matching().is_satisfied_by(product)
    assert products_matching(text="PRESS", sku="ESP-1", category=" COFFEE ").is_satisfied_by(product)
    assert products_matching(text="esp-", metadata_key="origin").is_satisfied_by(product)
    assert products_matching(metadata_key="origin", metadata_value="Huila").is_satisfied_by(product)
    assert products_matching(since=NOW, until=LATER).is_satisfied_by(product)
    for other in (
        products_matching(text="press", sku="ESP-2"), products_matching(category="tea"),
        products_matching(metadata_key="farm"), products_matching(metadata_key="origin", metadata_value="Nariño"),
        products_matching(since=LATER), products_matching(until=NOW),
    ):  # fmt: skip
        assert not other.is_satisfied_by(product)


def test_products_are_found_by_one_of_several_tags_or_by_all() -> None:
    """Tags are compared in their canonical form."""
    product = a_product(tags=("beans", "dark roast"))
    assert products_matching(tags=["BEANS", "tea"]).is_satisfied_by(product)
    assert not products_matching(tags=["beans", "tea"], match_all=True).is_satisfied_by(product)
    assert products_matching(tags=["beans", "Dark  Roast"], match_all=True).is_satisfied_by(product)
    assert not products_matching(tags=["tea"]).is_satisfied_by(product)
    assert not products_matching(tags=["tea"]).is_satisfied_by(a_product())


def test_prices_are_found_by_what_is_asked() -> None:
    """Bounds belong to ranges of amounts and quantities."""
    price, other = a_price(), ProductId(UUID(int=8))
    assert prices_matching().is_satisfied_by(price)
    assert prices_of(PRODUCT).is_satisfied_by(price)
    assert not prices_matching(product_id=other).is_satisfied_by(price)
    assert prices_matching(text="spr", type=PriceType.ONE_TIME, model=PricingModel.PER_UNIT).is_satisfied_by(price)
    assert prices_matching(metadata_key="campaign", metadata_value="may").is_satisfied_by(price)
    assert not prices_matching(quantity=0).is_satisfied_by(price)
    assert offered_for(1).is_satisfied_by(price)
    assert not recurring().is_satisfied_by(price)
    assert amounting("EUR", 1250, 1250).is_satisfied_by(price)
    assert not amounting("EUR", 1251).is_satisfied_by(price)
    assert not amounting("USD").is_satisfied_by(price)


def test_amounts_are_compared_in_a_currency_only() -> None:
    """A range without a currency would compare euros with yen."""
    with pytest.raises(CurrencyNeeded):
        amounting(None, 1)
    with pytest.raises(InvalidCurrency):
        amounting("eur")
    assert amounting(None).is_satisfied_by(a_price())
