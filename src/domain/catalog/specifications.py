"""Questions about what is sold."""

from collections.abc import Collection
from datetime import datetime
from functools import reduce
from operator import and_, or_

from domain.catalog.labels import check_category, check_tags
from domain.catalog.price import Price
from domain.catalog.price_terms import BillingInterval, PriceType, PricingModel
from domain.catalog.product import Product
from domain.shared.errors import ValidationError
from domain.shared.ids import ProductId
from domain.shared.money import Money
from domain.shared.specification import (
    Contains,
    Equal,
    Everything,
    GreaterOrEqual,
    IsNull,
    JsonContains,
    LessOrEqual,
    LessThan,
    Spec,
)
from domain.shared.specification_fields import JsonHas
from domain.shared.text import check_sku


class CurrencyNeeded(ValidationError):
    """Amounts can be compared in one currency only."""

    code = "currency_needed"
    summary = "A range of amounts needs a currency."


def bearing(tags: Collection[str], *, match_all: bool) -> Spec[Product]:
    """Products with one of the tags, or with all of them; no tags exclude nothing.

    Raises:
        InvalidText, TooManyTags: the tags are none.
    """
    wanted: list[Spec[Product]] = [JsonHas("tags", tag) for tag in check_tags(tags)]
    return reduce(and_ if match_all else or_, wanted) if wanted else Everything()


def in_category(category: str) -> Spec[Product]:
    """Products of a category, in whatever spelling it is asked for.

    Raises:
        InvalidText: it is none.
    """
    return Equal("category", check_category(category))


def products_matching(
    *,
    text: str | None = None,
    sku: str | None = None,
    category: str | None = None,
    tags: Collection[str] = (),
    match_all: bool = False,
    metadata_key: str | None = None,
    metadata_value: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Spec[Product]:
    """Products whose name or SKU contains ``text``, and whose other attributes are those given.

    Raises:
        InvalidSku: ``sku`` is none, in whatever spelling.
        InvalidText, TooManyTags: category or tags are none.
    """
    found: Spec[Product] = bearing(tags, match_all=match_all) & _annotated(metadata_key, metadata_value)
    found &= _created(since, until)
    if text is not None:
        found &= Contains("name", text) | Contains("sku", text)
    if category is not None:
        found &= in_category(category)
    return found if sku is None else found & Equal("sku", check_sku(sku))


def prices_of(product_id: ProductId) -> Spec[Price]:
    """The prices of one product."""
    return Equal("product_id", product_id)


def recurring() -> Spec[Price]:
    """Prices that are due every period."""
    return Equal("type", PriceType.RECURRING)


def offered_for(quantity: int) -> Spec[Price]:
    """Prices whose bounds let so many units be bought."""
    enough: Spec[Price] = LessOrEqual("min_quantity", quantity)
    return enough & (IsNull("max_quantity") | GreaterOrEqual("max_quantity", quantity))


def amounting(currency: str | None, at_least: int | None = None, at_most: int | None = None) -> Spec[Price]:
    """Prices in a currency whose amount per unit, in minor units, lies between two bounds that belong to the range.

    Tiered prices have no amount per unit, so that no range holds them.

    Raises:
        InvalidCurrency: the currency is none.
        CurrencyNeeded: a bound is given without a currency.
    """
    if currency is None:
        if (at_least, at_most) != (None, None):
            raise CurrencyNeeded(path="currency")
        return Everything()
    found: Spec[Price] = Equal("currency", Money.zero(currency).currency)
    if at_least is not None:
        found &= GreaterOrEqual("unit_amount.minor", at_least)
    return found if at_most is None else found & LessOrEqual("unit_amount.minor", at_most)


def prices_matching(
    *,
    product_id: ProductId | None = None,
    text: str | None = None,
    type: PriceType | None = None,
    model: PricingModel | None = None,
    interval: BillingInterval | None = None,
    quantity: int | None = None,
    metadata_key: str | None = None,
    metadata_value: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Spec[Price]:
    """Prices whose nickname contains ``text``, which are offered for ``quantity``, and are otherwise as given."""
    found: Spec[Price] = _annotated(metadata_key, metadata_value) & _created(since, until)
    for name, value in {"product_id": product_id, "type": type, "model": model, "interval": interval}.items():
        if value is not None:
            found &= Equal(name, value)
    if text is not None:
        found &= Contains("nickname", text)
    return found if quantity is None else found & offered_for(quantity)


def _annotated(key: str | None, value: str | None) -> Spec[object]:
    if key is None:
        return Everything()
    return JsonHas("metadata", key) if value is None else JsonContains("metadata", {key: value})


def _created(since: datetime | None, until: datetime | None) -> Spec[object]:
    found: Spec[object] = Everything() if since is None else GreaterOrEqual("created_at", since)
    return found if until is None else found & LessThan("created_at", until)
