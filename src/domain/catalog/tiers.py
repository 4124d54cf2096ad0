"""Tiers: amounts that depend on how many units are bought."""

from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen

from domain.shared.errors import ValidationError
from domain.shared.money import InvalidAmount, Money

MAX_QUANTITY = 1_000_000


class TiersMissing(ValidationError):
    """A tiered price needs at least one tier."""

    code = "tiers_missing"
    summary = "A tiered price has at least one tier."


class TiersOverlap(ValidationError):
    """Two tiers end at the same quantity."""

    code = "tiers_overlap"
    summary = "Two tiers end at the same quantity, so that both hold there."


class TiersDescending(ValidationError):
    """A tier ends before the one ahead of it does."""

    code = "tiers_descending"
    summary = "Every tier ends at a higher quantity than the tier before it."


class TiersUnbounded(ValidationError):
    """A tier without an end is not the last one."""

    code = "tiers_unbounded"
    summary = "Only the last tier can be without an end."


class TiersGap(ValidationError):
    """The last tier ends before the quantities do; ``uncovered_from`` in the details is the first without a price."""

    code = "tiers_gap"
    summary = "The last tier ends below the largest quantity on offer."


class TiersCurrencyMixed(ValidationError):
    """The amounts of the tiers are in several currencies."""

    code = "tiers_currency_mixed"
    summary = "All amounts of all tiers are in one currency."


class TiersFree(ValidationError):
    """No tier costs anything."""

    code = "tiers_free"
    summary = "At least one tier has an amount above zero."


@frozen(kw_only=True)
class Tier:
    """What units cost up to a quantity, which belongs to the tier; without ``up_to`` it has no end.

    ``flat_amount`` is due once, however many units of the tier are bought.
    """

    up_to: int | None
    unit_amount: Money
    flat_amount: Money | None = None

    def reaches(self, quantity: int) -> bool:
        """Say whether the tier ends at this quantity or above it."""
        return self.up_to is None or quantity <= self.up_to

    def cost(self, units: int) -> Money:
        """Return what so many units of this tier cost, with its flat amount.

        Raises:
            InvalidAmount: the sum does not fit 64 bits.
        """
        amount = self.unit_amount * units
        return amount if self.flat_amount is None else amount + self.flat_amount


def check_tiers(tiers: Sequence[Tier], max_quantity: int | None) -> None:
    """Accept tiers that give every quantity up to ``max_quantity`` exactly one price in one currency.

    Raises:
        TiersMissing, TiersUnbounded, TiersDescending, TiersOverlap, TiersGap: the quantities are not covered once.
        TiersCurrencyMixed: there is more than one currency.
        InvalidAmount: an amount is below zero.
        TiersFree: no amount is above zero.
    """
    if not tiers:
        raise TiersMissing(path="tiers")
    _check_bounds(tiers, MAX_QUANTITY if max_quantity is None else max_quantity)
    _check_amounts(tiers)


def graduated_total(tiers: Sequence[Tier], quantity: int) -> Money:
    """Return the sum of what the units cost in the tiers they fall into; the first units are in the first tier."""
    total, counted = Money.zero(tiers[0].unit_amount.currency), 0
    for tier in tiers:
        upto = quantity if tier.reaches(quantity) else tier.up_to or 0
        total += tier.cost(upto - counted)
        counted = upto
        if counted == quantity:
            break
    return total


def volume_total(tiers: Sequence[Tier], quantity: int) -> Money:
    """Return what all units cost in the one tier that their number falls into."""
    return next(tier for tier in tiers if tier.reaches(quantity)).cost(quantity)


def _check_bounds(tiers: Sequence[Tier], largest: int) -> None:
    *before, last = [tier.up_to for tier in tiers]
    bounds = [0]
    for n, bound in enumerate(before):
        if bound is None:
            raise TiersUnbounded(path=f"tiers.{n}.up_to")
        bounds.append(bound)
    if last is not None:
        bounds.append(last)
    for n, (low, high) in enumerate(pairwise(bounds)):
        if high < low or high < 1:
            raise TiersDescending(path=f"tiers.{n}.up_to")
        if high == low:
            raise TiersOverlap(path=f"tiers.{n}.up_to")
    if last is not None and last < largest:
        raise TiersGap(path=f"tiers.{len(before)}.up_to", uncovered_from=last + 1)


def _check_amounts(tiers: Sequence[Tier]) -> None:
    amounts = [
        (f"tiers.{n}.{name}", amount)
        for n, tier in enumerate(tiers)
        for name, amount in (("unit_amount", tier.unit_amount), ("flat_amount", tier.flat_amount))
        if amount is not None
    ]
    for path, amount in amounts:
        if amount.is_negative:
            raise InvalidAmount("The amount must not be below zero.", path=path)
        if amount.currency != tiers[0].unit_amount.currency:
            raise TiersCurrencyMixed(path=path)
    if not any(amount.is_positive for _, amount in amounts):
        raise TiersFree(path="tiers")
