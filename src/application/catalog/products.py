"""Products: what the organization sells."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.catalog.labels import CATEGORY, TAG
from domain.catalog.product import Product
from domain.catalog.specifications import prices_of
from domain.shared.ids import ProductId
from domain.shared.text import DESCRIPTION, NAME

Sku = Annotated[str, Len(1, 64)]
Category = Annotated[str, CATEGORY]
Tags = Annotated[list[Annotated[str, TAG]], Len(0, 100)]
"""At most 20 different ones; spellings that differ in letter case or white space only are one tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView(View[Product]):
    """A product."""

    id: ProductId
    version: int
    name: str
    sku: str | None
    description: str
    category: str | None
    tags: list[str]
    metadata: dict[str, str | int | bool]
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProduct:
    """A product to sell. The SKU is unique among the products on sale; category and tags are kept in lower case."""

    name: Annotated[str, NAME]
    sku: Sku | None = None
    description: Annotated[str, DESCRIPTION] = ""
    category: Category | None = None
    tags: Tags = field(default_factory=list)
    metadata: dict[str, str | int | bool] = field(default_factory=dict)


@use_case(
    "products.create",
    scope=Scope.PRODUCTS_WRITE,
    statements=6,
    example={
        "name": "Espresso blend, 1 kg",
        "sku": "ESP-1000",
        "description": "Dark roast, whole beans.",
        "category": "coffee",
        "tags": ["beans", "dark roast"],
        "metadata": {"origin": "Huila"},
    },
)
async def create_product(cmd: CreateProduct, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ProductView:
    """Create a product. It can be sold once it has a price.

    Errors: `sku_taken`, `sku_invalid`, `text_invalid`, `too_many_tags`, `metadata_invalid`.
    """
    product = Product.create(
        id=ProductId(ids.new()),
        organization_id=uow.actor.organization_id,
        name=cmd.name,
        sku=cmd.sku,
        description=cmd.description,
        category=cmd.category,
        tags=cmd.tags,
        metadata=cmd.metadata,
        now=clock.now(),
    )
    uow.products.add(product)
    return ProductView.of(product)


get_use_case(
    "products.get", lambda uow: uow.products, ProductView, "Return one product that is not archived.",
    scope=Scope.PRODUCTS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProduct:
    """New values for what is mentioned; the rest stays."""

    id: ProductId
    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    sku: Maybe[Sku | None] = UNSET
    description: Maybe[Annotated[str, DESCRIPTION]] = UNSET
    category: Maybe[Category | None] = UNSET
    tags: Maybe[Tags] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "products.update",
    scope=Scope.PRODUCTS_WRITE,
    statements=8,
    example={
        "expected_version": 1,
        "name": "Espresso blend, 1 kg bag",
        "description": "Dark roast.",
        "tags": ["beans", "bestseller"],
    },
)
async def update_product(cmd: UpdateProduct, uow: IUnitOfWork, *, clock: IClock) -> ProductView:
    """Change a product; fields left out stay as they are, tags and metadata are replaced as a whole.

    Errors: `not_found`, `version_stale`, `sku_taken`, `sku_invalid`, `text_invalid`, `too_many_tags`,
    `metadata_invalid`.
    """
    product = await uow.products.get(cmd.id)
    product.expect_version(cmd.expected_version)
    product.edit(
        clock.now(),
        name=given(cmd.name, product.name),
        sku=given(cmd.sku, product.sku),
        description=given(cmd.description, product.description),
        category=given(cmd.category, product.category),
        tags=given(cmd.tags, list(product.tags)),
        metadata=given(cmd.metadata, product.metadata),
    )
    return ProductView.of(product)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveProduct:
    """Which product, and optionally the version the caller read."""

    id: ProductId
    expected_version: Version | None = None


# Of up to four prices each is a statement, more are one: here and in restoring, on PostgreSQL. SQLite sends each.
@use_case("products.archive", scope=Scope.PRODUCTS_WRITE, example={}, destructive=True, statements=11)
async def archive_product(cmd: ArchiveProduct, uow: IUnitOfWork, *, clock: IClock) -> ProductView:
    """Take a product off sale together with its prices; its payment links stop selling. It can be restored.

    Errors: `not_found`, `version_stale`.
    """
    product = await uow.products.get(cmd.id, lock=True)
    product.expect_version(cmd.expected_version)
    product.archive(await uow.prices.find(prices_of(product.id)), clock.now(), uow.actor.id)
    return ProductView.of(product)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreProduct:
    """Which product, and optionally the version the caller read."""

    id: ProductId
    expected_version: Version | None = None


@use_case("products.restore", scope=Scope.PRODUCTS_WRITE, example={}, statements=11)
async def restore_product(cmd: RestoreProduct, uow: IUnitOfWork, *, clock: IClock) -> ProductView:
    """Put an archived product back on sale, with the prices that were archived together with it.

    Errors: `not_found`, `version_stale`, `transition_invalid` when it is not archived, `sku_taken` when another
    product took its SKU meanwhile.
    """
    product = await uow.products.get(cmd.id, lock=True, with_deleted=True)
    product.expect_version(cmd.expected_version)
    product.restore(await uow.prices.archived_with(product.id, product.deleted_at), clock.now())
    return ProductView.of(product)
