"""A product: something that can be sold."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.catalog.labels import check_category, check_tags
from domain.catalog.price import Price
from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, PriceId, ProductId
from domain.shared.metadata import check_metadata
from domain.shared.text import DESCRIPTION, NAME, check_sku

MAX_PRICES = 200
"""At how many prices a product may be on sale at a time: all of them are read when it is archived or shown."""


class SkuTaken(DuplicateError):
    """Another product of the organization has this stock keeping unit."""

    code = "sku_taken"
    summary = "Another product has this SKU."


class PriceLimit(BusinessRuleViolation):
    """The product is on sale at as many prices as it can be."""

    code = "price_limit"
    summary = f"A product is on sale at {MAX_PRICES} prices at most; archive those that nobody needs."


@frozen(kw_only=True)
class ProductCreatedEvent(DomainEvent):
    """There is something new to sell."""

    verb: ClassVar[str] = "created"
    name: str


class PriceChange(StrEnum):
    """What happened to the offer."""

    ADDED = "added"
    ARCHIVED = "archived"


@frozen(kw_only=True)
class ProductPriceUpdatedEvent(DomainEvent):
    """The product is sold at another price than before: one was added, or archived for itself."""

    verb: ClassVar[str] = "price_updated"
    price_id: PriceId
    change: PriceChange
    currency: str


@define(kw_only=True, eq=False)
class Product(SoftDeletable):
    """Something that can be sold, at one or more prices."""

    kind: ClassVar[str] = "product"

    id: ProductId
    name: str
    sku: str | None
    description: str
    category: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str | int | bool] = field(factory=dict)

    @property
    def archived_at(self) -> datetime | None:
        """When it was taken off sale, or None."""
        return self.deleted_at

    @classmethod
    def create(
        cls,
        *,
        id: ProductId,
        organization_id: OrganizationId,
        name: str,
        sku: str | None = None,
        description: str = "",
        category: str | None = None,
        tags: Collection[str] = (),
        metadata: Mapping[str, object] | None = None,
        now: datetime,
    ) -> Self:
        """Put something up for sale.

        Raises:
            InvalidText: name, description, category or a tag is not acceptable.
            InvalidSku: the SKU is not acceptable.
            TooManyTags: there are more than 20 tags.
            InvalidMetadata: the metadata is not acceptable.
        """
        product = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            sku=_canonical(sku),
            description=DESCRIPTION.check(description),
            category=_category(category),
            tags=check_tags(tags),
            metadata=check_metadata(metadata or {}),
        )
        product.record(ProductCreatedEvent(name=product.name), now)
        return product

    def edit(
        self,
        now: datetime,
        *,
        name: str,
        sku: str | None,
        description: str,
        category: str | None,
        tags: Collection[str],
        metadata: Mapping[str, object],
    ) -> None:
        """Describe the product anew; the errors are those of :meth:`create`."""
        self.amend(
            now,
            name=NAME.check(name),
            sku=_canonical(sku),
            description=DESCRIPTION.check(description),
            category=_category(category),
            tags=check_tags(tags),
            metadata=check_metadata(metadata),
        )

    def add_price(self, price: Price, now: datetime, *, others: int) -> None:
        """Note that the product is now also sold at this price, beside so many others.

        Raises:
            PriceLimit: there are enough of them.
        """
        if others >= MAX_PRICES:
            raise PriceLimit
        self._price_changed(price, PriceChange.ADDED, now)

    def archive_price(self, price: Price, now: datetime, by: str) -> None:
        """Take one price off sale; doing it twice changes nothing."""
        if not price.is_deleted:
            price.delete(now, by)
            self._price_changed(price, PriceChange.ARCHIVED, now)

    def archive(self, prices: Iterable[Price], now: datetime, by: str) -> None:
        """Take the product off sale, together with its prices, which bear the same ``deleted_at``."""
        for price in prices:
            price.delete(now, by)
        self.delete(now, by)

    def restore(self, prices: Iterable[Price], now: datetime) -> None:
        """Undo :meth:`archive`, given the prices; those archived at another time, for themselves, stay archived.

        Raises:
            InvalidTransition: the product is not archived.
        """
        archived_at = self.deleted_at
        self.undelete(now)
        for price in prices:
            if price.deleted_at == archived_at:
                price.undelete(now)

    def _price_changed(self, price: Price, change: PriceChange, now: datetime) -> None:
        self.record(ProductPriceUpdatedEvent(price_id=price.id, change=change, currency=price.currency), now)


def _category(value: str | None) -> str | None:
    return None if value is None else check_category(value)


def _canonical(sku: str | None) -> str | None:
    return None if sku is None else check_sku(sku)
