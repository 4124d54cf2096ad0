"""Prices: what is charged, how often, and for which quantities."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from domain.catalog.price import Price, PriceArchived, PriceCreatedEvent, PriceHasTrial, PriceNotOffered, cheapest
from domain.catalog.price_terms import (
    LONGEST_PERIOD,
    BillingInterval,
    InvalidPricing,
    InvalidQuantityRange,
    InvalidRecurrence,
    PriceTerms,
    PriceType,
    PricingModel,
    QuantityOutOfRange,
)
from domain.catalog.tiers import Tier, TiersMissing
from domain.shared.events import Updated
from domain.shared.ids import OrganizationId, PriceId, ProductId
from domain.shared.metadata import InvalidMetadata
from domain.shared.money import MAX_MINOR, InvalidAmount, Money
from domain.shared.text import InvalidText

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PER_UNIT = PriceTerms(unit_amount=Money.of(1250, "EUR"))
IN_TIERS = PriceTerms(
    model=PricingModel.VOLUME,
    tiers=(
        Tier(up_to=10, unit_amount=Money.of(1250, "EUR")),
        Tier(up_to=None, unit_amount=Money.of(990, "EUR")),
    ),
)


def a_price(terms: PriceTerms = PER_UNIT, n: int = 3, at: datetime = NOW) -> Price:
    return Price.create(
        id=PriceId(UUID(int=n)), organization_id=OrganizationId(UUID(int=1)), product_id=ProductId(UUID(int=2)),
        terms=terms, now=at,
    )  # fmt: skip


def charging(minor: int, **terms: Any) -> PriceTerms:  # reason: any of the terms
    return evolve(PER_UNIT, unit_amount=Money.of(minor, "EUR"), **terms)


def test_the_total_is_exact_up_to_the_bounds_of_the_price() -> None:
    """Both ends of the quantity belong to the range."""
    price = a_price(charging(1250, min_quantity=2, max_quantity=4))
    assert [price.total(quantity) for quantity in (2, 4)] == [Money.of(2500, "EUR"), Money.of(5000, "EUR")]


@pytest.mark.parametrize("quantity", [-1, 0, 1, 5])
def test_a_quantity_out_of_range_has_no_total(quantity: int) -> None:
    """The bounds are in the details."""
    with pytest.raises(QuantityOutOfRange) as refused:
        a_price(charging(1250, min_quantity=2, max_quantity=4)).total(quantity)
    assert refused.value.details == {"min": 2, "max": 4}


def test_a_total_beyond_64_bits_is_refused() -> None:
    """Nothing wraps around."""
    with pytest.raises(InvalidAmount):
        a_price(charging(MAX_MINOR)).total(2)


def test_an_archived_price_sells_nothing() -> None:
    """Not even within its bounds."""
    price = a_price()
    price.delete(NOW, "key_1")
    with pytest.raises(PriceArchived):
        price.total(1)


@pytest.mark.parametrize("minor", [0, -1])
def test_a_price_is_above_zero(minor: int) -> None:
    """Free and negative are no prices."""
    with pytest.raises(InvalidAmount):
        a_price(charging(minor))


@pytest.mark.parametrize(("low", "high"), [(0, None), (3, 2), (1, 1_000_001), (1_000_001, None)])
def test_quantity_bounds_do_not_contradict_each_other(low: int, high: int | None) -> None:
    """At least one, at most a million, and in order."""
    with pytest.raises(InvalidQuantityRange):
        a_price(evolve(PER_UNIT, min_quantity=low, max_quantity=high))


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        (PriceTerms(), InvalidPricing),
        (evolve(PER_UNIT, tiers=IN_TIERS.tiers), InvalidPricing),
        (evolve(IN_TIERS, unit_amount=PER_UNIT.unit_amount), InvalidPricing),
        (PriceTerms(model=PricingModel.GRADUATED), TiersMissing),
    ],
)
def test_unit_amount_and_tiers_fit_the_model(terms: PriceTerms, error: type[Exception]) -> None:
    """A price per unit has an amount and no tiers, a tiered one the opposite."""
    with pytest.raises(error):
        a_price(terms)


def test_a_tiered_price_has_a_currency_and_no_amount_per_unit() -> None:
    """The event tells what kind of price it is."""
    price = a_price(IN_TIERS)
    assert (price.currency, price.unit_amount, price.type) == ("EUR", None, PriceType.ONE_TIME)
    (created,) = price.pull_events()
    assert isinstance(created.event, PriceCreatedEvent)
    assert (created.event.model, created.event.unit_amount) == (PricingModel.VOLUME, None)
    assert price.terms == IN_TIERS


@pytest.mark.parametrize("interval", BillingInterval)
def test_a_period_is_at_most_three_years(interval: BillingInterval) -> None:
    """One interval unless something else is said."""
    recurring = evolve(PER_UNIT, interval=interval)
    price = a_price(recurring)
    assert (price.type, price.interval, price.interval_count) == (PriceType.RECURRING, interval, 1)
    assert (
        a_price(evolve(recurring, interval_count=LONGEST_PERIOD[interval])).interval_count == LONGEST_PERIOD[interval]
    )
    for count in (0, -1, LONGEST_PERIOD[interval] + 1):
        with pytest.raises(InvalidRecurrence):
            a_price(evolve(recurring, interval_count=count))


@pytest.mark.parametrize("terms", [{"interval_count": 1}, {"trial_days": 14}])
def test_what_does_not_recur_has_neither_period_nor_trial(terms: dict[str, Any]) -> None:
    """An interval is what makes a price recur."""
    with pytest.raises(InvalidRecurrence):
        a_price(evolve(PER_UNIT, **terms))


@pytest.mark.parametrize("days", [-1, 731])
def test_a_trial_is_at_most_two_years(days: int) -> None:
    """And never negative."""
    with pytest.raises(InvalidRecurrence):
        a_price(evolve(PER_UNIT, interval=BillingInterval.MONTH, trial_days=days))


def test_a_price_with_a_trial_has_nothing_to_collect_at_once() -> None:
    """Others have, also when they recur."""
    monthly = evolve(PER_UNIT, interval=BillingInterval.MONTH)
    a_price(monthly).ensure_due_at_once()
    with pytest.raises(PriceHasTrial):
        a_price(evolve(monthly, trial_days=14)).ensure_due_at_once()


def test_only_how_a_price_is_described_can_change() -> None:
    """Nickname and metadata, checked by their own rules."""
    price = a_price()
    price.pull_events()
    price.edit(LATER, nickname=" Spring ", metadata={"campaign": "may"})
    (recorded,) = price.pull_events()
    assert (price.nickname, recorded.event) == ("Spring", Updated(changed=["nickname", "metadata"]))
    with pytest.raises(InvalidText):
        price.edit(LATER, nickname="<b>", metadata={})
    with pytest.raises(InvalidMetadata):
        price.edit(LATER, nickname=None, metadata={"cvv": "123"})


def test_the_best_price_costs_least_for_the_quantity() -> None:
    """Tiers win where they are cheaper; prices that are archived or not offered for so many do not count."""
    single, many, tiered, gone = (
        a_price(charging(1000), 3),
        a_price(charging(900, min_quantity=5), 4),
        a_price(IN_TIERS, 5),
        a_price(charging(1), 6),
    )
    gone.delete(NOW, "key_1")
    prices = [gone, tiered, many, single]
    assert cheapest(prices, 1) == (single, Money.of(1000, "EUR"))
    assert cheapest(prices, 5) == (many, Money.of(4500, "EUR"))
    assert cheapest([tiered, single], 11) == (tiered, Money.of(10_890, "EUR"))
    with pytest.raises(PriceNotOffered):
        cheapest([many, gone], 1)


def test_of_equal_prices_the_older_one_is_best_and_then_the_smaller_id() -> None:
    """However they are given."""
    older, twin, newer = a_price(n=8), a_price(n=9), a_price(n=3, at=LATER)
    for prices in ([older, twin, newer], [newer, twin, older]):
        assert cheapest(prices, 3)[0] is older


def test_a_price_whose_total_nobody_can_charge_is_not_offered() -> None:
    """A sum beyond 64 bits does not hide the prices that can be charged."""
    huge, fair = a_price(charging(MAX_MINOR), 3), a_price(charging(MAX_MINOR // 4), 4)
    assert cheapest([huge, fair], 2)[0] is fair
