"""A product: something that can be sold."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.catalog.price import Price
from domain.shared.entity import SoftDeletable
from domain.shared.errors import DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, ProductId
from domain.shared.metadata import check_metadata
from domain.shared.text import DESCRIPTION, NAME, check_sku


class SkuTaken(DuplicateError):
    """Another product of the organization has this stock keeping unit."""

    code = "sku_taken"
    summary = "Another product has this SKU."


@frozen(kw_only=True)
class ProductCreatedEvent(DomainEvent):
    """There is something new to sell."""

    verb: ClassVar[str] = "created"
    name: str


@define(kw_only=True, eq=False)
class Product(SoftDeletable):
    """Something that can be sold, at one or more prices."""

    kind: ClassVar[str] = "product"

    id: ProductId
    name: str
    sku: str | None
    description: str
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
        metadata: Mapping[str, object] | None = None,
        now: datetime,
    ) -> Self:
        """Put something up for sale.

        Raises:
            InvalidText: name or description is not acceptable.
            InvalidSku: the SKU is not acceptable.
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
            metadata=check_metadata(metadata or {}),
        )
        product.record(ProductCreatedEvent(name=product.name), now)
        return product

    def edit(
        self, now: datetime, *, name: str, sku: str | None, description: str, metadata: Mapping[str, object]
    ) -> None:
        """Describe the product anew; the errors are those of :meth:`create`."""
        self.amend(
            now,
            name=NAME.check(name),
            sku=_canonical(sku),
            description=DESCRIPTION.check(description),
            metadata=check_metadata(metadata),
        )

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


def _canonical(sku: str | None) -> str | None:
    return None if sku is None else check_sku(sku)
