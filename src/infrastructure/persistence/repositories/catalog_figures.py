"""Statements that count in the catalog: one each, of one tenant."""

from typing import cast

from sqlalchemy import Executable, Integer, Table, bindparam, func, select

from infrastructure.persistence import tenancy
from infrastructure.persistence.models.catalog import PriceRow, ProductRow, ProductTagRow

_PRODUCTS = cast("Table", ProductRow.__table__)
_TAGS = cast("Table", ProductTagRow.__table__)
_PRICES = cast("Table", PriceRow.__table__)


def categories() -> Executable:
    """Select category and number of products, the largest first."""
    category = _PRODUCTS.c.category
    return (
        select(category, func.count())
        .where(tenancy.wall(_PRODUCTS), _PRODUCTS.c.deleted_at.is_(None), category.is_not(None))
        .group_by(category)
        .order_by(func.count().desc(), category)
        .limit(bindparam("limit", type_=Integer()))
    )


def tags() -> Executable:
    """Select tag and number of products, the largest first."""
    of_product = (_TAGS.c.organization_id == _PRODUCTS.c.organization_id) & (_TAGS.c.product_id == _PRODUCTS.c.id)
    return (
        select(_TAGS.c.tag, func.count())
        .select_from(_TAGS.join(_PRODUCTS, of_product))
        .where(tenancy.wall(_TAGS), tenancy.wall(_PRODUCTS), _PRODUCTS.c.deleted_at.is_(None))
        .group_by(_TAGS.c.tag)
        .order_by(func.count().desc(), _TAGS.c.tag)
        .limit(bindparam("limit", type_=Integer()))
    )


def summary() -> Executable:
    """Select currency, number of prices, of recurring and of tiered ones, lowest and highest amount per unit."""
    amount = _PRICES.c.unit_amount_minor
    return (
        select(
            _PRICES.c.currency, func.count(), func.count(_PRICES.c.interval), func.count() - func.count(amount),
            func.min(amount), func.max(amount),
        )
        .where(tenancy.wall(_PRICES), _PRICES.c.deleted_at.is_(None))
        .group_by(_PRICES.c.currency)
        .order_by(_PRICES.c.currency)
    )  # fmt: skip
