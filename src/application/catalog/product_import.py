"""Importing products."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.catalog.products import CreateProduct
from application.kernel.actor import Scope
from application.kernel.imports import MAX_ROWS, Checked, ImportCommand, ImportView, import_rows
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.catalog.product import Product, SkuTaken
from domain.shared.ids import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProducts(ImportCommand):
    """Products as `products.create` takes them, and what a bad row means for the good ones."""

    rows: Annotated[list[Checked[CreateProduct]], Len(1, MAX_ROWS)]


@use_case(
    "products.import",
    scope=Scope.PRODUCTS_WRITE,
    example={"rows": [{"name": "Filter blend, 1 kg", "tags": ["beans"]}], "on_error": "skip"},
    statements=6,
)
async def import_products(cmd: ImportProducts, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ImportView:
    """Create many products at once; a bad row means none (`abort`) or all the others (`skip`).

    On the command line `stoa run products.import --json @FILE` takes a JSON array or JSON Lines of any length.

    Errors: `rows_refused` names each bad row; per row those of `products.create`.
    """

    def make(row: CreateProduct) -> Product:
        return Product.create(
            id=ProductId(ids.new()), organization_id=uow.actor.organization_id, name=row.name, sku=row.sku,
            description=row.description, category=row.category, tags=row.tags, metadata=row.metadata, now=clock.now(),
        )  # fmt: skip

    return await import_rows(cmd, cmd.rows, uow.products, make, {"sku": SkuTaken})
