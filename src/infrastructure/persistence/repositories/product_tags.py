"""Keeping the table of tags as the products' own lists are."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Executable, Table, bindparam, delete

from domain.catalog.product import Product
from infrastructure.persistence import bulk, tenancy
from infrastructure.persistence.models.catalog import ProductTagRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf

_TAGS = cast("Table", ProductTagRow.__table__)
_COLUMNS = ("organization_id", "id", "product_id", "tag")


async def insert(session: Session, products: Sequence[Product]) -> None:
    """Insert the tags of products that have none there yet, in one statement for all of them."""
    rows = [(session.organization_id, session.ids.new(), each.id, tag) for each in products for tag in set(each.tags)]
    if rows:
        await bulk.insert(session, _TAGS, _COLUMNS, rows)


async def replace(session: Session, products: Sequence[Product]) -> None:
    """Put the present tags of products in the place of their former ones, in two statements for all of them."""
    if products:
        statement = session.prepare("product-tags-clear", _clear)
        await session.rows(statement, {"products": [product.id for product in products]})
        await insert(session, products)


def _clear() -> Executable:
    return delete(_TAGS).where(
        tenancy.wall(_TAGS), AnyOf(_TAGS.c.product_id, bindparam("products", type_=ListOf(Guid())))
    )
