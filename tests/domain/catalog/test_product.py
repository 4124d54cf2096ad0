"""Products and their prices."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.catalog.price import InvalidQuantityRange, Price, PriceArchived, QuantityOutOfRange
from domain.catalog.product import Product
from domain.catalog.specifications import prices_matching, prices_of, products_matching
from domain.shared.errors import InvalidTransition
from domain.shared.events import Updated
from domain.shared.ids import OrganizationId, PriceId, ProductId
from domain.shared.metadata import InvalidMetadata
from domain.shared.money import MAX_MINOR, InvalidAmount, Money
from domain.shared.text import InvalidSku

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ORGANIZATION = OrganizationId(UUID(int=1))
PRODUCT = ProductId(UUID(int=2))


def a_product(name: str = "Espresso", sku: str | None = "esp-1", metadata: dict[str, object] | None = None) -> Product:
    return Product.create(
        id=PRODUCT, organization_id=ORGANIZATION, name=name, sku=sku, metadata=metadata, now=NOW
    )  # fmt: skip


def a_price(minor: int = 1250, min_quantity: int = 1, max_quantity: int | None = None, n: int = 3) -> Price:
    return Price.create(
        id=PriceId(UUID(int=n)),
        organization_id=ORGANIZATION,
        product_id=PRODUCT,
        unit_amount=Money.of(minor, "EUR"),
        min_quantity=min_quantity,
        max_quantity=max_quantity,
        now=NOW,
    )


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
    product.edit(NOW, name="Espresso", sku=None, description="Dark", metadata={"origin": "Huila"})
    (recorded,) = product.pull_events()
    assert recorded.event == Updated(changed=["sku", "description", "metadata"])


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


def test_the_total_is_exact_up_to_the_bounds_of_the_price() -> None:
    """Both ends of the quantity belong to the range."""
    price = a_price(1250, min_quantity=2, max_quantity=4)
    assert [price.total(quantity) for quantity in (2, 4)] == [Money.of(2500, "EUR"), Money.of(5000, "EUR")]


@pytest.mark.parametrize("quantity", [-1, 0, 1, 5])
def test_a_quantity_out_of_range_has_no_total(quantity: int) -> None:
    """The bounds are in the details."""
    with pytest.raises(QuantityOutOfRange) as refused:
        a_price(min_quantity=2, max_quantity=4).total(quantity)
    assert refused.value.details == {"min": 2, "max": 4}


def test_a_total_beyond_64_bits_is_refused() -> None:
    """Nothing wraps around."""
    with pytest.raises(InvalidAmount):
        a_price(MAX_MINOR).total(2)


def test_an_archived_price_sells_nothing() -> None:
    """Not even within its bounds."""
    price = a_price()
    price.delete(NOW, "key_1")
    with pytest.raises(PriceArchived):
        price.total(1)


@pytest.mark.parametrize("minor", [0, -1])
def test_a_price_is_above_zero(minor: int) -> None:
    """Free and negative are no prices."""
    with pytest.raises(InvalidAmount):
        a_price(minor)


@pytest.mark.parametrize(("low", "high"), [(0, None), (3, 2), (1, 1_000_001), (1_000_001, None)])
def test_quantity_bounds_do_not_contradict_each_other(low: int, high: int | None) -> None:
    """At least one, at most a million, and in order."""
    with pytest.raises(InvalidQuantityRange):
        a_price(min_quantity=low, max_quantity=high)


def test_products_and_prices_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing."""
    product, price, other = a_product(), a_price(), ProductId(UUID(int=8))
    assert products_matching().is_satisfied_by(product)
    assert products_matching(text="PRESS", sku="ESP-1").is_satisfied_by(product)
    assert products_matching(text="esp-").is_satisfied_by(product)
    assert not products_matching(text="press", sku="ESP-2").is_satisfied_by(product)
    assert prices_matching().is_satisfied_by(price)
    assert prices_of(PRODUCT).is_satisfied_by(price)
    assert not prices_matching(product_id=other).is_satisfied_by(price)
