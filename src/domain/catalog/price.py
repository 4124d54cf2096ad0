"""A price: what one unit of a product costs."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, Invalid, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, PriceId, ProductId
from domain.shared.money import InvalidAmount, Money

MAX_QUANTITY = 1_000_000


class QuantityOutOfRange(Invalid):
    """The price is not offered for this quantity; ``min`` and, if there is one, ``max`` are in the details."""

    code = "quantity_out_of_range"
    summary = "The price is not offered for this quantity."


class InvalidQuantityRange(ValidationError):
    """The bounds of the quantity contradict each other."""

    code = "quantity_range_invalid"
    summary = "Quantities run from at least 1 to at most 1000000, and the maximum is not below the minimum."


class PriceArchived(BusinessRuleViolation):
    """An archived price sells nothing."""

    code = "price_archived"
    summary = "The price is archived."


class PriceType(StrEnum):
    """How often a price is due."""

    ONE_TIME = "one_time"


@frozen(kw_only=True)
class PriceCreatedEvent(DomainEvent):
    """A product got a price."""

    verb: ClassVar[str] = "created"
    product_id: ProductId
    unit_amount: Money


@define(kw_only=True, eq=False)
class Price(SoftDeletable):
    """What one unit costs, for quantities from ``min_quantity`` to ``max_quantity``. A price is never changed."""

    kind: ClassVar[str] = "price"

    id: PriceId
    product_id: ProductId
    unit_amount: Money
    type: PriceType
    min_quantity: int
    max_quantity: int | None

    @property
    def archived_at(self) -> datetime | None:
        """When it was taken off sale, or None."""
        return self.deleted_at

    @classmethod
    def create(
        cls,
        *,
        id: PriceId,
        organization_id: OrganizationId,
        product_id: ProductId,
        unit_amount: Money,
        min_quantity: int = 1,
        max_quantity: int | None = None,
        now: datetime,
    ) -> Self:
        """Offer a product at a price.

        Raises:
            InvalidAmount: the amount is not above zero.
            InvalidQuantityRange: the bounds of the quantity contradict each other.
        """
        if not unit_amount.is_positive:
            raise InvalidAmount("The amount must be above zero.", path="unit_amount")
        if not 1 <= min_quantity <= (MAX_QUANTITY if max_quantity is None else max_quantity) <= MAX_QUANTITY:
            raise InvalidQuantityRange(path="max_quantity")
        price = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            product_id=product_id,
            unit_amount=unit_amount,
            type=PriceType.ONE_TIME,
            min_quantity=min_quantity,
            max_quantity=max_quantity,
        )
        price.record(PriceCreatedEvent(product_id=product_id, unit_amount=unit_amount), now)
        return price

    def total(self, quantity: int) -> Money:
        """Return what so many units cost.

        Raises:
            PriceArchived: nothing is sold at this price any more.
            QuantityOutOfRange: the price is not offered for this quantity.
            InvalidAmount: the sum does not fit 64 bits.
        """
        if self.is_deleted:
            raise PriceArchived
        if quantity < self.min_quantity or (self.max_quantity is not None and quantity > self.max_quantity):
            raise QuantityOutOfRange(min=self.min_quantity, max=self.max_quantity)
        return self.unit_amount * quantity
