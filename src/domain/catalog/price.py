"""A price: what so many units of a product cost, once or every period."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.catalog.price_terms import BillingInterval, PriceTerms, PriceType, PricingModel
from domain.catalog.tiers import Tier
from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, NotFound
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, PriceId, ProductId
from domain.shared.metadata import check_metadata
from domain.shared.money import InvalidAmount, Money
from domain.shared.text import NAME


class PriceArchived(BusinessRuleViolation):
    """An archived price sells nothing."""

    code = "price_archived"
    summary = "The price is archived."


class PriceHasTrial(BusinessRuleViolation):
    """Nothing is due at once, so there is nothing that a payment could collect."""

    code = "price_has_trial"
    summary = "The price begins with a free trial, so nothing can be collected when it is bought."


class PriceNotOffered(NotFound):
    """The product has no price for this currency and quantity."""

    code = "price_not_offered"
    summary = "The product has no price in this currency for this quantity."


@frozen(kw_only=True)
class PriceCreatedEvent(DomainEvent):
    """A product got a price. Tiered prices have no ``unit_amount``."""

    verb: ClassVar[str] = "created"
    product_id: ProductId
    currency: str
    unit_amount: Money | None
    model: PricingModel
    type: PriceType


@define(kw_only=True, eq=False)
class Price(SoftDeletable):
    """What units of a product cost. What is charged never changes: another price is made for that."""

    kind: ClassVar[str] = "price"

    id: PriceId
    product_id: ProductId
    currency: str
    model: PricingModel
    unit_amount: Money | None
    tiers: tuple[Tier, ...]
    type: PriceType
    interval: BillingInterval | None
    interval_count: int | None
    trial_days: int
    min_quantity: int
    max_quantity: int | None
    nickname: str | None
    metadata: dict[str, str | int | bool] = field(factory=dict)

    @property
    def archived_at(self) -> datetime | None:
        """When it was taken off sale, or None."""
        return self.deleted_at

    @property
    def terms(self) -> PriceTerms:
        """What never changes."""
        return PriceTerms(
            model=self.model, unit_amount=self.unit_amount, tiers=self.tiers, interval=self.interval,
            interval_count=self.interval_count, trial_days=self.trial_days, min_quantity=self.min_quantity,
            max_quantity=self.max_quantity,
        )  # fmt: skip

    @classmethod
    def create(
        cls,
        *,
        id: PriceId,
        organization_id: OrganizationId,
        product_id: ProductId,
        terms: PriceTerms,
        nickname: str | None = None,
        metadata: Mapping[str, object] | None = None,
        now: datetime,
    ) -> Self:
        """Offer a product at a price.

        Raises:
            InvalidText: the nickname is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
            ValidationError: the terms contradict themselves, see :meth:`PriceTerms.check`.
        """
        terms.check()
        price = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, product_id=product_id,
            currency=terms.currency, model=terms.model, unit_amount=terms.unit_amount, tiers=terms.tiers,
            type=terms.type, interval=terms.interval, interval_count=terms.period, trial_days=terms.trial_days,
            min_quantity=terms.min_quantity, max_quantity=terms.max_quantity, nickname=_nickname(nickname),
            metadata=check_metadata(metadata or {}),
        )  # fmt: skip
        created = PriceCreatedEvent(
            product_id=product_id, currency=price.currency, unit_amount=price.unit_amount, model=price.model,
            type=price.type,
        )  # fmt: skip
        price.record(created, now)
        return price

    def total(self, quantity: int) -> Money:
        """Return what so many units cost; of a recurring price, in its first period.

        Raises:
            PriceArchived: nothing is sold at this price any more.
            QuantityOutOfRange: the price is not offered for this quantity.
            InvalidAmount: the sum does not fit 64 bits.
        """
        if self.is_deleted:
            raise PriceArchived
        return self.terms.total(quantity)

    def ensure_due_at_once(self) -> None:
        """Refuse a price of which a payment could not collect anything when it is bought.

        Raises:
            PriceHasTrial: its first period begins later.
        """
        if self.trial_days:
            raise PriceHasTrial

    def edit(self, now: datetime, *, nickname: str | None, metadata: Mapping[str, object]) -> None:
        """Describe the price anew; what it charges stays.

        Raises:
            InvalidText: the nickname is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
        """
        self.amend(now, nickname=_nickname(nickname), metadata=check_metadata(metadata))


def cheapest(prices: Iterable[Price], quantity: int) -> tuple[Price, Money]:
    """Return the price at which so many units cost least, and how much; the older one of equals, then the smaller id.

    All prices are in one currency. Those that are not offered for the quantity do not count.

    Raises:
        PriceNotOffered: none is.
    """
    totals = [(price, total) for price in prices if (total := _total_if_offered(price, quantity)) is not None]
    if not totals:
        raise PriceNotOffered
    return min(totals, key=lambda each: (each[1].minor, each[0].created_at, each[0].id))


def _total_if_offered(price: Price, quantity: int) -> Money | None:
    if price.is_deleted or not price.terms.offers(quantity):
        return None
    try:
        return price.total(quantity)
    except InvalidAmount:
        # A sum beyond 64 bits can be charged by nobody, so the price is not offered for so many.
        return None


def _nickname(value: str | None) -> str | None:
    return None if value is None else NAME.check(value)
