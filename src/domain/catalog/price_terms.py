"""The terms of a price: everything about it that never changes."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

from domain.catalog.tiers import MAX_QUANTITY, Tier, check_tiers, graduated_total, volume_total
from domain.shared.errors import Invalid, ValidationError
from domain.shared.money import InvalidAmount, Money

MAX_TRIAL_DAYS = 730


class QuantityOutOfRange(Invalid):
    """The price is not offered for this quantity; ``min`` and, if there is one, ``max`` are in the details."""

    code = "quantity_out_of_range"
    summary = "The price is not offered for this quantity."


class InvalidQuantityRange(ValidationError):
    """The bounds of the quantity contradict each other."""

    code = "quantity_range_invalid"
    summary = "Quantities run from at least 1 to at most 1000000, and the maximum is not below the minimum."


class InvalidPricing(ValidationError):
    """Unit amount and tiers do not fit the model."""

    code = "pricing_invalid"
    summary = "A price per unit has a unit amount and no tiers, a tiered price has tiers and no unit amount."


class InvalidRecurrence(ValidationError):
    """The billing period contradicts itself, is longer than three years, or the trial longer than two."""

    code = "recurrence_invalid"
    summary = "A period is at most three years and a trial at most 730 days; without an interval there is neither."


class PriceType(StrEnum):
    """How often a price is due: once, or every period."""

    ONE_TIME = "one_time"
    RECURRING = "recurring"


class PricingModel(StrEnum):
    """How a quantity becomes an amount.

    Per unit: every unit costs the same. Graduated: units cost what the tier says that each of them falls into.
    Volume: all units cost what the one tier says that their number falls into.
    """

    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"


class BillingInterval(StrEnum):
    """What billing periods are counted in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


LONGEST_PERIOD: Mapping[BillingInterval, int] = {
    BillingInterval.DAY: 1095,
    BillingInterval.WEEK: 156,
    BillingInterval.MONTH: 36,
    BillingInterval.YEAR: 3,
}


@frozen(kw_only=True)
class PriceTerms:
    """What is charged, how often and for which quantities.

    With an ``interval`` the price recurs every ``interval_count`` of them, for the first time after ``trial_days``.
    """

    model: PricingModel = PricingModel.PER_UNIT
    unit_amount: Money | None = None
    tiers: tuple[Tier, ...] = ()
    interval: BillingInterval | None = None
    interval_count: int | None = None
    trial_days: int = 0
    min_quantity: int = 1
    max_quantity: int | None = None

    @property
    def type(self) -> PriceType:
        """Whether the price recurs."""
        return PriceType.ONE_TIME if self.interval is None else PriceType.RECURRING

    @property
    def period(self) -> int | None:
        """How many intervals a billing period has: one unless something else is said."""
        if self.interval is None:
            return None
        return 1 if self.interval_count is None else self.interval_count

    @property
    def currency(self) -> str:
        """The one currency of all amounts; the terms have been checked."""
        return self.tiers[0].unit_amount.currency if self.unit_amount is None else self.unit_amount.currency

    def check(self) -> None:
        """Accept terms that can be kept.

        Raises:
            InvalidQuantityRange: the bounds of the quantity contradict each other.
            InvalidRecurrence: the period is too long, or contradicts itself.
            InvalidPricing: unit amount and tiers do not fit the model.
            InvalidAmount: an amount is not acceptable.
            ValidationError: the tiers are not, see :func:`~domain.catalog.tiers.check_tiers`.
        """
        highest = MAX_QUANTITY if self.max_quantity is None else self.max_quantity
        if not 1 <= self.min_quantity <= highest <= MAX_QUANTITY:
            raise InvalidQuantityRange(path="max_quantity")
        self._check_recurrence()
        if self.model is not PricingModel.PER_UNIT:
            if self.unit_amount is not None:
                raise InvalidPricing(path="unit_amount")
            check_tiers(self.tiers, self.max_quantity)
        elif self.unit_amount is None or self.tiers:
            raise InvalidPricing(path="tiers" if self.tiers else "unit_amount")
        elif not self.unit_amount.is_positive:
            raise InvalidAmount("The amount must be above zero.", path="unit_amount")

    def total(self, quantity: int) -> Money:
        """Return what so many units cost, in one period when the price recurs.

        Raises:
            QuantityOutOfRange: the price is not offered for this quantity.
            InvalidAmount: the sum does not fit 64 bits.
        """
        if not self.offers(quantity):
            raise QuantityOutOfRange(min=self.min_quantity, max=self.max_quantity)
        match self.model:
            case PricingModel.GRADUATED:
                return graduated_total(self.tiers, quantity)
            case PricingModel.VOLUME:
                return volume_total(self.tiers, quantity)
        if self.unit_amount is None:
            raise InvalidPricing(path="unit_amount")
        return self.unit_amount * quantity

    def offers(self, quantity: int) -> bool:
        """Say whether so many units can be bought; both bounds can."""
        return self.min_quantity <= quantity <= (MAX_QUANTITY if self.max_quantity is None else self.max_quantity)

    def _check_recurrence(self) -> None:
        if self.interval is None:
            if self.interval_count is not None or self.trial_days:
                raise InvalidRecurrence(path="interval")
        elif self.period is None or not 1 <= self.period <= LONGEST_PERIOD[self.interval]:
            raise InvalidRecurrence(path="interval_count")
        if not 0 <= self.trial_days <= MAX_TRIAL_DAYS:
            raise InvalidRecurrence(path="trial_days")
